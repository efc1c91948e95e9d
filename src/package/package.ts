import { builderLabels } from "../cnb/builder-label.ts";
import { encodeModuleLayers } from "../cnb/module-layers.ts";
import { nameOf } from "../cnb/order-file.ts";
import { checkComponents, packageStacks } from "../cnb/package-check.ts";
import { encodePackageMetadata } from "../cnb/package-label.ts";
import type { TargetPattern } from "../cnb/target.ts";
import type { Image } from "../oci/image.ts";
import type { Emit } from "../std/event.ts";
import type { BlobSource } from "../store/contract.ts";
import { blobsFor, grownImage, layModules } from "./laid.ts";
import type { Workbench } from "./layer.ts";
import type { PartSet } from "./part.ts";

/** How a package is made. */
export interface PackageOptions {
  /** The platform it is for; any without. */
  readonly target?: TargetPattern | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Put all modules in one layer, but for those with these names. */
  readonly flatten?: { readonly except: readonly string[] } | undefined;
  /** RFC 3339. */
  readonly created: string;
}

/** A package as an image, and where its layers are read. */
export interface MadePackage {
  readonly image: Image;
  readonly blobs: BlobSource;
}

function emptyImage(target: TargetPattern | undefined): Image {
  const { os = "linux", arch = "", variant, distros = [] } = target ?? {};
  const version = distros[0]?.version;
  return {
    family: "oci",
    config: {
      architecture: arch,
      os,
      history: [],
      diffIds: [],
      config: {},
      ...(variant && { variant }),
      // What tells packages for two distributions of one architecture apart in an index.
      ...(version && { "os.version": version }),
    },
    layers: [],
  };
}

/**
 * Makes a package (Distribution spec, "Buildpackage"): the same modules give the same image ID, wherever they come from and in whatever order.
 * Throws the Faults of `checkComponents` and `packageStacks`.
 */
export async function makePackage(
  { main, others }: PartSet,
  options: PackageOptions,
  bench: Workbench,
  emit: Emit,
): Promise<MadePackage> {
  const { descriptor } = main;
  const isBuildpack = descriptor.kind === "buildpack";
  const rest = others.map((part) => part.descriptor);
  if (isBuildpack) checkComponents(descriptor, rest);
  const stacks = isBuildpack ? packageStacks(descriptor, rest) : [];
  const { flatten, labels, created } = options;
  const parts = [...others, main];
  const names = parts.map((part) => nameOf(part.descriptor.info)).filter((name) => !flatten?.except.includes(name));
  const laid = await layModules(parts, flatten ? [names] : [], bench, emit);
  const image = grownImage(
    emptyImage(options.target),
    laid.layers.map(({ title, layer }) => ({ title: `${descriptor.kind} ${title}`, layer })),
    {
      ...labels,
      [builderLabels.package]: encodePackageMetadata({ ...descriptor.info, stacks }),
      [isBuildpack ? builderLabels.buildpackLayers : builderLabels.extensionLayers]: encodeModuleLayers(laid.modules),
    },
    created,
  );
  return { image, blobs: blobsFor(bench, ...laid.sources) };
}
