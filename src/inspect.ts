import { type BomEntry, parseBom, parseBuildMetadata } from "./cnb/build-metadata.ts";
import { labelNames, parseLifecycleMetadata } from "./cnb/label.ts";
import { envOf, labelsOf } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import type { Image } from "./oci/image.ts";
import { formatPlatform, ociArchitecture } from "./oci/platform.ts";
import { homeAt } from "./reach/home.ts";
import { openPlace } from "./reach/place.ts";
import { hostPath } from "./std/path.ts";
import { openLayout } from "./store/layout.ts";

/** A way the image can be started; without `direct` a shell runs the command. */
export interface InspectedProcess {
  readonly type: string;
  readonly direct: boolean;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly isDefault: boolean;
}

/** A buildpack or extension that took part. */
export interface InspectedModule {
  readonly id: string;
  readonly version: string;
  readonly homepage?: string;
}

/** What an app image says of itself. */
export interface ImageInfo {
  readonly imageId: Digest;
  readonly digest: Digest;
  readonly platform: string;
  readonly stack: string;
  readonly base: { readonly topLayer: string; readonly reference: string };
  /** The run image's name, then its mirrors. */
  readonly runImages: readonly string[];
  readonly buildpacks: readonly InspectedModule[];
  readonly extensions: readonly InspectedModule[];
  /** The default process first. */
  readonly processes: readonly InspectedProcess[];
  readonly rebasable: boolean;
  /** Of images of older platforms; newer ones have bills of materials in a layer. */
  readonly bom: readonly BomEntry[];
}

/** What to inspect. */
export interface InspectOptions {
  /** A name in the local store, `oci:DIR[:tag]` or an archive. */
  readonly image: string;
  readonly home?: string;
  /** Relative paths begin here; the working directory unless said. */
  readonly base?: string;
}

/** As much of an image as is looked at. */
type Inspected = Pick<Image, "config">;

/** The process type the image starts with, by its entrypoint; undefined when that is the launcher itself. */
function defaultTypeOf(image: Inspected): string | undefined {
  const entrypoint = image.config.config.Entrypoint?.[0] ?? "";
  return /^\/cnb\/process\/(.+)$/.exec(entrypoint)?.[1];
}

function processesOf(image: Inspected): InspectedProcess[] {
  const build = parseBuildMetadata(labelsOf(image.config)[labelNames.build]);
  const defaultType = defaultTypeOf(image);
  const appDirectory = envOf(image.config, "CNB_APP_DIR") ?? "/workspace";
  const processes = (build?.processes ?? []).map((process) => ({
    type: process.type,
    direct: process.direct,
    command: process.command,
    args: process.args ?? [],
    workingDirectory: process.workingDirectory ?? appDirectory,
    isDefault: process.type === defaultType,
  }));
  return processes.sort((a, b) => Number(b.isDefault) - Number(a.isDefault));
}

/** What an image's config and labels say (Platform spec, "Labels"); for an image that no buildpacks built, little. Pure. */
export function imageInfoOf(image: Inspected): Omit<ImageInfo, "imageId" | "digest"> {
  const labels = labelsOf(image.config);
  const lifecycle = parseLifecycleMetadata(labels[labelNames.lifecycle]);
  const build = parseBuildMetadata(labels[labelNames.build]);
  const names = lifecycle?.runImage.image ? lifecycle.runImage : lifecycle?.stack?.runImage;
  return {
    platform: formatPlatform(image.config),
    stack: labels[labelNames.stackId] ?? "",
    base: { topLayer: lifecycle?.runImage.topLayer ?? "", reference: lifecycle?.runImage.reference ?? "" },
    runImages: [names?.image, ...(names?.mirrors ?? [])].filter((name): name is string => Boolean(name)),
    buildpacks: build?.buildpacks ?? [],
    extensions: build?.extensions ?? [],
    processes: processesOf(image),
    rebasable: labels[labelNames.rebasable] !== "false",
    bom: parseBom(labels[labelNames.build]),
  };
}

/** Reads an image and tells what it is made of; undefined when there is none. Throws Fault for a corrupt one. */
export async function inspect(options: InspectOptions): Promise<ImageInfo | undefined> {
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  await using store = openLayout(homeAt(options.home).store, { platform });
  await using place = openPlace(options.image, store, { base: hostPath(options.base ?? process.cwd()), platform });
  const stored = await place.read();
  return stored && { ...imageInfoOf(stored.image), imageId: stored.identity.imageId, digest: stored.identity.digest };
}
