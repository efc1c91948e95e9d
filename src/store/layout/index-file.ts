import { randomUUID } from "node:crypto";
import { open, readdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Descriptor } from "../../oci/descriptor.ts";
import { encodeManifest, type Index, isIndex, parseManifest } from "../../oci/manifest.ts";
import { mediaTypes } from "../../oci/media-type.ts";
import { errnoOf, Fault } from "../../std/fault.ts";
import { encodeJson, isObject, parseJson } from "../../std/json.ts";
import { systemFault } from "../failure.ts";
import { flush } from "./folder.ts";
import { withLock } from "./lock.ts";

/** The annotation of an index entry that holds the image's name (OCI image spec, "Pre-Defined Annotation Keys"). */
export const nameKey = "org.opencontainers.image.ref.name";

/** What `oci-layout` holds. */
export const layoutText = '{"imageLayoutVersion":"1.0.0"}';
/** The largest index.json we take into memory, in bytes: about 100,000 images. */
const indexLimit = 64 * 1024 * 1024;

async function textAt(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === "ENOENT") return undefined;
    throw systemFault("read image layout", path, error);
  }
}

/** Writes a whole file or nothing: under a temporary name, to the disk, then renamed. */
async function replaceFile(temporary: string, path: string, text: string): Promise<void> {
  try {
    const file = await open(temporary, "wx", 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await flush(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw systemFault("write image layout", path, error);
  }
}

/** Throws Fault `layout.invalid` unless the text of an `oci-layout` file names a version we know. */
export function checkLayoutVersion(text: string, place: string): void {
  const document = parseJson(text, `oci-layout in ${place}`);
  const version = isObject(document) ? document["imageLayoutVersion"] : undefined;
  if (typeof version === "string" && version.startsWith("1.")) return;
  const found = `imageLayoutVersion is ${encodeJson(version ?? null)}, expected 1.0.0`;
  throw new Fault("layout.invalid", `Cannot open image layout at ${place}: ${found}`);
}

/**
 * Whether `root` is an image layout; false when it is absent or empty, and so free to become one.
 * Throws Fault `layout.invalid` for a directory that is something else, or of another version.
 */
export async function isLayout(root: string): Promise<boolean> {
  const path = join(root, "oci-layout");
  const text = await textAt(path);
  if (text === undefined) {
    const names = await readdir(root).catch((error): string[] => {
      if (errnoOf(error) === "ENOENT") return [];
      throw systemFault("read image layout", root, error);
    });
    // Another process made it one since we looked.
    if (names.includes("oci-layout")) return isLayout(root);
    // A writer opens its lease before it makes the layout.
    if (names.every((name) => name === "lease")) return false;
    throw new Fault(
      "layout.invalid",
      `Cannot open image layout at ${root}: the directory is not empty and has no oci-layout file`,
      {
        hint: "choose an empty directory or one that is an OCI image layout",
      },
    );
  }
  checkLayoutVersion(text, root);
  return true;
}

/** Makes an empty directory an image layout; one that is a layout stays as it is. `scratch` is a folder in the same file system. */
export async function makeLayout(root: string, scratch: string): Promise<void> {
  if (!(await isLayout(root))) await replaceFile(join(scratch, randomUUID()), join(root, "oci-layout"), layoutText);
}

/** The index of a layout; an empty one when there is none yet. Throws Fault for one that is not an index. */
export async function readIndex(root: string): Promise<Index> {
  const empty: Index = { mediaType: mediaTypes.oci.index, manifests: [] };
  if (!(await isLayout(root))) return empty;
  const path = join(root, "index.json");
  const text = await textAt(path);
  if (text === undefined) return empty;
  if (text.length > indexLimit)
    throw new Fault("document.size", `Cannot read ${path}: ${text.length} characters are more than ${indexLimit}`);
  const document = parseManifest(text, path);
  if (!isIndex(document)) throw new Fault("document.parse", `Cannot read ${path}: expected an image index`);
  return document;
}

/**
 * Changes the entries of a layout's index in one step that other writers and a crash cannot divide. `change` gets the current
 * entries and may throw to leave them; `scratch` is a folder in the same file system.
 */
export async function updateIndex(
  root: string,
  scratch: string,
  change: (entries: readonly Descriptor[]) => Promise<readonly Descriptor[]>,
): Promise<void> {
  const path = join(root, "index.json");
  await withLock(`${path}.lock`, async (held) => {
    const index = await readIndex(root);
    const manifests = await change(index.manifests);
    if (manifests === index.manifests) return;
    if (held.isLost())
      throw new Fault("store.lock", `Cannot write image layout at ${path}: another process took over its lock`, {
        hint: "try again",
      });
    await replaceFile(join(scratch, randomUUID()), path, encodeManifest({ ...index, manifests }));
  });
}
