import { mkdir, symlink } from "node:fs/promises";
import { execa } from "execa";
import { Fault } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";
import { toolPath } from "./spawn.ts";

/** A directory whose changes are thrown away. */
export interface Disposable {
  readonly path: HostPath;
  /** The command by which a program sees the directory there: it may need a mount of its own. */
  wrap(argv: readonly string[]): readonly string[];
}

const tools = { env: { PATH: toolPath }, extendEnv: false, reject: false, stdin: "ignore" } as const;

// Relative names, because a mount option cannot hold every character a path can.
const layOver = [
  'cd "$1"',
  "shift",
  "mount -n -t overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr overlay merged || exit 1",
  'exec "$@"',
].join("; ");

async function copyOf(lower: HostPath, copy: HostPath): Promise<void> {
  const { failed, stderr } = await execa("cp", ["-a", "--reflink=auto", `${lower}/.`, copy], tools);
  if (!failed) return;
  throw new Fault("root.copy", `Cannot copy image to ${copy}: ${stderr.trim().split("\n").at(-1)}`);
}

/**
 * A directory with everything in `lower`, for writing, in the empty `folder`: an overlay where the kernel lets us make one, else a
 * copy (which costs nothing on file systems that share blocks).
 */
export async function layOverDirectory(lower: HostPath, folder: HostPath): Promise<Disposable> {
  const merged = under(folder, "merged");
  await Promise.all(["upper", "work", "merged"].map((name) => mkdir(under(folder, name))));
  await symlink(lower, under(folder, "lower"));
  const wrap = (argv: readonly string[]) => [
    ...["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", layOver, "sh", folder],
    ...argv,
  ];
  const [program, ...rest] = wrap(["true"]);
  const { failed } = await execa(program!, rest, tools);
  if (!failed) return { path: merged, wrap };
  await copyOf(lower, merged);
  return { path: merged, wrap: (argv) => argv };
}
