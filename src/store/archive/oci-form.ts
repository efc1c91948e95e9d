import type { Descriptor } from "../../oci/descriptor.ts";
import { algorithmOf, type Digest } from "../../oci/digest.ts";
import type { Identity, Image } from "../../oci/image.ts";
import { encodeManifest, isIndex, parseManifest } from "../../oci/manifest.ts";
import { type Compressor, mediaTypes } from "../../oci/media-type.ts";
import type { Platform } from "../../oci/platform.ts";
import type { Bytes } from "../../std/byte.ts";
import { Fault } from "../../std/fault.ts";
import { asOci } from "../compress.ts";
import type { BlobSource, DocumentTexts, StoredImage } from "../contract.ts";
import { documentsFor, readImage } from "../document.ts";
import { checkLayoutVersion, layoutText } from "../layout/index-file.ts";
import { type EntryMarks, entryOf } from "../layout/listing.ts";
import { verified } from "../verify.ts";
import { blobName, blobsIn, type OpenArchive, textIn } from "./open.ts";
import type { ArchiveWriter } from "./write.ts";

const indexLimit = 16 * 1024 * 1024;

/** What an archive holds: entries to choose from, and the image behind one. */
export interface ArchivedImages {
  readonly entries: readonly Descriptor[];
  read(entry: Descriptor, place: string, platform?: Platform): Promise<StoredImage>;
}

/** Whether the archive is an OCI image layout. */
export function isOciForm(archive: OpenArchive): boolean {
  return archive.contents.has("oci-layout") && archive.contents.has("index.json");
}

/** The images of an archive that is an OCI image layout; throws Fault when its documents are broken. */
export async function readOciForm(archive: OpenArchive): Promise<ArchivedImages> {
  const { place } = archive;
  checkLayoutVersion((await textIn(archive, "oci-layout", 4096)) ?? "", place);
  const text = (await textIn(archive, "index.json", indexLimit)) ?? "";
  const index = parseManifest(text, `index.json in ${place}`);
  if (!isIndex(index)) throw new Fault("document.parse", `Cannot read index.json in ${place}: expected an image index`);
  const blobs = blobsIn(archive, (digest) => archive.contents.get(blobName(digest)));
  return { entries: index.manifests, read: (entry, at, platform) => readImage(blobs, entry, at, platform) };
}

/** The algorithms under whose names blobs will stand. */
function algorithmsIn(image: Image): Set<string> {
  return new Set(["sha256", ...image.layers.map((layer) => algorithmOf(layer.descriptor.digest))]);
}

/** Writes an image as an OCI image layout into a tar: its blobs first, each once. */
export async function writeOciForm(
  writer: ArchiveWriter,
  image: Image,
  from: BlobSource,
  options: { readonly marks: readonly EntryMarks[]; readonly compression: Compressor; readonly texts?: DocumentTexts },
): Promise<Identity> {
  const added = new Set<Digest>();
  const put = async (mediaType: string, bytes: Bytes): Promise<Descriptor> => {
    const blob = await writer.add(blobName, bytes);
    added.add(blob.digest);
    return { mediaType, ...blob };
  };
  const putAs = async (descriptor: Descriptor, bytes: Bytes): Promise<void> => {
    if (added.has(descriptor.digest)) return;
    added.add(descriptor.digest);
    const content = verified(bytes, descriptor, "its source");
    await writer.add(() => blobName(descriptor.digest), content, descriptor.size);
  };
  await writer.add(() => "oci-layout", [Buffer.from(layoutText)]);
  // Where directories are only implied, skopeo wants to give them to root, which an ordinary user may not.
  await writer.addDirectory("blobs/");
  for (const algorithm of algorithmsIn(image)) await writer.addDirectory(`blobs/${algorithm}/`);
  const compressed = await asOci(image, options.compression, from, put);
  for (const { descriptor } of compressed.layers) await putAs(descriptor, from.open(descriptor));
  const documents = documentsFor(compressed, options.texts);
  await putAs(documents.manifest.config, [Buffer.from(documents.configText)]);
  const manifest = await put(documents.manifest.mediaType, [Buffer.from(documents.manifestText)]);
  const manifests = options.marks.map((marks) => entryOf(manifest, documents, compressed, marks));
  const index = encodeManifest({ mediaType: mediaTypes.oci.index, manifests });
  await writer.add(() => "index.json", [Buffer.from(index)]);
  return documents.identity;
}
