import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { encodeManifest, type Index, isIndex, manifestLimit, parseManifest } from "../oci/manifest.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import { namesIn, readText } from "../std/file.ts";
import { isObject, parseJson } from "../std/json.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { systemFault } from "../store/failure.ts";

/** An index that is being put together on this machine. */
export interface Draft {
  readonly index: Index;
  /** Where each image it lists is, as a location that `openPlace` understands, by digest. */
  readonly sources: ReadonlyMap<Digest, string>;
}

/** The drafts of this machine: OCI image layouts, each a folder, that hold an index and none of its images. */
export interface Drafts {
  /** The draft under a name; undefined when there is none. */
  read(name: Reference): Promise<Draft | undefined>;
  /** Writes a draft, whole. */
  write(name: Reference, draft: Draft): Promise<void>;
  /** Takes a draft away; whether there was one. */
  remove(name: Reference): Promise<boolean>;
  /** The full names of all drafts. */
  names(): Promise<readonly string[]>;
}

function parseSources(text: string | undefined, place: string): ReadonlyMap<Digest, string> {
  const document = text === undefined ? {} : parseJson(text, place);
  const entries = isObject(document) ? Object.entries(document) : [];
  return new Map(entries.flatMap(([digest, from]) => (typeof from === "string" ? [[digest as Digest, from]] : [])));
}

/** The drafts in a folder, which is made when the first one is written. */
export function openDrafts(root: HostPath): Drafts {
  const folderOf = (name: Reference) => join(root, encodeURIComponent(formatReference(name)));
  const indexAt = async (folder: string): Promise<Index | undefined> => {
    const place = join(folder, "index.json");
    const text = await readText(place);
    if (text === undefined) return undefined;
    if (text.length > manifestLimit)
      throw new Fault("document.size", `Cannot read ${place}: it is longer than ${manifestLimit} characters`);
    const document = parseManifest(text, place);
    if (!isIndex(document)) throw new Fault("document.parse", `Cannot read ${place}: expected an image index`);
    return document;
  };
  return {
    async read(name) {
      const folder = folderOf(name);
      const index = await indexAt(folder);
      const place = join(folder, "sources.json");
      return index && { index, sources: parseSources(await readText(place), place) };
    },
    async write(name, { index, sources }) {
      const folder = folderOf(name);
      const fresh = join(root, `.${randomUUID()}`);
      try {
        await mkdir(fresh, { recursive: true });
        await writeFile(join(fresh, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
        await writeFile(join(fresh, "index.json"), encodeManifest(index));
        await writeFile(join(fresh, "sources.json"), JSON.stringify(Object.fromEntries(sources)));
        const old = join(root, `.${randomUUID()}`);
        await rename(folder, old).catch(() => undefined);
        await rename(fresh, folder);
        await removeTree(hostPath(old));
      } catch (error) {
        await rm(fresh, { recursive: true, force: true });
        throw systemFault("write manifest list", folder, error);
      }
    },
    async remove(name) {
      const folder = folderOf(name);
      const isThere = (await readText(join(folder, "index.json"))) !== undefined;
      if (isThere) await removeTree(hostPath(folder));
      return isThere;
    },
    async names() {
      return (await namesIn(root)).filter((name) => !name.startsWith(".")).map(decodeURIComponent);
    },
  };
}

/** The draft with these images beside those it has; one of the same digest takes the place of the old one. Pure. */
export function withEntries(
  draft: Draft,
  entries: readonly { readonly descriptor: Descriptor; readonly from: string }[],
): Draft {
  const fresh = new Set(entries.map(({ descriptor }) => descriptor.digest));
  const kept = draft.index.manifests.filter((entry) => !fresh.has(entry.digest));
  const manifests = [...kept, ...entries.map(({ descriptor }) => descriptor)];
  const sources = new Map([
    ...draft.sources,
    ...entries.map(({ descriptor, from }) => [descriptor.digest, from] as const),
  ]);
  return { index: { ...draft.index, manifests }, sources };
}

/** The draft without the image of this digest. Pure. */
export function withoutEntry(draft: Draft, digest: Digest): Draft {
  const manifests = draft.index.manifests.filter((entry) => entry.digest !== digest);
  const sources = new Map([...draft.sources].filter(([key]) => key !== digest));
  return { index: { ...draft.index, manifests }, sources };
}
