import { resolve } from "node:path";
import { bundle } from "../bundle.ts";
import { fetchImage, type Reach, sourcesOf, unpackedLayers } from "../reach/fetch.ts";
import { builderOf, type OpenBuilder, readBuilderFile } from "../source/builder.ts";
import { readBuilderImage, type UnpackedImage } from "../source/builder-image.ts";
import { kindOf } from "../std/file.ts";
import { type HostPath, hostPath } from "../std/path.ts";

/** The path of a `builder.toml`, when that is what a text means: a file of any name that is no archive, or a path to one that is missing. */
async function descriptorPath(text: string, base: HostPath): Promise<HostPath | undefined> {
  if (/^[a-z][a-z0-9+.-]*:/i.test(text) && !text.startsWith("file:")) return undefined;
  if (/\.(tar|cnb|tar\.gz|tgz)$/.test(text)) return undefined;
  const path = hostPath(resolve(base, text.replace(/^file:(\/\/)?/, "")));
  const isPath = /^\.{0,2}\/|\.toml$|^file:/.test(text);
  return isPath || (await kindOf(path)) === "file" ? path : undefined;
}

/** An image with its layers on this machine, as the text says where it is. */
async function unpackedImage(what: string, text: string, reach: Reach): Promise<UnpackedImage> {
  const stored = await fetchImage(what, text, reach);
  return { stored, layers: await unpackedLayers(stored, text, reach) };
}

/**
 * The builder a text means: a `builder.toml`, or an image by its name or place; the bundled one without a text. Throws Fault `builder.*`, and those
 * of what it is read from.
 */
export async function openBuilder(text: string | undefined, reach: Reach): Promise<OpenBuilder> {
  const path = text === undefined ? bundle.builder : await descriptorPath(text, reach.base);
  if (path !== undefined) {
    const library = { cache: reach.home.modules, arch: reach.platform.architecture };
    return readBuilderFile(path, { library, sources: sourcesOf(reach) });
  }
  return builderOf(readBuilderImage(await unpackedImage("builder", text!, reach), text!), text!);
}

/** The image builds with a builder stand on: its own, or the one its `builder.toml` names; undefined for one that leaves them on this machine. */
export async function groundImage(builder: OpenBuilder, reach: Reach): Promise<UnpackedImage | undefined> {
  const { image, buildImage } = builder;
  return image ?? (buildImage === undefined ? undefined : unpackedImage("build image", buildImage, reach));
}
