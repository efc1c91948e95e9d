import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { bundle } from "../bundle.ts";
import type { Builder } from "../cnb/builder.ts";
import { parseLocator } from "../cnb/locator.ts";
import { formatReference, parseReference, withDefaultTag } from "../oci/reference.ts";
import { type Lifecycle, ownLifecycle, readLifecycle } from "../package/lifecycle.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { layerTar, sniffed } from "../store/layer.ts";
import { decompress } from "../tar/gzip.ts";
import type { Making } from "./making.ts";

/** Where releases of the lifecycle are published, by version and architecture. */
function releaseUrl(version: string, arch: string): string {
  const name = `lifecycle-v${version}+linux.${arch === "amd64" ? "x86-64" : arch}.tgz`;
  return `https://github.com/buildpacks/lifecycle/releases/download/v${version}/${name}`;
}

async function fromArchive(file: HostPath): Promise<Lifecycle> {
  try {
    const { compression, bytes } = await sniffed(createReadStream(file, { highWaterMark: 1 << 20 }));
    return await readLifecycle(decompress(bytes, compression), file);
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    const found = errnoOf(cause) === "ENOENT" ? "there is no such file" : reasonOf(cause);
    throw new Fault("lifecycle.file", `Cannot read lifecycle at ${file}: ${found}`, { exit: "usage", cause });
  }
}

async function fromImage(text: string, arch: string, making: Making): Promise<Lifecycle> {
  const name = withDefaultTag(parseReference(text));
  const stored = await making.findImage("lifecycle", name, { os: "linux", architecture: arch });
  const layer = stored?.image.layers.at(-1);
  if (!stored || !layer)
    throw new Fault("lifecycle.file", `Cannot read lifecycle at ${formatReference(name)}: there is no such image`);
  return readLifecycle(layerTar(layer, stored.blobs), formatReference(name));
}

/**
 * The lifecycle a builder asks for: the archive or image under `uri`, the release with `version`, or else our own launcher, for we are the phases ourselves. Throws
 * Fault `lifecycle.*`.
 */
export async function findLifecycle(
  { uri, version }: Builder["lifecycle"],
  arch: string,
  making: Making,
): Promise<Lifecycle> {
  if (uri && version)
    throw new Fault("lifecycle.choice", "Cannot choose lifecycle: builder.toml gives it both a uri and a version", {
      exit: "usage",
      hint: "take one of them out",
    });
  if (version) {
    if (!/^\d+\.\d+\.\d+[-+.\w]*$/.test(version))
      throw new Fault("lifecycle.version", `Cannot use lifecycle "${version}": it is no version`, { exit: "usage" });
    return fromArchive(await making.sources.download(releaseUrl(version, arch)));
  }
  if (!uri) {
    const launcher = bundle.launcher(arch);
    try {
      return ownLifecycle(await readFile(launcher), bundle.version());
    } catch (cause) {
      if (errnoOf(cause) !== "ENOENT") throw cause;
      throw new Fault("lifecycle.arch", `Cannot make builder for ${arch}: there is no launcher of ours for it`, {
        cause,
        hint: "name a [lifecycle] in builder.toml",
      });
    }
  }
  const locator = await parseLocator(uri, { exists: async () => true });
  if (locator.kind === "image") return fromImage(locator.name, arch, making);
  if (locator.kind === "url") return fromArchive(await making.sources.download(locator.url));
  if (locator.kind === "path") return fromArchive(hostPath(resolve(making.sources.base, locator.path)));
  throw new Fault("lifecycle.file", `Cannot read lifecycle at ${uri}: it is no archive and no image`, {
    exit: "usage",
  });
}
