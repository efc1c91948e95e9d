/** The name and the home folder jobs have where nothing else says so. */
export const accountName = "cnb";
export const accountHome = "/home/cnb";

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The text of /etc/passwd for a sandbox over a machine: root, the job's user and nobody. */
export function passwdOf({ uid, gid }: User): string {
  const own = uid === 0 ? [] : [`${accountName}:x:${uid}:${gid}::${accountHome}:/bin/sh`];
  const nobody = uid === 65534 ? [] : ["nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"];
  return [`root:x:0:0:root:${uid === 0 ? accountHome : "/root"}:/bin/sh`, ...own, ...nobody, ""].join("\n");
}

/** The text of /etc/group to go with it. */
export function groupOf({ gid }: User): string {
  const own = gid === 0 ? [] : [`${accountName}:x:${gid}:`];
  const nobody = gid === 65534 ? [] : ["nogroup:x:65534:"];
  return ["root:x:0:", ...own, ...nobody, ""].join("\n");
}
