import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { bundle } from "./bundle.ts";
import { createdTime } from "./cnb/app-image.ts";
import { type Builder, checkModule, type ModuleReference, parseBuilder } from "./cnb/builder.ts";
import { checkDefinition } from "./cnb/builder-check.ts";
import { labelNames } from "./cnb/label.ts";
import type { ModuleKind } from "./cnb/module-descriptor.ts";
import { nameOf } from "./cnb/order-file.ts";
import { type NamedRunImage, sharedRegistries, sharedUsers, unlikeMirrors } from "./cnb/run-image-advice.ts";
import type { TargetPattern } from "./cnb/target.ts";
import { expandTargets, targetParts } from "./cnb/target-text.ts";
import { findLifecycle } from "./making/lifecycle.ts";
import { type Making, type MakingOptions, openMaking, platformFor, warnOfStrays } from "./making/making.ts";
import { type ImageConfig, labelsOf } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import type { Image } from "./oci/image.ts";
import { formatReference, parseReference, withDefaultTag } from "./oci/reference.ts";
import { makeBuilder } from "./package/builder.ts";
import { gatherParts } from "./package/gather.ts";
import type { Part } from "./package/part.ts";
import { type Keeper, openPlace } from "./reach/place.ts";
import { saveTargets } from "./reach/save-targets.ts";
import { logTo } from "./std/event.ts";
import { errnoOf, Fault, reasonOf } from "./std/fault.ts";
import { type HostPath, hostPath } from "./std/path.ts";
import type { BlobSource } from "./store/contract.ts";

/** The builder that is made, and where it goes. */
export interface CreateBuilderOptions extends MakingOptions {
  /** A name, or any place an image can go. */
  readonly name: string;
  readonly tags?: readonly string[];
  /** The path of a `builder.toml`. */
  readonly config: string;
  /** Who keeps it; the local store unless said. */
  readonly output?: Keeper;
  /** Platforms to make it for, instead of those of `builder.toml`. */
  readonly targets?: readonly TargetPattern[];
  /** Also give each platform's builder of several a name that ends with its platform. */
  readonly suffix?: boolean;
  /** Groups of modules (`id@version`) that share a layer. */
  readonly flatten?: readonly (readonly string[])[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Seconds since 1970; 1980-01-01T00:00:01Z unless said. */
  readonly creationTime?: number;
}

/** What was made. */
export interface BuilderReport {
  readonly names: readonly string[];
  /** Of the manifest, or of the index of several. */
  readonly digest: Digest;
  readonly images: readonly { readonly target: string; readonly imageId: Digest }[];
  /** Whether upstream pack can use it: its lifecycle has the phases that are started there. */
  readonly hasPhases: boolean;
}

async function readDefinition(path: HostPath): Promise<Builder> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const found = errnoOf(cause) === "ENOENT" ? "there is no such file" : reasonOf(cause);
    throw new Fault("builder.missing", `Cannot read builder at ${path}: ${found}`, { cause, exit: "usage" });
  }
  const definition = parseBuilder(text, path);
  checkDefinition(definition);
  return definition;
}

async function gatherAll(
  references: readonly ModuleReference[],
  kind: ModuleKind,
  target: TargetPattern,
  making: Making,
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (const reference of references) {
    const { main, others } = await gatherParts(reference.uri, kind, target, making.sources);
    checkModule(reference, main.descriptor.info);
    warnOfStrays(nameOf(main.descriptor.info), main.descriptor.strays, making.emit);
    parts.push(main, ...others);
  }
  return parts;
}

/** Looks at every run image the builder names: it may be elsewhere, but what is there is of the builder's stack and fits the build image. */
async function checkRunImages(
  { runImages, stackId }: Builder,
  buildConfig: ImageConfig,
  target: TargetPattern,
  making: Making,
): Promise<void> {
  const log = logTo(making.emit);
  const look = async (name: string): Promise<NamedRunImage | undefined> => {
    try {
      const stored = await making.glance(withDefaultTag(parseReference(name)), platformFor(target));
      if (stored) return { name, imageId: stored.identity.imageId, config: stored.image.config };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
    }
    log.warn(`run image ${name} is not accessible`);
    return undefined;
  };
  for (const names of runImages) {
    for (const sentence of sharedRegistries(names)) log.warn(sentence);
    const looked = await Promise.all([names.image, ...names.mirrors].map(look));
    const found = looked.filter((one) => one !== undefined);
    const stranger = found.find(({ config }) => stackId && labelsOf(config)[labelNames.stackId] !== stackId);
    if (stranger) {
      const stack = labelsOf(stranger.config)[labelNames.stackId] ?? "";
      throw new Fault(
        "builder.stack",
        `Cannot make builder: builder.toml is for stack "${stackId}", and run image ${stranger.name} for "${stack}"`,
      );
    }
    for (const sentence of unlikeMirrors(found)) log.warn(sentence);
    for (const sentence of sharedUsers(buildConfig, found)) log.info(sentence);
  }
}

/** Says which names to flatten nothing in the builder has. */
function warnOfStrangers(groups: readonly (readonly string[])[], parts: readonly Part[], { emit }: Making): void {
  const there = new Set(parts.map(({ descriptor }) => nameOf(descriptor.info)));
  for (const name of groups.flat())
    if (!there.has(name)) logTo(emit).warn(`Nothing to flatten is called ${name}: names are id@version`);
}

interface Made {
  readonly image: Image;
  readonly blobs: BlobSource;
  readonly hasPhases: boolean;
}

async function makeFor(
  target: TargetPattern | undefined,
  definition: Builder,
  options: CreateBuilderOptions,
  making: Making,
): Promise<Made> {
  const { emit, bench } = making;
  const name = withDefaultTag(parseReference(definition.buildImage));
  const base = await making.findImage("build image", name, target && platformFor(target));
  if (base === undefined)
    throw new Fault("builder.image", `Cannot make builder: there is no build image ${formatReference(name)}`, {
      hint: "`pack base create` makes one from distribution packages",
    });
  const { os, architecture, variant } = base.image.config;
  const ground: TargetPattern = { os, arch: architecture, ...(variant && { variant }), distros: target?.distros ?? [] };
  const [, lifecycle, buildpacks, extensions] = await Promise.all([
    checkRunImages(definition, base.image.config, ground, making),
    findLifecycle(definition.lifecycle, architecture, making),
    gatherAll(definition.buildpacks, "buildpack", ground, making),
    gatherAll(definition.extensions, "extension", ground, making),
  ]);
  const { created, warning } = createdTime(options.creationTime?.toString());
  if (warning) logTo(emit).warn(warning);
  warnOfStrangers(options.flatten ?? [], [...buildpacks, ...extensions], making);
  const parts = {
    definition,
    base,
    lifecycle,
    buildpacks,
    extensions,
    labels: options.labels ?? {},
    flatten: options.flatten ?? [],
    created,
    creator: { name: "Plinth", version: bundle.version() },
  };
  return { ...(await makeBuilder(parts, bench, emit)), hasPhases: lifecycle.hasPhases };
}

/** The platforms to make it for: all that are asked for; of those the file lists only this machine's where it stays on it. */
function targetsOf(options: CreateBuilderOptions, definition: Builder, isHere: boolean): readonly TargetPattern[] {
  if (options.targets?.length) return expandTargets(options.targets);
  return isHere ? [] : expandTargets(definition.targets);
}

/**
 * Makes a builder image from a `builder.toml`: build image, lifecycle, buildpacks, extensions, order. The same files give the same image ID, whatever order they
 * were fetched in. Throws a Fault; then no name has changed.
 */
export async function createBuilder(options: CreateBuilderOptions): Promise<BuilderReport> {
  const { output = "local", name } = options;
  const file = hostPath(resolve(options.base ?? process.cwd(), options.config));
  await using making = await openMaking({ ...options, modules: dirname(file) }, { keeper: output });
  const { base, store, outside, platform, emit } = making;
  const log = logTo(emit);
  const definition = await readDefinition(file);
  for (const warning of definition.warnings) log.warn(`builder configuration: ${warning}`);
  await using target = openPlace(name, store, { base, platform, outside, keeper: output });
  const targets = targetsOf(options, definition, target.kind === "local" || target.kind === "daemon");
  if (target.kind === "daemon" && targets.length > 1)
    throw new Fault("builder.target", "Cannot make builder: a daemon keeps an image for one platform only", {
      exit: "usage",
      hint: "give one --target, or push it to a registry",
    });
  const wanted: readonly (TargetPattern | undefined)[] = targets.length > 0 ? targets : [undefined];
  const made: Made[] = [];
  for (const one of wanted) made.push(await makeFor(one, definition, options, making));
  const hasPhases = made.every((one) => one.hasPhases);
  if (!hasPhases)
    log.info("The builder has a launcher and no phases: it works in this pack; name a [lifecycle] to use it in others");
  const textOf = (at: number) => targetParts({ ...configTarget(made[at]!.image), distros: [] }).join("/");
  const { names, digest, imageIds } = await saveTargets({
    made,
    targets: wanted,
    suffix: options.suffix ?? false,
    target,
    tags: (options.tags ?? []).map((tag) => withDefaultTag(parseReference(tag))),
    local: store,
    emit,
  });
  const images = imageIds.map((imageId, at) => ({ target: textOf(at), imageId }));
  return { names, digest, images, hasPhases };
}

function configTarget({ config }: Image): { os: string; arch: string; variant?: string } {
  return { os: config.os, arch: config.architecture, ...(config.variant && { variant: config.variant }) };
}
