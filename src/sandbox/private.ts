import { chmod, mkdir, writeFile } from "node:fs/promises";
import { guestPath, type HostPath, under } from "../std/path.ts";
import type { Mount } from "./contract.ts";

/** Makes an empty folder `name` in `scratch`, to be seen as `guest` and written to. */
export async function privateFolder(scratch: HostPath, name: string, guest: string, mode: number): Promise<Mount> {
  const host = under(scratch, name);
  await mkdir(host);
  await chmod(host, mode);
  return { host, guest: guestPath(guest), access: "rw" };
}

/** Writes a file `name` in `scratch`, to be seen as `guest` and read by everyone. */
export async function privateFile(scratch: HostPath, name: string, guest: string, text: string): Promise<Mount> {
  const host = under(scratch, name);
  await writeFile(host, text);
  await chmod(host, 0o644);
  return { host, guest: guestPath(guest), access: "ro" };
}
