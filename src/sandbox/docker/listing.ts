import { createHash } from "node:crypto";
import type Docker from "dockerode";
import type { GuestPath } from "../../std/path.ts";
import { execute } from "./exec.ts";

/** An entry of a directory: a digest of all that is at and below it, and where it leads if it is a link. */
export interface Listed {
  readonly digest: string;
  readonly link: string | undefined;
}

/** The entries of a directory of a container by their names. */
export type Listing = ReadonlyMap<string, Listed>;

// Times of change and numbers of files tell of every write, also of one that a program has set the other times after.
const look = 'cd "$1" && exec find . -mindepth 1 -printf "%P\\\\0%y %m %s %T@ %C@ %i %l\\\\0" 2>/dev/null';

/** Digests by the first name of each path, of text in which paths and what is said of them take turns, each ended by a zero byte. */
export function parseListing(text: string): Listing {
  const words = text.split("\0");
  const hashes = new Map<string, ReturnType<typeof createHash>>();
  const links = new Map<string, string>();
  for (let at = 0; at + 1 < words.length; at += 2) {
    const path = words[at]!;
    const name = path.split("/", 1)[0]!;
    const hash = hashes.get(name) ?? createHash("sha256");
    const said = words[at + 1]!;
    hashes.set(name, hash.update(`${path}\0${said}\0`));
    if (path === name && said.startsWith("l ")) links.set(name, said.split(" ").slice(6).join(" "));
  }
  return new Map([...hashes].map(([name, hash]) => [name, { digest: hash.digest("hex"), link: links.get(name) }]));
}

/** Looks at a directory; undefined where the image has no program that can. Names that are not UTF-8 make it undefined, too. */
export async function listIn(container: Docker.Container, path: GuestPath): Promise<Listing | undefined> {
  const chunks: Uint8Array[] = [];
  const argv = ["/bin/sh", "-c", look, "sh", path];
  const code = await execute(container, { argv, user: "0:0" }, (chunk) => chunks.push(chunk));
  const text = Buffer.concat(chunks).toString();
  return code === 0 && !text.includes("\uFFFD") ? parseListing(text) : undefined;
}

/** The names that are other things in one listing than in the other, or in one alone. */
export function changedIn(before: Listing, after: Listing): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => before.get(name)?.digest !== after.get(name)?.digest);
}
