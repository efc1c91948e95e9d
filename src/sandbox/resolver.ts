import { realpath } from "node:fs/promises";
import { guestPath, hostPath } from "../std/path.ts";
import type { Mount } from "./contract.ts";

/** What of this machine's name resolution a program on its network needs. */
export async function resolverMounts(): Promise<Mount[]> {
  const mounts = ["/etc/resolv.conf", "/etc/hosts"].map(async (path): Promise<Mount[]> => {
    const host = await realpath(path).catch(() => undefined);
    return host === undefined ? [] : [{ host: hostPath(host), guest: guestPath(path), access: "ro" }];
  });
  return (await Promise.all(mounts)).flat();
}
