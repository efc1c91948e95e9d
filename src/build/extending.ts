import type { ExtendKind } from "../cnb/extend-config.ts";
import { nameOf } from "../cnb/order.ts";
import type { EngineKind } from "../engine/contract.ts";
import { documentsOf } from "../oci/image.ts";
import { type Analyzed, analyzeRunImage } from "../phase/analyze.ts";
import type { Detected } from "../phase/detect.ts";
import { extend, type StoredParts } from "../phase/extend.ts";
import { type Generated, generate } from "../phase/generate.ts";
import type { GeneratedDockerfile } from "../phase/generated.ts";
import type { Setting } from "../setting/setting.ts";
import { openRunner, type Stage } from "../setting/stage.ts";
import type { Emit } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import type { StoredImage } from "../store/contract.ts";
import { fileTime } from "../tar/file-time.ts";
import { phaseOf } from "./phase-of.ts";

/** The engines by which the Dockerfiles of image extensions are applied. */
export type EngineName = EngineKind["name"];

/** What extensions are let to do. */
export interface ExtendingInputs {
  readonly detected: Detected;
  readonly analyzed: Analyzed;
  readonly execEnv: string;
  /** The first that works here unless given. */
  readonly engine: EngineName | undefined;
  /** Whether images that earlier builds extended may serve. */
  readonly useKept: boolean;
  readonly emit: Emit;
}

/** What extensions have made of a build. */
export interface Extending extends Pick<Generated, "entries"> {
  /** The run image they chose, as they wrote it. */
  readonly switchedTo: string | undefined;
  readonly analyzed: Analyzed;
  /** The run image with what they added; undefined when they added nothing. */
  readonly runImage: StoredParts | undefined;
  /** What the build phase is staged on: the build image with what they added. */
  readonly stage: Stage;
  readonly extended: Readonly<Record<ExtendKind, boolean>>;
}

function generateWith({ stage, builder }: Setting, inputs: ExtendingInputs): Promise<Generated> {
  const { supply, workspace, environment } = stage;
  const { detected, analyzed, execEnv, emit } = inputs;
  const { extensions, entries } = detected;
  return phaseOf(emit, "generate", "generate", () =>
    generate({
      extensions,
      entries,
      directoryOf: supply.extensions.directoryOf,
      workspace,
      openRunner: (extension) => openRunner(stage, "generate", [extension]),
      environment,
      target: analyzed.target,
      execEnv,
      runImages: builder.runImages,
      emit,
    }),
  );
}

/** The engine to apply Dockerfiles with; what few builds need is loaded only now. */
async function engineFor({ engines, outside }: Setting, wanted: EngineName | undefined): Promise<EngineKind> {
  const [{ buildah }, { chooseEngine }, { docker }] = await Promise.all([
    import("../engine/buildah.ts"),
    import("../engine/choose.ts"),
    import("../engine/docker.ts"),
  ]);
  return await chooseEngine([buildah(engines), docker(() => outside.daemonAddress(), engines)], wanted);
}

async function apply(
  setting: Setting,
  inputs: ExtendingInputs,
  kind: ExtendKind,
  base: StoredImage,
  dockerfiles: readonly GeneratedDockerfile[],
): Promise<StoredParts> {
  const { workspace, overlay, network, signal } = setting.stage;
  const { engine, useKept, emit } = inputs;
  return await extend({
    kind,
    base,
    dockerfiles,
    // Nothing has been written yet, so where the source is laid under the app, it is the app.
    app: overlay?.lower[0] ?? workspace.app.host,
    engine: () => engineFor(setting, engine),
    network,
    store: setting.store,
    useKept,
    now: await fileTime(workspace.aside),
    emit,
    signal,
  });
}

/** The stage on the extended build image. Throws Fault `extend.build-image` where there is none: buildpacks run on this machine's own system. */
async function extendBuild(setting: Setting, inputs: ExtendingInputs, dockerfiles: readonly GeneratedDockerfile[]) {
  const { buildImage, stage } = setting;
  const [first] = dockerfiles;
  if (first === undefined) return stage;
  if (buildImage !== undefined) {
    const parts = await apply(setting, inputs, "build", buildImage, dockerfiles);
    return await setting.stageOn({ ...documentsOf(parts.image), ...parts });
  }
  const name = nameOf(first.extension);
  throw new Fault("extend.build-image", `Cannot apply the build.Dockerfile of ${name}: there is no build image`, {
    exit: "extend",
    hint: "buildpacks run on this machine's own system; use a builder image",
  });
}

/**
 * Lets the image extensions of a group generate their Dockerfiles, takes the run image they choose, and applies the Dockerfiles to run image and build
 * image (Platform spec, "detector" and "extender"). Nothing happens without extensions.
 */
export async function runExtensions(setting: Setting, inputs: ExtendingInputs): Promise<Extending> {
  const { detected, analyzed: before, emit } = inputs;
  const { stage } = setting;
  const { entries } = detected;
  const none = { build: false, run: false };
  if (detected.extensions.length === 0)
    return { entries, switchedTo: undefined, analyzed: before, runImage: undefined, stage, extended: none };
  const generated = await generateWith(setting, inputs);
  const { runImage: switchedTo } = generated;
  const analyzed: Analyzed =
    switchedTo === undefined
      ? before
      : {
          ...before,
          ...(await analyzeRunImage(await setting.runImageAt(switchedTo), () => stage.ground.osRelease())),
        };
  const extended = { build: generated.build.length > 0, run: generated.run.length > 0 };
  const rest = { entries: generated.entries, switchedTo, analyzed, extended };
  if (!extended.build && !extended.run) return { ...rest, runImage: undefined, stage };
  return await phaseOf(emit, "extend", "extend", async () => {
    const extendedStage = await extendBuild(setting, inputs, generated.build);
    const { stored } = analyzed.runImage;
    const runImage = extended.run ? await apply(setting, inputs, "run", stored, generated.run) : undefined;
    return { ...rest, runImage, stage: extendedStage };
  });
}
