import { loadExeca } from "../std/execa.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import { encodeHeader, type TarHeader } from "./header.ts";
import type { ByteString } from "./name.ts";
import { encodeRecord } from "./pax.ts";
import { statOf } from "./remove.ts";
import type { HostTree } from "./tree.ts";
import type { Whiteouts } from "./whiteout.ts";

/** What overlayfs is to see of a layer's whiteouts; paths are byte strings, relative to the layer's directory. */
export interface Marks {
  /** Names that hide what the layers below have there. */
  readonly gone: readonly string[];
  /** Directories that hide what the layers below have in them. */
  readonly opaque: readonly { readonly path: string; readonly mode: number }[];
}

/** Whether all that stands above a path, from `root` downwards, is a directory and no link to one. */
function isInDirectories(root: string, path: string): boolean {
  const above = path.slice(0, path.lastIndexOf("/"));
  return above.length < root.length || (isInDirectories(root, above) && statOf(above)?.isDirectory() === true);
}

/** Whiteouts of a layer that stands by itself: they are gathered, and settled when all of the layer is there. */
export class Gathered implements Whiteouts {
  readonly #gone = new Set<string>();
  readonly #emptied = new Set<string>();

  add(): void {}

  removeBelow(_tree: HostTree, path: string): void {
    this.#gone.add(path);
  }

  removeIn(_tree: HostTree, directory: string): void {
    this.#emptied.add(directory);
  }

  /** What is to be marked below `root`: a file of the layer itself hides what is below anyway, a directory only when it is marked. */
  marksIn(root: string): Marks {
    const opaque = new Map<string, number>();
    const gone: string[] = [];
    const inside = (path: string) => path.slice(root.length + 1);
    for (const path of [...this.#gone, ...this.#emptied]) {
      // A later entry may have put a file or a link in a directory's place: nothing is marked through that.
      if (!isInDirectories(root, path)) continue;
      const found = statOf(path);
      if (found?.isDirectory()) opaque.set(inside(path), found.mode & 0o7777);
      else if (found === undefined && this.#gone.has(path)) gone.push(inside(path));
    }
    return { gone, opaque: [...opaque].map(([path, mode]) => ({ path, mode })) };
  }
}

/** Where the program may be; never the caller's own PATH. */
const path = "/usr/local/bin:/usr/bin:/bin:/run/current-system/sw/bin";
const plain = { uid: 0, gid: 0, size: 0, mtime: 0, link: "" as ByteString, devMajor: 0, devMinor: 0 } as const;
const hides = encodeRecord("SCHILY.xattr.user.overlay.opaque", "y");

function headerOf(path: string, type: "directory" | "char", mode: number): TarHeader {
  return { ...plain, name: `./${path}` as ByteString, type, mode };
}

/**
 * Sets the marks below `root` by the program `tar`, as Node makes neither devices nor extended attributes; a device 0:0 takes no
 * privilege. Throws Fault `tar.marks`.
 */
export async function writeMarks(root: HostPath, { gone, opaque }: Marks): Promise<void> {
  if (gone.length === 0 && opaque.length === 0) return;
  const archive = Buffer.concat([
    ...opaque.map(({ path, mode }) => encodeHeader(headerOf(path, "directory", mode), hides)),
    ...gone.map((path) => encodeHeader(headerOf(path, "char", 0o600))),
    Buffer.alloc(1024),
  ]);
  const options = [
    "--xattrs",
    "--xattrs-include=user.overlay.*",
    "--no-same-owner",
    "--touch",
    "--warning=no-timestamp",
  ];
  const execa = await loadExeca();
  const { failed, stderr, message } = await execa("tar", ["-C", root, "-x", "-p", ...options, "-f", "-"], {
    input: archive,
    env: { PATH: path, LC_ALL: "C" },
    extendEnv: false,
    reject: false,
  });
  if (!failed && !/xattr/i.test(stderr)) return;
  const found = stderr.trim().split("\n").at(-1) || reasonOf(new Error(message));
  throw new Fault("tar.marks", `Cannot mark what layer hides at ${root}: ${found}`, {
    hint: "it takes GNU tar, and a file system with extended attributes below PACK_HOME",
  });
}
