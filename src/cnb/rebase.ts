import { type ImageConfig, labelsOf } from "../oci/config.ts";
import { type Image, withLayers } from "../oci/image.ts";
import { Fault } from "../std/fault.ts";
import { normalizedTime } from "./app-image.ts";
import { baseEnd } from "./base-end.ts";
import { encodeLifecycleMetadata, type LifecycleMetadata, labelNames } from "./label.ts";
import { ownAnnotations, withOwnAnnotations } from "./own-label.ts";
import { isRecorded, lifecycleOf } from "./refusal.ts";

/** What is to be remembered of the new run image. */
export interface NewBase {
  /** The name it was asked for by. */
  readonly name: string;
  /** What it was read by: `<registry>/<repository>@<manifest digest>`, or the image ID where it has no name. */
  readonly reference: string;
  /** As in `RebaseQuestion`. */
  readonly oldBase?: Image | undefined;
}

/** The metadata after a rebase: a name that was not among the recorded ones replaces them and their mirrors. */
function metadataOn(metadata: LifecycleMetadata, newBase: Image, record: NewBase): LifecycleMetadata {
  const topLayer = newBase.config.diffIds.at(-1) ?? "";
  const runImage = { ...metadata.runImage, topLayer, reference: record.reference };
  if (isRecorded(metadata, record.name)) return { ...metadata, runImage };
  const { mirrors: _, ...others } = runImage;
  return {
    ...metadata,
    runImage: { ...others, image: record.name },
    stack: { ...metadata.stack, runImage: { image: record.name } },
  };
}

/** The app's labels, those about the base taken from the new one. */
function labelsOn(app: ImageConfig, newBase: ImageConfig, metadata: LifecycleMetadata): Record<string, string> {
  const isOfBase = ([name]: [string, string]) => name.startsWith(labelNames.stack) || name.startsWith(labelNames.base);
  return {
    ...Object.fromEntries(Object.entries(labelsOf(app)).filter((label) => !isOfBase(label))),
    ...Object.fromEntries(Object.entries(labelsOf(newBase)).filter(isOfBase)),
    [labelNames.lifecycle]: encodeLifecycleMetadata(metadata),
  };
}

/**
 * The app image on another run image (Platform spec, "Rebase"): the new run image's layers, then the app's own, in order.
 * The config, and so the image ID, is the one the reference writes; the manifest stays in the app's family and carries the new
 * run image's annotations and those the user has set. Call it only when no refusal stands. Throws Fault `rebase.base` when the app's own layers cannot be
 * told from the run image's.
 */
export function swapBase(app: Image, newBase: Image, record: NewBase): Image {
  const metadata = lifecycleOf(app.config);
  const end = metadata && baseEnd(app.config.diffIds, metadata, record.oldBase?.config.diffIds);
  if (!metadata || end?.kind !== "found")
    throw new Fault(
      "rebase.base",
      `Cannot rebase onto ${record.name}: the run image's layers cannot be told from the app's`,
      {
        exit: "rebase",
      },
    );
  const layers = [...newBase.layers, ...app.layers.slice(end.length)];
  const osVersion = newBase.config["os.version"];
  const config: ImageConfig = {
    architecture: newBase.config.architecture,
    os: newBase.config.os,
    ...(osVersion && { "os.version": osVersion }),
    created: normalizedTime,
    history: layers.map(() => ({ created: normalizedTime })),
    diffIds: [],
    config: {
      ...app.config.config,
      Labels: labelsOn(app.config, newBase.config, metadataOn(metadata, newBase, record)),
    },
  };
  // Docker's manifests have no annotations.
  const annotations =
    app.family === "oci" ? withOwnAnnotations(newBase.annotations, ownAnnotations(app.annotations)) : undefined;
  return withLayers({ family: app.family, config, layers: [], ...(annotations && { annotations }) }, layers);
}
