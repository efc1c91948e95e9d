import { Fault } from "../std/fault.ts";
import { type BaseUser, defaultUser } from "./definition.ts";

/** What stands in /etc/passwd and /etc/group when nothing else does. */
export const bareAccounts = {
  passwd: "root:*:0:0:root:/root:/bin/sh\nnobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
  group: "root:*:0:\nnogroup:*:65534:\n",
} as const;

function rowsOf(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":"));
}

function ended(text: string): string {
  return text === "" || text.endsWith("\n") ? text : `${text}\n`;
}

function taken(user: BaseUser, found: string): Fault {
  return new Fault("base.user", `Cannot add user ${user.name} (${user.uid}:${user.gid}): ${found}`, {
    hint: "choose another name or other ids under [user]",
  });
}

/** Text of /etc/passwd with the user in it; unchanged when it is there already. Throws Fault `base.user` when name or id are taken. */
export function withUser(passwd: string, user: BaseUser, shell: string): string {
  const rows = rowsOf(passwd);
  const same = rows.find(([name]) => name === user.name);
  if (same && (Number(same[2]) !== user.uid || Number(same[3]) !== user.gid))
    throw taken(user, `the base has a user of that name with ids ${same[2]}:${same[3]}`);
  if (same) return passwd;
  const other = rows.find((row) => Number(row[2]) === user.uid);
  if (other) throw taken(user, `the base has that id as ${other[0]}`);
  return `${ended(passwd)}${user.name}:*:${user.uid}:${user.gid}::${user.home}:${shell}\n`;
}

/** Text of /etc/group with a group for the user; unchanged when one with that id is there. Throws Fault `base.user` when the name is taken. */
export function withGroup(group: string, user: BaseUser): string {
  const rows = rowsOf(group);
  if (rows.some((row) => Number(row[2]) === user.gid)) return group;
  const same = rows.find(([name]) => name === user.name);
  if (same) throw taken(user, `the base has a group of that name with id ${same[2]}`);
  return `${ended(group)}${user.name}:*:${user.gid}:\n`;
}

/** The user an image already runs apps as: the one its config names, else the one with the default id; undefined when it is root or not listed. */
export function ownUser(passwd: string, configured: string | undefined): BaseUser | undefined {
  const [who, group] = (configured ?? "").split(":");
  const rows = rowsOf(passwd);
  const row =
    rows.find(([name, , uid]) => who !== "" && (name === who || uid === who)) ??
    rows.find((fields) => Number(fields[2]) === defaultUser.uid);
  const [name, , uid, gid, , home] = row ?? [];
  if (!name || !home || !(Number(uid) > 0)) return undefined;
  return { name, uid: Number(uid), gid: Number(/^\d+$/.test(group ?? "") ? group : gid), home };
}
