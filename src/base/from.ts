import { createReadStream } from "node:fs";
import { type Distro, parseOsRelease } from "../cnb/target.ts";
import { diffIdOfTar } from "../oci/digest.ts";
import { documentsOf, type Image, type Layer, withLayers } from "../oci/image.ts";
import { mediaTypes } from "../oci/media-type.ts";
import { Fault } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import type { BlobSource, BlobStore, StoredImage } from "../store/contract.ts";
import { systemFault } from "../store/failure.ts";
import { firstOf } from "../store/first-of.ts";
import { sniffed } from "../store/layer.ts";
import { decompress } from "../tar/gzip.ts";
import { byteString, textOf } from "../tar/name.ts";
import { readTar } from "../tar/read.ts";
import { bareAccounts, ownUser, withGroup, withUser } from "./account.ts";
import { type BaseDefinition, type BaseUser, defaultUser } from "./definition.ts";
import { addBuildDirectories, addOwnFiles } from "./furnish.ts";
import { putLayer } from "./layer.ts";
import { readFiles } from "./peek.ts";
import { buildDirectories } from "./tools.ts";
import { directoryNode, fileNode, put, type Tree } from "./tree.ts";

/** A file system that is there already: a tar of it, or an image. */
export type Origin =
  | { readonly kind: "archive"; readonly file: HostPath }
  | { readonly kind: "image"; readonly stored: StoredImage };

async function* bytesOf(file: HostPath): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(file);
  } catch (error) {
    throw systemFault("read archive", file, error);
  }
}

/** Refuses what is an image in an archive, or no archive at all, before anything is kept. */
async function checkArchive(bytes: AsyncIterable<Uint8Array>, file: HostPath): Promise<void> {
  const names = new Set<string>();
  try {
    for await (const { header } of readTar(bytes)) names.add(textOf(header.name).replace(/^(\.?\/)+/, ""));
  } catch (cause) {
    if (!(cause instanceof Fault) || !cause.code.startsWith("tar.")) throw cause;
    throw new Fault("base.archive", `Cannot make a base from ${file}: it is no tar archive that can be read`, {
      hint: cause.message,
      cause,
    });
  }
  if (names.size === 0) throw new Fault("base.archive", `Cannot make a base from ${file}: it is an empty archive`);
  if (names.has("oci-layout") || names.has("manifest.json"))
    throw new Fault("base.archive", `Cannot make a base from ${file}: it holds an image, not a root file system`, {
      hint: `write oci-archive:${file} or docker-archive:${file}`,
    });
}

async function tarOf(file: HostPath): Promise<AsyncIterable<Uint8Array>> {
  const { bytes, compression } = await sniffed(bytesOf(file));
  return decompress(bytes, compression);
}

async function archiveImage(file: HostPath, blobs: BlobStore, architecture: string, created: string): Promise<Image> {
  await checkArchive(await tarOf(file), file);
  const descriptor = await blobs.put(mediaTypes.oci.tar, await tarOf(file));
  const layer: Layer = { descriptor, diffId: diffIdOfTar(descriptor.digest) };
  const history = [{ created, created_by: "plinth base: root file system" }];
  const empty: Image = {
    family: "oci",
    config: { architecture, os: "linux", created, history, diffIds: [], config: {} },
    layers: [],
  };
  return withLayers(empty, [layer]);
}

/** An image from elsewhere, made ready to be a base; `user` is who apps run as. */
export interface Adopted {
  readonly image: Image;
  readonly blobs: BlobSource;
  readonly user: BaseUser;
  readonly distro: Distro | undefined;
}

const osReleases = ["etc/os-release", "usr/lib/os-release"];

/** What the image needs to know of a user it does not have. */
function addUser(tree: Tree, found: ReadonlyMap<string, string>, user: BaseUser): void {
  const passwd = found.get("etc/passwd");
  const group = found.get("etc/group");
  const newPasswd = withUser(passwd ?? bareAccounts.passwd, user, "/bin/sh");
  const newGroup = withGroup(group ?? bareAccounts.group, user);
  if (newGroup !== group) put(tree, "etc/group", fileNode(newGroup));
  if (newPasswd === passwd) return;
  put(tree, "etc/passwd", fileNode(newPasswd));
  put(tree, user.home.slice(1), directoryNode(0o755, user.uid, user.gid));
}

/**
 * Takes a root file system or an image as it is and adds, in one layer on top, the user where it lacks it and the definition's files.
 * Throws Fault `base.archive` for a file that is no root file system, `base.user` when name or ids are taken.
 */
export async function adopt(
  origin: Origin,
  definition: BaseDefinition,
  blobs: BlobStore,
  options: { readonly architecture: string; readonly created: string; readonly signal?: AbortSignal | undefined },
): Promise<Adopted> {
  const { architecture, created, signal } = options;
  const image =
    origin.kind === "image" ? origin.stored.image : await archiveImage(origin.file, blobs, architecture, created);
  const source = origin.kind === "image" ? firstOf(origin.stored.blobs, blobs) : blobs;
  const stored: StoredImage = { image, blobs: source, ...documentsOf(image) };
  const found = await readFiles(stored, { paths: ["etc/passwd", "etc/group", ...osReleases] });
  const own = definition.user ? undefined : ownUser(found.get("etc/passwd") ?? "", image.config.config.User);
  const user = own ?? definition.user ?? defaultUser;
  const tree: Tree = new Map();
  if (!own) addUser(tree, found, user);
  const made = definition.kind === "build" ? buildDirectories.map(([path]) => byteString(path)) : [];
  if (definition.kind === "build") addBuildDirectories(tree, user);
  addOwnFiles(tree, definition);
  const text = osReleases.map((path) => found.get(path)).find((text) => text !== undefined);
  const adopted = { blobs: source, user, distro: text === undefined ? undefined : parseOsRelease(text) };
  // Directories on the way are left to the image below, whose owners and modes count.
  const ends = [...tree.keys()].filter(
    (path) => path === byteString(user.home.slice(1)) || made.includes(path) || tree.get(path)?.type !== "directory",
  );
  if (ends.length === 0) return { ...adopted, image };
  const layer = await putLayer(blobs, tree, { title: "user", paths: ends.sort() }, { family: image.family, signal });
  const isToldApart = image.config.history.filter(({ empty_layer }) => !empty_layer).length === image.layers.length;
  const entry = { created, created_by: "plinth base: user and files" };
  const config = isToldApart ? { ...image.config, history: [...image.config.history, entry] } : image.config;
  return { ...adopted, image: withLayers({ ...image, config }, [...image.layers, layer]) };
}
