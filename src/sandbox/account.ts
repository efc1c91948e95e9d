/** The ids a job runs under. */
export interface Ids {
  readonly uid: number;
  readonly gid: number;
}

/** A line of /etc/passwd. */
export interface Account extends Ids {
  readonly name: string;
  readonly home: string;
}

/** The name and the home folder jobs have where nothing else says so. */
const ownName = "cnb";
export const ownHome = "/home/cnb";

const machinePasswd = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const machineGroup = "root:x:0:\nnogroup:x:65534:\n";

function rowsOf(text: string): string[][] {
  return text.split("\n").map((line) => line.split(":"));
}

/** The accounts in the text of /etc/passwd; lines that are none are passed over. */
export function parsePasswd(text: string): Account[] {
  return rowsOf(text)
    .filter((row) => row.length >= 7 && /^\d+$/.test(row[2]!) && /^\d+$/.test(row[3]!))
    .map((row) => ({ name: row[0]!, uid: Number(row[2]), gid: Number(row[3]), home: row[5]! }));
}

/** The ids of the groups in the text of /etc/group, by name. */
export function parseGroup(text: string): Map<string, number> {
  const rows = rowsOf(text).filter((row) => row.length >= 4 && /^\d+$/.test(row[2]!));
  return new Map(rows.map((row) => [row[0]!, Number(row[2])]));
}

function withLine(text: string, line: string): string {
  return `${text === "" || text.endsWith("\n") ? text : `${text}\n`}${line}\n`;
}

/** The text of /etc/passwd (that of a bare machine unless given) in which `uid` has a name. */
export function passwdWith({ uid, gid }: Ids, text = machinePasswd): string {
  const isKnown = parsePasswd(text).some((account) => account.uid === uid);
  return isKnown ? text : withLine(text, `${ownName}:x:${uid}:${gid}::${ownHome}:/bin/sh`);
}

/** The text of /etc/group (that of a bare machine unless given) in which `gid` has a name. */
export function groupWith({ gid }: Ids, text = machineGroup): string {
  const isKnown = [...parseGroup(text).values()].includes(gid);
  return isKnown ? text : withLine(text, `${ownName}:x:${gid}:`);
}

/** The home folder the text of /etc/passwd gives `uid`; a new one where it gives none. */
export function homeOf(uid: number, passwd: string): string {
  const home = parsePasswd(passwd).find((account) => account.uid === uid)?.home ?? ownHome;
  return home.startsWith("/") && home !== "/" ? home : ownHome;
}

/**
 * The ids `User` of an image config means (OCI image spec: `user`, `uid`, `user:group`, `uid:gid`, `uid:group`, `user:gid`), root's
 * when it is absent. A name that is not in the image is undefined; a user without a group has that of its account, else 0.
 */
export function idsOf(user: string | undefined, passwd: string, group: string): Ids | undefined {
  const [who = "", which] = (user || "0").split(":");
  const account = parsePasswd(passwd).find(({ name, uid }) => name === who || String(uid) === who);
  const uid = account?.uid ?? number(who);
  const gid = which ? (parseGroup(group).get(which) ?? number(which)) : (account?.gid ?? 0);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

function number(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
