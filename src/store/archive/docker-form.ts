import { createHash } from "node:crypto";
import { posix } from "node:path";
import { parseConfig } from "../../oci/config.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import { type DiffId, type Digest, digestFrom, digestOf, hexOf, tarDigestOf } from "../../oci/digest.ts";
import type { Documents, Identity, Image } from "../../oci/image.ts";
import { encodeManifest, type Manifest, manifestLimit } from "../../oci/manifest.ts";
import { mediaTypes } from "../../oci/media-type.ts";
import { parseReference } from "../../oci/reference.ts";
import { Fault } from "../../std/fault.ts";
import { encodeJson, isObject, type Json, parseJson } from "../../std/json.ts";
import { sniffCompression } from "../../tar/gzip.ts";
import type { BlobSource } from "../contract.ts";
import { configLimit, readImage } from "../document.ts";
import { fullNameKey } from "../exchange.ts";
import { layerTar } from "../layer.ts";
import { nameKey } from "../layout/index-file.ts";
import type { EntryMarks } from "../layout/listing.ts";
import { nameText } from "../name.ts";
import { corruptBlob } from "../verify.ts";
import type { ArchivedImages } from "./oci-form.ts";
import { blobsIn, type OpenArchive, textIn } from "./open.ts";
import type { Range } from "./scan.ts";
import type { ArchiveWriter } from "./write.ts";

const listName = "manifest.json";

/** One image of the list in `manifest.json`: names of files in the archive, and the image's own names. */
interface Listed {
  readonly config: string;
  readonly layers: readonly string[];
  readonly names: readonly string[];
}

function texts(value: Json | undefined): string[] | undefined {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? (value as string[]) : undefined;
}

const damaged = "the archive is damaged, or cut short by what wrote it; write it again";

function parseList(text: string, place: string): Listed[] {
  const list = parseJson(text, place);
  const broken = (found: string) => new Fault("archive.invalid", `Cannot read ${place}: ${found}`, { hint: damaged });
  if (!Array.isArray(list)) throw broken("expected a list of images");
  return list.map((item: Json, at) => {
    if (!isObject(item)) throw broken(`entry ${at} is not an object`);
    const layers = texts(item["Layers"]);
    const names = texts(item["RepoTags"]);
    const config = item["Config"];
    if (typeof config !== "string" || !layers || !names) throw broken(`entry ${at} has no Config, Layers and RepoTags`);
    return { config, layers, names };
  });
}

function marksOf(name: string): EntryMarks {
  try {
    const reference = parseReference(name);
    return { [fullNameKey]: nameText(reference), [nameKey]: reference.tag ?? "latest" };
  } catch {
    return { [nameKey]: name };
  }
}

/** The digest that Docker puts into a file's name, undefined for a name without one. */
function digestIn(name: string): Digest | undefined {
  const hex = /(?:^|\/)([0-9a-f]{64})(?:\.json)?$/.exec(name)?.[1];
  return hex === undefined ? undefined : (`sha256:${hex}` as Digest);
}

function dockerManifest(configText: string, layers: readonly Descriptor[]): Documents {
  const imageId = digestOf(configText);
  const config = { mediaType: mediaTypes.docker.config, size: Buffer.byteLength(configText), digest: imageId };
  const manifest: Manifest = { mediaType: mediaTypes.docker.manifest, config, layers };
  const manifestText = encodeManifest(manifest);
  const identity = { imageId, digest: digestOf(manifestText), size: Buffer.byteLength(manifestText) };
  return { identity, manifest, manifestText, configText };
}

/** A layer's file as a blob: under its diffID when it is the tar itself, else under a digest of its own. */
async function describeLayer(archive: OpenArchive, range: Range, tarDigest: Digest): Promise<Descriptor> {
  let head: Uint8Array | undefined;
  for await (const part of archive.bytes({ ...range, size: Math.min(range.size, 4) })) head = part;
  const compression = sniffCompression(head ?? Buffer.alloc(0));
  if (compression === "none") return { mediaType: mediaTypes.docker.tar, size: range.size, digest: tarDigest };
  const hash = createHash("sha256");
  for await (const part of archive.bytes(range)) hash.update(part);
  return { mediaType: mediaTypes.docker[compression], size: range.size, digest: digestFrom(hash) };
}

/** The images of an archive in the form of `docker save`; throws Fault `archive.invalid` when it is no such archive. */
export async function readDockerForm(archive: OpenArchive): Promise<ArchivedImages> {
  const { place, contents } = archive;
  const list = await textIn(archive, listName, manifestLimit);
  if (list === undefined)
    throw new Fault("archive.invalid", `Cannot read archive at ${place}: it has neither manifest.json nor oci-layout`, {
      hint: "expected what `docker save` writes, or a tar of an OCI image layout",
    });
  const rangeOf = (name: string): Range => {
    const range = contents.get(posix.join("/", name).slice(1));
    if (range) return range;
    throw new Fault(
      "archive.invalid",
      `Cannot read archive at ${place}: ${listName} names ${name}, which is not there`,
      { hint: damaged },
    );
  };
  const behind = new Map<Descriptor, { listed: Listed; configText: string }>();
  for (const listed of parseList(list, `${listName} in ${place}`)) {
    rangeOf(listed.config);
    const configText = (await textIn(archive, posix.join("/", listed.config).slice(1), configLimit)) ?? "";
    const digest = digestOf(configText);
    const promised = digestIn(listed.config);
    if (promised && promised !== digest) throw corruptBlob(promised, place, `its content has digest ${digest}`);
    // An archive has no manifests; its images are told apart by their IDs.
    const entry = { mediaType: mediaTypes.docker.config, size: Buffer.byteLength(configText), digest };
    const marks = listed.names.length > 0 ? listed.names.map(marksOf) : [undefined];
    for (const annotations of marks)
      behind.set({ ...entry, ...(annotations && { annotations }) }, { listed, configText });
  }
  return {
    entries: [...behind.keys()],
    async read(entry, at) {
      const { listed, configText } = behind.get(entry)!;
      const { diffIds } = parseConfig(configText, `${listed.config} in ${place}`);
      if (diffIds.length !== listed.layers.length) {
        const found = `its list has ${listed.layers.length} layers, its config ${diffIds.length}`;
        throw new Fault("image.mismatch", `Cannot read image at ${place}: ${found}`, { hint: damaged });
      }
      const ranges = new Map<Digest, Range>();
      const layers: Descriptor[] = [];
      for (const [index, diffId] of diffIds.entries()) {
        const range = rangeOf(listed.layers[index]!);
        const layer = await describeLayer(archive, range, tarDigestOf(diffId));
        ranges.set(layer.digest, range);
        layers.push(layer);
      }
      const { manifest, identity, manifestText } = dockerManifest(configText, layers);
      const blobs = blobsIn(archive, (digest) => ranges.get(digest), [manifestText, configText]);
      return readImage(blobs, { ...identity, mediaType: manifest.mediaType }, at);
    },
  };
}

/**
 * Writes an image in the form of `docker save`: `manifest.json`, the config under its image ID, the uncompressed layers under their
 * diffIDs, each once. `names` are full names with tags.
 */
export async function writeDockerForm(
  writer: ArchiveWriter,
  image: Image,
  from: BlobSource,
  options: { readonly names: readonly string[]; readonly configText: string },
): Promise<Identity> {
  const { configText, names } = options;
  const imageId = digestOf(configText);
  const fileOf = (digest: Digest | DiffId) => `${hexOf(digest)}.tar`;
  const config = `${hexOf(imageId)}.json`;
  const layers = image.layers.map((layer) => fileOf(layer.diffId));
  await writer.add(() => listName, [Buffer.from(encodeJson([{ Config: config, RepoTags: names, Layers: layers }]))]);
  await writer.add(() => config, [Buffer.from(configText)]);
  const written = new Map<DiffId, Descriptor>();
  for (const layer of image.layers) {
    if (written.has(layer.diffId)) continue;
    const isPlain = layer.descriptor.digest === tarDigestOf(layer.diffId);
    const { size } = await writer.add(
      () => fileOf(layer.diffId),
      layerTar(layer, from),
      isPlain ? layer.descriptor.size : 0,
    );
    written.set(layer.diffId, { mediaType: mediaTypes.docker.tar, size, digest: tarDigestOf(layer.diffId) });
  }
  return dockerManifest(
    configText,
    image.layers.map((layer) => written.get(layer.diffId)!),
  ).identity;
}
