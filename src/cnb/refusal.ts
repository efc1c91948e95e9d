import { envOf, type ImageConfig, labelsOf } from "../oci/config.ts";
import type { Image } from "../oci/image.ts";
import { formatPlatform } from "../oci/platform.ts";
import type { Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import { encodeJson, type Json, parseJson } from "../std/json.ts";
import { judgesByTarget, parseApi } from "./api.ts";
import { baseEnd } from "./base-end.ts";
import { type LifecycleMetadata, labelNames, parseLifecycleMetadata, type RunImageNames } from "./label.ts";
import { isNamed, referenceOf, targetOf } from "./run-image.ts";
import { type Distro, describeTarget } from "./target.ts";

/** What a rebase is judged by. */
export interface RebaseQuestion {
  readonly app: Image;
  readonly newBase: Image;
  /** The name the new run image was asked for by. */
  readonly runImageName: string;
  /** The run image the app stands on now: needed only where its layers cannot be told from the app's own otherwise. */
  readonly oldBase?: Image | undefined;
}

/** One reason not to rebase, as a sentence without "Cannot rebase <image>:". */
export interface Refusal {
  readonly code: string;
  readonly found: string;
  readonly hint: string;
  /** Whether `--force` goes on regardless. */
  readonly overridable: boolean;
}

const forceHint = "use --force to rebase regardless";

function refusal(code: string, found: string, hint?: string): Refusal {
  return { code, found, hint: hint ?? forceHint, overridable: hint === undefined };
}

const parsed = new WeakMap<ImageConfig, { readonly metadata: LifecycleMetadata | undefined }>();

/** The label's metadata of an app image, or undefined when no lifecycle made it; it is parsed once. */
export function lifecycleOf(config: ImageConfig): LifecycleMetadata | undefined {
  const found = parsed.get(config) ?? { metadata: parseLifecycleMetadata(labelsOf(config)[labelNames.lifecycle]) };
  parsed.set(config, found);
  return found.metadata;
}

function refusedLayers(question: RebaseQuestion, metadata: LifecycleMetadata): readonly Refusal[] {
  const found: Refusal[] = [];
  const { topLayer } = metadata.runImage;
  const end = baseEnd(question.app.config.diffIds, metadata, question.oldBase?.config.diffIds);
  if (end.kind === "missing") {
    const what = topLayer
      ? `the run image's top layer ${topLayer} is not in it`
      : "its run image's top layer is not recorded";
    found.push(refusal("rebase.base-missing", what, "build the image again"));
  } else if (end.kind === "ambiguous") {
    const what = `the run image's top layer occurs ${end.times} times in it`;
    const hint = `make its run image ${metadata.runImage.reference} readable, or build the image again`;
    found.push(refusal("rebase.base-ambiguous", what, hint));
  }
  if (question.newBase.layers.length === 0)
    found.push(refusal("rebase.base-empty", `${question.runImageName} has no layers`, "choose another run image"));
  return found;
}

function refusedMark({ app }: RebaseQuestion): readonly Refusal[] {
  if (labelsOf(app.config)[labelNames.rebasable] !== "false") return [];
  return [refusal("rebase.not-rebasable", "app image is not marked as rebasable")];
}

function isPart(part: string, whole: string): boolean {
  return part === "" || part === whole;
}

function isDistroFit(newBase: Distro | undefined, app: Distro | undefined): boolean {
  if (!newBase) return true;
  return app !== undefined && isPart(newBase.name, app.name) && isPart(newBase.version, app.version);
}

function distroText(distro: Distro | undefined): string {
  return distro ? `${distro.name} ${distro.version}`.trim() : "an unknown distribution";
}

function refusedTarget({ app, newBase, runImageName }: RebaseQuestion): readonly Refusal[] {
  const [have, want] = [targetOf(newBase.config), targetOf(app.config)];
  const details = `new run image: ${describeTarget(have)}, old run image: ${describeTarget(want)}`;
  const found: Refusal[] = [];
  const isVariantFit = !have.variant || !want.variant || have.variant === want.variant;
  if (have.os !== want.os || have.arch !== want.arch || !isVariantFit) {
    const [to, from] = [formatPlatform(newBase.config), formatPlatform(app.config)];
    found.push(refusal("rebase.platform", `${runImageName} is for ${to}, the image for ${from} (${details})`));
  }
  if (!isDistroFit(have.distro, want.distro)) {
    const [to, from] = [distroText(have.distro), distroText(want.distro)];
    found.push(refusal("rebase.distro", `${runImageName} is ${to}, the image stands on ${from} (${details})`));
  }
  return found;
}

function mixinsOf(config: ImageConfig): readonly string[] {
  const text = labelsOf(config)[labelNames.stackMixins];
  if (!text) return [];
  let list: Json;
  try {
    list = parseJson(text, labelNames.stackMixins);
  } catch (error) {
    if (error instanceof Fault) return [];
    throw error;
  }
  const names = Array.isArray(list) ? list.filter((item) => typeof item === "string") : [];
  return names.map((name) => name.replace(/^(build|run):/, ""));
}

function refusedStack({ app, newBase, runImageName }: RebaseQuestion): readonly Refusal[] {
  const hint = "build the image again on the new run image";
  const [have, want] = [labelsOf(newBase.config)[labelNames.stackId], labelsOf(app.config)[labelNames.stackId]];
  if (!want) return [refusal("rebase.stack", "stack not defined on app image", hint)];
  if (!have) return [refusal("rebase.stack", `stack not defined on new base image ${runImageName}`, hint)];
  if (have !== want)
    return [refusal("rebase.stack", `incompatible stack: '${have}' is not compatible with '${want}'`, hint)];
  const offered = mixinsOf(newBase.config);
  const missing = mixinsOf(app.config).filter((mixin) => !offered.includes(mixin));
  if (missing.length === 0) return [];
  return [refusal("rebase.mixins", `missing required mixin(s): ${missing.join(", ")}`, hint)];
}

function isJudgedByTarget(app: ImageConfig): boolean {
  try {
    return judgesByTarget(parseApi(envOf(app, "CNB_PLATFORM_API") ?? "", "CNB_PLATFORM_API"));
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

function recordedNames(metadata: LifecycleMetadata): readonly RunImageNames[] {
  return [metadata.runImage, ...(metadata.stack ? [metadata.stack.runImage] : [])].filter((names) => names.image);
}

/** The names an app image records of its run image, in the old place when the new one is empty; undefined when it records none. */
export function recordedRunImage(metadata: LifecycleMetadata): RunImageNames | undefined {
  return recordedNames(metadata)[0];
}

function isSameRepository(names: RunImageNames, wanted: Reference | undefined): boolean {
  const recorded = [names.image, ...(names.mirrors ?? [])].map((name) => name && referenceOf(name));
  return recorded.some((one) => one && one.registry === wanted?.registry && one.repository === wanted.repository);
}

/** Whether the run image's recorded names already cover this name. */
export function isRecorded(metadata: LifecycleMetadata, runImageName: string): boolean {
  return recordedNames(metadata).some((names) => isNamed(names, runImageName));
}

/**
 * Whether the new run image is another tag of the recorded repository whose labels prove the same distribution: then its name
 * alone is no reason to refuse.
 */
function isOtherTag(question: RebaseQuestion, metadata: LifecycleMetadata): boolean {
  const wanted = referenceOf(question.runImageName);
  const [have, want] = [targetOf(question.newBase.config).distro, targetOf(question.app.config).distro];
  return (
    have?.name === want?.name &&
    have?.version === want?.version &&
    Boolean(have?.name && have.version) &&
    recordedNames(metadata).some((names) => isSameRepository(names, wanted))
  );
}

function refusedName(question: RebaseQuestion, metadata: LifecycleMetadata): readonly Refusal[] {
  if (isRecorded(metadata, question.runImageName) || isOtherTag(question, metadata)) return [];
  const names = recordedRunImage(metadata);
  const known = names ? encodeJson({ image: names.image, mirrors: names.mirrors }) : "not found";
  const found = `new base image '${question.runImageName}' not found in existing run image metadata: ${known}`;
  return [refusal("rebase.run-image", found)];
}

/** Every reason not to rebase, all of them at once (Platform spec, "rebaser"); none when the rebase is safe. */
export function refusals(question: RebaseQuestion): readonly Refusal[] {
  const metadata = lifecycleOf(question.app.config);
  if (!metadata) {
    const found = `it has no label ${labelNames.lifecycle} we can read`;
    return [refusal("rebase.no-metadata", found, "only images that buildpacks built can be rebased")];
  }
  return [
    ...refusedLayers(question, metadata),
    ...refusedMark(question),
    ...(isJudgedByTarget(question.app.config) ? refusedTarget(question) : refusedStack(question)),
    ...refusedName(question, metadata),
  ];
}

/** What is worth saying about a rebase that is not refused. */
export function rebaseNotes(question: RebaseQuestion): readonly string[] {
  const metadata = lifecycleOf(question.app.config);
  if (!metadata || isRecorded(metadata, question.runImageName) || !isOtherTag(question, metadata)) return [];
  const names = recordedNames(metadata).map((recorded) => recorded.image);
  return [
    `${question.runImageName} is another tag of the recorded run image ${names[0]}, for the same ${distroText(
      targetOf(question.newBase.config).distro,
    )}; it becomes the recorded one`,
  ];
}
