import { readdirSync, readFileSync, readlinkSync, type Stats } from "node:fs";
import { type GuestPath, type HostPath, hostPath } from "../std/path.ts";
import { byteString, systemPath } from "./name.ts";
import { statOf } from "./remove.ts";

/** One layer as `unpackLayer` leaves it. */
export interface StackedLayer {
  readonly tree: HostPath;
  /** The directories in it that hide what the layers below have in them, as byte strings relative to `tree`. */
  readonly opaque: ReadonlySet<string>;
}

/** What stands at a path of a stack: a directory in one or more layers, the uppermost first, or one thing that is none. */
interface Found {
  readonly stats: Stats;
  /** Paths on this machine, as byte strings. */
  readonly parts: readonly { readonly layer: StackedLayer; readonly path: string }[];
}

/** As many symbolic links may lie on one way, as on Linux. */
const maxLinks = 40;

function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

/** Unpacked layers as one file system, read without mounting it: nothing outside of it is ever seen, whatever its links say. */
export class Stacked {
  readonly #root: Found | undefined;

  /** The layers, bottom first. */
  constructor(layers: readonly StackedLayer[]) {
    const parts = layers.map((layer) => ({ layer, path: byteString(layer.tree) as string })).reverse();
    const stats = parts[0] && statOf(parts[0].path);
    this.#root = stats && { stats, parts };
  }

  /** Where on this machine the file at a path is, links followed; undefined when there is none, or it is a directory. */
  fileAt(path: GuestPath): HostPath | undefined {
    const found = this.#find(path);
    return found?.stats.isFile() ? hostPath(Buffer.from(found.parts[0]!.path, "latin1").toString()) : undefined;
  }

  /** The text of the file at a path; undefined when there is none. */
  textAt(path: GuestPath): string | undefined {
    const found = this.#find(path);
    return found?.stats.isFile() ? readFileSync(systemPath(found.parts[0]!.path), "utf8") : undefined;
  }

  /** Where on this machine the directory at a path is, links followed; undefined when there is none, or several layers have a part of it. */
  directoryAt(path: GuestPath): HostPath | undefined {
    const found = this.#find(path);
    const [only, ...others] = found?.stats.isDirectory() ? found.parts : [];
    return only && others.length === 0 ? hostPath(Buffer.from(only.path, "latin1").toString()) : undefined;
  }

  /** The names in the directory at a path, in byte order; none when it is no directory. */
  namesAt(path: GuestPath): string[] {
    const found = this.#find(path);
    if (!found?.stats.isDirectory()) return [];
    const seen = new Map<string, boolean>();
    for (const { layer, path: directory } of found.parts) {
      for (const name of readdirSync(systemPath(directory), "latin1")) {
        if (!seen.has(name)) seen.set(name, !isWhiteout(statOf(`${directory}/${name}`)!));
      }
      if (this.#hides(layer, directory)) break;
    }
    const names = [...seen].flatMap(([name, isThere]) => (isThere ? [name] : []));
    return names.sort((a, b) => (a < b ? -1 : 1)).map((name) => Buffer.from(name, "latin1").toString());
  }

  /** What stands at a path, links followed. */
  kindAt(path: GuestPath): "directory" | "file" | "other" | undefined {
    const stats = this.#find(path)?.stats;
    if (stats === undefined) return undefined;
    return stats.isDirectory() ? "directory" : stats.isFile() ? "file" : "other";
  }

  #hides(layer: StackedLayer, path: string): boolean {
    return layer.opaque.size > 0 && layer.opaque.has(path.slice(byteString(layer.tree).length + 1));
  }

  /** What a directory holds under a name, links not followed. */
  #in(directory: Found, name: string): Found | undefined {
    const parts: { layer: StackedLayer; path: string }[] = [];
    let first: Stats | undefined;
    for (const part of directory.parts) {
      const path = `${part.path}/${name}`;
      const stats = statOf(path);
      if (stats && first && !stats.isDirectory()) break;
      if (stats && isWhiteout(stats)) break;
      if (stats) {
        first ??= stats;
        parts.push({ layer: part.layer, path });
        if (!stats.isDirectory() || this.#hides(part.layer, path)) break;
      }
      if (this.#hides(part.layer, part.path)) break;
    }
    return first && { stats: first, parts };
  }

  #find(path: GuestPath): Found | undefined {
    if (this.#root === undefined) return undefined;
    const todo = byteString(path).split("/").reverse();
    const trail = [this.#root];
    let links = 0;
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const at = trail.at(-1)!;
      const found = at.stats.isDirectory() ? this.#in(at, name) : undefined;
      if (found === undefined) return undefined;
      if (!found.stats.isSymbolicLink()) {
        trail.push(found);
        continue;
      }
      if (++links > maxLinks) return undefined;
      const target = readlinkSync(systemPath(found.parts[0]!.path), "latin1");
      if (target.startsWith("/")) trail.length = 1;
      todo.push(...target.split("/").reverse());
    }
    return trail.at(-1);
  }
}
