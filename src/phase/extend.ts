import { randomUUID } from "node:crypto";
import type { DockerfileArgument, ExtendKind } from "../cnb/extend-config.ts";
import {
  type AppliedStep,
  addedLayers,
  checkFinalUser,
  extendedConfig,
  isRebasableAfter,
  userOf,
  userWarnings,
} from "../cnb/extended-image.ts";
import { labelNames } from "../cnb/label.ts";
import { nameOf } from "../cnb/order-file.ts";
import type { Engine, EngineKind } from "../engine/contract.ts";
import type { ContainerConfig, History, ImageConfig } from "../oci/config.ts";
import { diffIdOfTar } from "../oci/digest.ts";
import { type Image, type Layer, withLayers } from "../oci/image.ts";
import { compressionOf, mediaTypes } from "../oci/media-type.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import type { HostPath } from "../std/path.ts";
import type { BlobSource, BlobStore, ImageStore, StoredImage } from "../store/contract.ts";
import { firstOf } from "../store/first-of.ts";
import { decompress } from "../tar/gzip.ts";
import { normalTar } from "../tar/normal.ts";
import { extendedName, keepExtended, readExtended } from "./extended-cache.ts";
import type { GeneratedDockerfile } from "./generated.ts";

/** What the extend phase works with. */
export interface ExtendInputs {
  readonly kind: ExtendKind;
  readonly base: StoredImage;
  /** At least one, in order. */
  readonly dockerfiles: readonly GeneratedDockerfile[];
  /** The context of a Dockerfile that has none of its own. */
  readonly app: HostPath;
  /** The engine to apply them with, asked for only when one must be. */
  readonly engine: () => Promise<EngineKind>;
  readonly network: string;
  /** Where the extended image and its layers are kept for later builds. */
  readonly store: BlobStore & ImageStore;
  /** Whether an image an earlier build extended may serve. */
  readonly useKept: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly emit: Emit;
  readonly signal: AbortSignal | undefined;
}

/** An image and where its blobs can be read. */
export interface StoredParts {
  readonly image: Image;
  readonly blobs: BlobSource;
}

function argumentsFor(dockerfile: GeneratedDockerfile, config: ContainerConfig): readonly DockerfileArgument[] {
  const { user, group } = userOf(config);
  const all = [
    { name: "build_id", value: randomUUID() },
    { name: "user_id", value: user },
    { name: "group_id", value: group },
    ...dockerfile.given,
  ];
  // Engines complain of arguments that nobody asked for.
  return all.filter(({ name }) => dockerfile.arguments.includes(name));
}

async function applyOne(
  inputs: ExtendInputs,
  engine: Engine,
  dockerfile: GeneratedDockerfile,
  before: ContainerConfig,
): Promise<AppliedStep> {
  const { kind, emit } = inputs;
  const extension = nameOf(dockerfile.extension);
  const decoder = new TextDecoder();
  const say = (text: string) => {
    if (text !== "") emit({ type: "output", phase: "extend", buildpack: extension, text });
  };
  const context = dockerfile.context ?? inputs.app;
  try {
    const step = { text: dockerfile.text, context, arguments: argumentsFor(dockerfile, before) };
    const config = await engine.apply(step, (chunk) => say(decoder.decode(chunk, { stream: true })));
    return { extension: dockerfile.extension.id, saysRebasable: dockerfile.saysRebasable, config };
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code !== "engine.step") throw cause;
    const found = cause.message.replace(/^Cannot apply Dockerfile: /, "");
    throw new Fault("extend.failed", `Cannot apply the ${kind}.Dockerfile of ${extension}: ${found}`, {
      exit: "extend",
      hint: "the output above says why",
      cause,
    });
  } finally {
    say(decoder.decode());
  }
}

/** One entry for each layer of the base; blank ones when its history does not fit. */
function baseHistory({ history, diffIds }: ImageConfig): readonly History[] {
  const filled = history.filter((entry) => !entry.empty_layer);
  return filled.length === diffIds.length ? filled : diffIds.map(() => ({}));
}

/** The new layers as we keep them: in the store, with nothing of the moment in them. */
async function keepLayers(inputs: ExtendInputs, found: { readonly image: Image; readonly blobs: BlobSource }) {
  const { store, base, signal } = inputs;
  const kept: Layer[] = [];
  for (const { descriptor } of found.image.layers.slice(base.image.layers.length)) {
    const compression = compressionOf(descriptor.mediaType) ?? "none";
    const tar = normalTar(decompress(found.blobs.open(descriptor), compression), signal);
    const blob = await store.put(mediaTypes[base.image.family].tar, tar);
    kept.push({ descriptor: blob, diffId: diffIdOfTar(blob.digest) });
  }
  return kept;
}

async function extendNow(inputs: ExtendInputs): Promise<Image> {
  const { kind, base, dockerfiles, network, signal, emit } = inputs;
  const log = logTo(emit);
  const engineKind = await inputs.engine();
  log.info(`Extending the ${kind} image with ${engineKind.name}`);
  await using engine = await engineKind.open(base, { network, ...(signal && { signal }) });
  const { config } = base.image;
  const steps: AppliedStep[] = [];
  for (const dockerfile of dockerfiles)
    steps.push(await applyOne(inputs, engine, dockerfile, steps.at(-1)?.config.config ?? config.config));
  for (const warning of userWarnings(config, steps)) log.warn(warning);
  checkFinalUser(kind, steps);
  const added = addedLayers(config, steps);
  const kept = await keepLayers(inputs, await engine.result());
  const container = extendedConfig(config.config, steps.at(-1)!.config.config);
  const history = [...baseHistory(config), ...added.map(({ createdBy }) => ({ created_by: createdBy }))];
  const labels = { ...container.Labels, [labelNames.rebasable]: String(isRebasableAfter(steps)) };
  const extended = kind === "run" ? { ...container, Labels: labels } : container;
  return withLayers({ ...base.image, config: { ...config, history, config: extended } }, [
    ...base.image.layers,
    ...kept,
  ]);
}

/**
 * Applies the extensions' Dockerfiles to an image, each to what the one before left (Platform spec, "extender"), or takes what an earlier build made of
 * the same. The new layers are in the store, the base's where they were; of its config only what Dockerfiles change is another. Throws Fault with exit
 * 102; then nothing of it is kept.
 */
export async function extend(inputs: ExtendInputs): Promise<StoredParts> {
  const { kind, base, dockerfiles, store, useKept, now, emit } = inputs;
  const name = await extendedName(kind, base.identity.imageId, dockerfiles, inputs);
  const kept = name && useKept ? await readExtended(name, base.image, store, now) : undefined;
  if (kept) {
    logTo(emit).info(`Reusing the ${kind} image that an earlier build extended`);
    return { image: kept.image, blobs: firstOf(kept.blobs, base.blobs) };
  }
  const image = await extendNow(inputs);
  const layers = image.layers.slice(base.image.layers.length);
  if (name) await keepExtended(name, { config: image.config, layers }, store, now);
  return { image, blobs: firstOf(store, base.blobs) };
}
