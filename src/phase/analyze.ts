import { type LifecycleMetadata, labelNames, parseLifecycleMetadata } from "../cnb/label.ts";
import { targetOf } from "../cnb/run-image.ts";
import { parseOsRelease, type Target } from "../cnb/target.ts";
import { labelsOf } from "../oci/config.ts";
import { formatReference, type Reference, recordedName } from "../oci/reference.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import type { StoredImage } from "../store/contract.ts";

/** The run image that was chosen. */
export interface RunImageChoice {
  /** The name it was found under. */
  readonly name: Reference;
  /** The name as it was given, when it is the same with its defaults filled in. */
  readonly given?: string;
  readonly stored: StoredImage;
}

/** The run image a build stands on. */
export interface RunImage extends RunImageChoice {
  /** `<registry>/<repository>@<manifest digest>`, or the image ID where it has no name. */
  readonly reference: string;
}

/** The image an earlier build left under the name. */
export interface PreviousImage {
  readonly reference: string;
  readonly stored: StoredImage;
  readonly metadata: LifecycleMetadata;
}

/** What analysis found out (Platform spec, "analyzed.toml"). */
export interface Analyzed {
  readonly runImage: RunImage;
  readonly previous: PreviousImage | undefined;
  readonly target: Target;
}

/** What analysis reads. */
export interface AnalyzeInputs {
  /** Where the image of an earlier build may be: how people call it, and how to read it. */
  readonly previous: { readonly text: string; read(): Promise<StoredImage | undefined> };
  readonly runImage: RunImageChoice;
  /** The text of the build environment's `/etc/os-release`, asked for only when the run image does not say its distribution. */
  readonly osRelease: () => Promise<string | undefined>;
  readonly emit: Emit;
}

function digestReference(name: Reference, stored: StoredImage): string {
  return recordedName({ registry: name.registry, repository: name.repository, digest: stored.identity.digest });
}

/** Whether a fault says that an image is broken, not that its store cannot be reached or does not let us in. */
function isDamage(fault: Fault): boolean {
  return /^(blob|digest|document|image|json|layout)\./.test(fault.code);
}

async function readPrevious(inputs: AnalyzeInputs): Promise<PreviousImage | undefined> {
  const log = logTo(inputs.emit);
  const { text: name } = inputs.previous;
  let stored: StoredImage | undefined;
  try {
    stored = await inputs.previous.read();
  } catch (error) {
    if (!(error instanceof Fault) || !isDamage(error)) throw error;
    log.info(`Ignoring image "${name}" because it was corrupt`);
    log.debug(error.message);
    return undefined;
  }
  if (!stored) {
    log.debug(`Image with name "${name}" not found`);
    return undefined;
  }
  const reference = `${name}@${stored.identity.digest}`;
  log.debug(`Found image with identifier "${reference}"`);
  const metadata = parseLifecycleMetadata(labelsOf(stored.image.config)[labelNames.lifecycle] ?? "");
  return metadata && { reference, stored, metadata };
}

/** What the run image says of itself: platform from its config, distribution from its labels (Platform spec, "Run image"). */
async function readTarget(runImage: RunImageChoice, osRelease: AnalyzeInputs["osRelease"]): Promise<Target> {
  const { config } = runImage.stored.image;
  if (config.os === "") {
    throw new Fault(
      "run-image.platform",
      `Cannot use run image ${formatReference(runImage.name)}: its config names no operating system`,
      { exit: "analyze" },
    );
  }
  const target = targetOf(config);
  if (target.distro) return target;
  const distro = parseOsRelease((await osRelease()) ?? "");
  return { ...target, ...(distro && { distro }) };
}

/** What is to be known of a run image; throws Fault `run-image.platform` for one without an operating system. */
export async function analyzeRunImage(
  runImage: RunImageChoice,
  osRelease: AnalyzeInputs["osRelease"],
): Promise<Pick<Analyzed, "runImage" | "target">> {
  const target = await readTarget(runImage, osRelease);
  const { name, given = formatReference(name), stored } = runImage;
  return { runImage: { name, given, stored, reference: digestReference(name, stored) }, target };
}

/** Looks at the previous image and at the run image (Platform spec, "analyzer"). */
export async function analyze(inputs: AnalyzeInputs): Promise<Analyzed> {
  const previous = await readPrevious(inputs);
  return { previous, ...(await analyzeRunImage(inputs.runImage, inputs.osRelease)) };
}
