import { chmodSync, lchownSync, linkSync, lutimesSync, readlinkSync, symlinkSync } from "node:fs";
import type { Bytes } from "../std/byte.ts";
import type { HostPath } from "../std/path.ts";
import { escaping, unwritable } from "./fault.ts";
import type { TarHeader } from "./header.ts";
import { Gathered, writeMarks } from "./marks.ts";
import { byteString, shown, systemPath } from "./name.ts";
import { type Keep, putFile, replacing, writing } from "./put.ts";
import { readTar, type TarEntry } from "./read.ts";
import { statOf } from "./remove.ts";
import { HostTree, partsOf } from "./tree.ts";
import { turns } from "./turn.ts";
import { Applied, type Whiteouts, whiteoutOf } from "./whiteout.ts";

/** How a layer is unpacked. */
export interface UnpackOptions {
  /** Whether entries get the owners the archive says (needs root) instead of whoever runs this; false unless said. */
  readonly owners?: boolean;
  readonly signal?: AbortSignal;
}

/** What became of a layer. */
export interface Unpacked {
  /** How many entries the archive had. */
  readonly entries: number;
  /** Names of devices and pipes that could not be made. */
  readonly skipped: readonly string[];
}

/** One layer on its way into a directory. */
class Unpacking {
  readonly skipped: string[] = [];
  readonly #tree: HostTree;
  readonly #layer: Whiteouts;
  readonly #keep: Keep;
  readonly #pause: () => Promise<void> | undefined;

  constructor(tree: HostTree, layer: Whiteouts, owners: boolean, pause: () => Promise<void> | undefined) {
    this.#tree = tree;
    this.#layer = layer;
    this.#keep = { owner: owners, time: true };
    this.#pause = pause;
  }

  async put(entry: TarEntry): Promise<void> {
    const { header } = entry;
    const { name } = header;
    const parts = partsOf(name);
    const last = parts.at(-1);
    if (last === undefined) return this.#putRoot(header);
    const directory = writing(name, () => this.#tree.directoryAt(parts.slice(0, -1), name));
    const path = `${directory}/${last}`;
    const whiteout = whiteoutOf(last, name);
    if (whiteout?.kind === "one")
      return writing(name, () => this.#layer.removeBelow(this.#tree, `${directory}/${whiteout.name}`));
    if (whiteout?.kind === "opaque") return writing(name, () => this.#layer.removeIn(this.#tree, directory));
    if (whiteout !== undefined) return;
    this.#layer.add(path);
    if (header.type === "file") await putFile(path, entry, this.#keep, () => this.#tree.remove(path), this.#pause);
    else if (header.type === "directory") writing(name, () => this.#putDirectory(path, header));
    else if (header.type === "symlink") writing(name, () => this.#putSymlink(path, header));
    else if (header.type === "hardlink") writing(name, () => this.#putHardlink(path, header));
    else await this.#putNode(path, header);
  }

  #putRoot(header: TarHeader): void {
    if (header.type !== "directory") throw escaping(header.name, "it would take the place of the root directory");
    writing(header.name, () => this.#putDirectory(this.#tree.root, header));
  }

  #putDirectory(path: string, { mode, uid, gid }: TarHeader): void {
    if (!this.#tree.makeDirectory(path)) {
      this.#tree.remove(path);
      this.#tree.makeDirectory(path);
    }
    if (this.#keep.owner) lchownSync(systemPath(path), uid, gid);
    this.#tree.setMode(path, mode);
  }

  #putSymlink(path: string, { link, uid, gid, mtime }: TarHeader): void {
    replacing(
      () => symlinkSync(systemPath(link), systemPath(path)),
      () => this.#tree.remove(path),
    );
    if (this.#keep.owner) lchownSync(systemPath(path), uid, gid);
    lutimesSync(systemPath(path), mtime, mtime);
  }

  #putHardlink(path: string, { name, link }: TarHeader): void {
    const parts = partsOf(link);
    const last = parts.pop();
    if (last === undefined) throw escaping(name, "it links to the root directory");
    const target = `${this.#tree.directoryAt(parts, name)}/${last}`;
    const found = statOf(target);
    if (found === undefined || found.isDirectory())
      throw unwritable(name, new Error(`it links to ${shown(link)}, ${found ? "a directory" : "which is not there"}`));
    if (target === path) return;
    // Some systems follow a link to a link; a copy means the same and stays inside.
    const attempt = found.isSymbolicLink()
      ? () => symlinkSync(readlinkSync(systemPath(target), "buffer"), systemPath(path))
      : () => linkSync(systemPath(target), systemPath(path));
    replacing(attempt, () => this.#tree.remove(path));
  }

  /**
   * Node cannot make devices and pipes itself. A device opens the machine to who runs in the tree: it takes a root who
   * asks for owners.
   */
  async #putNode(path: string, header: TarHeader): Promise<void> {
    const { name, type, mode, uid, gid, devMajor, devMinor } = header;
    writing(name, () => this.#tree.remove(path));
    const numbers = type === "fifo" ? ["p"] : [type === "char" ? "c" : "b", String(devMajor), String(devMinor)];
    const file = type === "fifo" || this.#keep.owner ? systemPath(path) : undefined;
    const { execa } = await import("execa");
    const made =
      typeof file === "string" && (await execa("mknod", ["-m", "600", "--", file, ...numbers], { reject: false }));
    if (made === false || made.exitCode !== 0) {
      this.skipped.push(shown(name));
      return;
    }
    writing(name, () => {
      if (this.#keep.owner) lchownSync(file, uid, gid);
      chmodSync(file, mode);
    });
  }
}

/** How a layer meets what is there. */
interface Meeting {
  readonly whiteouts: Whiteouts;
  /** What is left to do in the tree while its directories can be written. */
  finish(tree: HostTree): Promise<void>;
}

async function unpack(bytes: Bytes, root: HostPath, meeting: Meeting, options: UnpackOptions): Promise<Unpacked> {
  const pause = turns(options.signal);
  const tree = writing(byteString(root), () => new HostTree(root, "resolve"));
  const unpacking = new Unpacking(tree, meeting.whiteouts, options.owners ?? false, pause);
  let entries = 0;
  try {
    for await (const entry of readTar(bytes)) {
      const wait = pause();
      if (wait !== undefined) await wait;
      await unpacking.put(entry);
      entries++;
    }
    await meeting.finish(tree);
  } finally {
    writing(byteString(root), () => tree.close());
  }
  return { entries, skipped: unpacking.skipped };
}

/**
 * Unpacks one layer of an image onto a root directory, over what the layers below it left there: entries replace what
 * they meet, whiteouts remove it (OCI image spec, "Applying Changesets"). Links on the way to an entry are followed as
 * if `root` were the whole file system, and nothing is ever written outside of it: what would be is Fault `tar.escape`.
 * Modes and file times are the archive's. After a Fault what has been written stays: remove `root`.
 */
export async function unpackTar(bytes: Bytes, root: HostPath, options: UnpackOptions = {}): Promise<Unpacked> {
  return unpack(bytes, root, { whiteouts: new Applied(), finish: async () => {} }, options);
}

/**
 * Unpacks one layer by itself into an empty directory, in the form overlayfs stacks (mount option `userxattr`): a whiteout
 * is a character device 0:0, a directory that hides what is below carries `user.overlay.opaque`. Everything belongs to whoever
 * runs this, devices are left out; nothing is written outside of `root`. Resolves to the paths of the directories that hide, from
 * `root`, too. Throws as `unpackTar` does, and Fault `tar.marks` when the marks cannot be set.
 */
export async function unpackLayer(
  bytes: Bytes,
  root: HostPath,
  options: Pick<UnpackOptions, "signal"> = {},
): Promise<Unpacked & { readonly opaque: readonly string[] }> {
  const whiteouts = new Gathered();
  let opaque: readonly string[] = [];
  const finish = async (tree: HostTree) => {
    const marks = whiteouts.marksIn(tree.root);
    await writeMarks(root, marks);
    opaque = marks.opaque.map(({ path }) => path);
  };
  return { ...(await unpack(bytes, root, { whiteouts, finish }, options)), opaque };
}
