import { createHash } from "node:crypto";
import type { ExtendKind } from "../cnb/extend-config.ts";
import { encodeConfig, type ImageConfig, labelsOf, parseConfig } from "../oci/config.ts";
import type { DiffId, Digest } from "../oci/digest.ts";
import { type Image, type Layer, withLayers } from "../oci/image.ts";
import type { Reference } from "../oci/reference.ts";
import { encodeJson } from "../std/json.ts";
import { guestPath, type HostPath } from "../std/path.ts";
import type { BlobSource, ImageStore } from "../store/contract.ts";
import { directoryLayer } from "../tar/layer.ts";
import { cacheRegistry } from "./cache.ts";
import type { GeneratedDockerfile } from "./generated.ts";

/** The label that holds the config of an extended image, whose base the cache does not keep. */
const configLabel = "plinth.extended.config";
/** How long an extended image serves, in milliseconds: two weeks, as the reference's cache does. */
export const extendedLifetime = 14 * 24 * 3600 * 1000;

async function digestOfContext(context: HostPath): Promise<string> {
  const hash = createHash("sha256");
  const tar = directoryLayer({
    place: { host: context, guest: guestPath("/") },
    parents: [],
    owner: { uid: 0, gid: 0 },
  });
  for await (const chunk of tar.open()) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * Names what the Dockerfiles make of a base: it is the same as long as base, text, arguments, network and, for those that read it, the context are.
 * Undefined when one declares `build_id`, by which its author asks for a fresh run (Image Extension spec, "Dockerfiles").
 */
export async function extendedName(
  kind: ExtendKind,
  baseId: Digest,
  dockerfiles: readonly GeneratedDockerfile[],
  settings: { readonly app: HostPath; readonly network: string },
): Promise<Reference | undefined> {
  if (dockerfiles.some((one) => one.arguments.includes("build_id"))) return undefined;
  const steps: string[] = [];
  for (const { text, given, arguments: declared, readsContext, context, extension, saysRebasable } of dockerfiles) {
    const files = readsContext ? await digestOfContext(context ?? settings.app) : "";
    const args = given.filter(({ name }) => declared.includes(name)).map(({ name, value }) => `${name}=${value}`);
    steps.push(encodeJson([extension.id, text, args, files, saysRebasable]));
  }
  const key = createHash("sha256")
    .update(encodeJson([1, kind, baseId, settings.network, steps]))
    .digest("hex");
  return { registry: cacheRegistry, repository: `extended/${key.slice(0, 32)}`, tag: kind };
}

/** The extended image an earlier build kept under the name, on the layers of `base`; undefined when there is none, or none young enough. */
export async function readExtended(
  name: Reference,
  base: Image,
  images: ImageStore,
  now: number,
): Promise<{ readonly image: Image; readonly blobs: BlobSource } | undefined> {
  const stored = await images.read(name);
  const text = stored && labelsOf(stored.image.config)[configLabel];
  if (!stored || text === undefined) return undefined;
  const age = now - Date.parse(stored.image.config.created ?? "");
  if (!(age >= 0 && age < extendedLifetime)) return undefined;
  const config = parseConfig(text, "the extended image of an earlier build");
  const layers = [...base.layers, ...stored.image.layers];
  if (config.diffIds.join() !== layers.map(({ diffId }) => diffId).join()) return undefined;
  return { image: withLayers({ ...base, config }, layers), blobs: stored.blobs };
}

/** Keeps the config and the new layers of an extended image, which are in the store already, for later builds. */
export async function keepExtended(
  name: Reference,
  extended: { readonly config: ImageConfig; readonly layers: readonly Layer[] },
  store: ImageStore & BlobSource,
  now: number,
): Promise<void> {
  const { config, layers } = extended;
  const image: Image = {
    family: "oci",
    layers,
    config: {
      architecture: config.architecture,
      os: config.os,
      created: new Date(now).toISOString(),
      history: [],
      diffIds: layers.map(({ diffId }): DiffId => diffId),
      config: { Labels: { [configLabel]: encodeConfig(config) } },
    },
  };
  await store.write(image, [name], store);
}
