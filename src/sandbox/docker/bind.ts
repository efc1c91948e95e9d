import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type Docker from "dockerode";
import { guestPath, type HostPath, under } from "../../std/path.ts";
import type { Ids } from "../account.ts";
import type { Mount } from "../contract.ts";
import { execute } from "./exec.ts";

/** Proves that a container sees this machine's files, and that they are its user's. */
export interface Proof {
  /** To be mounted beside the others. */
  readonly mount: Mount;
  /** Whether the user sees there what it must, and owns what it may write to. */
  holds(container: Docker.Container, mounts: readonly Mount[], user: Ids): Promise<boolean>;
}

const look = [
  'read -r said <"$1" && [ "$said" = "$2" ] || exit 1',
  'shift 2; for path; do [ -O "$path" ] && [ -w "$path" ] || exit 1; done',
].join("\n");

/** Makes a proof in `scratch`: the engine may run on another machine, in a virtual one, or map ids. */
export async function bindProof(scratch: HostPath): Promise<Proof> {
  const token = randomUUID();
  const host = under(scratch, "token");
  const guest = guestPath("/run/plinth-token");
  await writeFile(host, `${token}\n`, { mode: 0o644 });
  return {
    mount: { host, guest, access: "ro" },
    async holds(container, mounts, { uid, gid }) {
      const own = mounts.filter(({ access }) => access === "rw").map((mount) => mount.guest);
      const argv = ["/bin/sh", "-c", look, "sh", guest, token, ...own];
      return (await execute(container, { argv, user: `${uid}:${gid}` }, () => {})) === 0;
    },
  };
}
