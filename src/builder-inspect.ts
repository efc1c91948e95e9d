import { builderLabels, parseBuilderMetadata } from "./cnb/builder-label.ts";
import { detectionOrder, type OrderNode } from "./cnb/detection-order.ts";
import { knownBuilders } from "./cnb/known-builders.ts";
import { labelNames } from "./cnb/label.ts";
import type { LifecycleFile } from "./cnb/lifecycle-file.ts";
import type { ModuleInfo } from "./cnb/module-info.ts";
import { type ModuleLayer, parseModuleLayers } from "./cnb/module-layers.ts";
import { nameOf } from "./cnb/order-file.ts";
import { parseOrderLabel } from "./cnb/order-label.ts";
import type { RunImageNames } from "./cnb/run-file.ts";
import { referenceOf } from "./cnb/run-image.ts";
import { type FoundImage, type InspectSidesOptions, lookOnSides, type Sides } from "./inspect-sides.ts";
import { labelsOf } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import { isSameName } from "./oci/reference.ts";
import { compareBytes } from "./std/byte.ts";
import { Fault } from "./std/fault.ts";
import { parseJson } from "./std/json.ts";

/** What a builder says of itself. */
export interface BuilderInfo {
  readonly imageId: Digest;
  readonly digest: Digest;
  readonly description: string;
  readonly createdBy: { readonly name: string; readonly version: string };
  /** Empty for a builder of the time of targets. */
  readonly stack: string;
  /** Those for builds last. */
  readonly mixins: readonly string[];
  readonly lifecycle: LifecycleFile;
  readonly runImages: readonly RunImageNames[];
  /** Each once, by id and version. */
  readonly buildpacks: readonly ModuleInfo[];
  readonly extensions: readonly ModuleInfo[];
  readonly order: readonly OrderNode[];
  readonly orderExtensions: readonly OrderNode[];
}

/** What is to be inspected. */
export interface InspectBuilderOptions extends InspectSidesOptions {
  /** How deep composites are opened; all of them unless said. */
  readonly depth?: number;
}

function sorted(modules: readonly ModuleInfo[]): readonly ModuleInfo[] {
  const distinct = new Map(modules.map((module) => [nameOf(module), module]));
  return [...distinct.values()].sort((a, b) => compareBytes(a.id, b.id) || compareBytes(a.version, b.version));
}

function mixinsIn(text: string | undefined): readonly string[] {
  const value = text ? parseJson(text, `label ${labelNames.stackMixins}`) : null;
  const mixins = Array.isArray(value) ? value.filter((mixin): mixin is string => typeof mixin === "string") : [];
  const isOfBuild = (mixin: string) => mixin.startsWith("build:");
  return [...mixins.filter((mixin) => !isOfBuild(mixin)), ...mixins.filter(isOfBuild)];
}

/** What the labels of a builder say. Throws Fault `builder.label` for another image, and those of the labels' parsers. Pure. */
export function builderInfoOf({ config, imageId, digest }: FoundImage, name: string, depth = -1): BuilderInfo {
  const labels = labelsOf(config);
  const place = (label: string) => `label ${label} of ${name}`;
  const read = <T>(label: string, parse: (text: string, at: string) => T, none: T): T => {
    const text = labels[label];
    return text === undefined ? none : parse(text, place(label));
  };
  const text = labels[builderLabels.metadata];
  if (text === undefined)
    throw new Fault(
      "builder.label",
      `Cannot inspect ${name}: it is no builder, it has no label ${builderLabels.metadata}`,
      {
        hint: "`pack inspect` shows any other image",
      },
    );
  const metadata = parseBuilderMetadata(text, place(builderLabels.metadata));
  const layers = read<readonly ModuleLayer[]>(builderLabels.buildpackLayers, parseModuleLayers, []);
  const order = (label: string) => detectionOrder(read(label, parseOrderLabel, []), layers, depth);
  return {
    imageId,
    digest,
    description: metadata.description,
    createdBy: metadata.createdBy,
    stack: labels[labelNames.stackId] ?? "",
    mixins: mixinsIn(labels[labelNames.stackMixins]),
    lifecycle: metadata.lifecycle,
    runImages: metadata.runImages,
    buildpacks: sorted(metadata.buildpacks),
    extensions: metadata.extensions,
    order: order(builderLabels.order),
    orderExtensions: order(builderLabels.orderExtensions),
  };
}

/** What the local store (else the daemon) and the registry know of a builder. */
export function inspectBuilder(options: InspectBuilderOptions): Promise<Sides<BuilderInfo>> {
  return lookOnSides(options, (found) => builderInfoOf(found, options.image, options.depth));
}

/** Whether a builder is one that everybody trusts, or one the user does: under any tag when its name was written without one. Pure. */
export function isTrusted(name: string, trusted: readonly string[]): boolean {
  const [wanted, known] = [referenceOf(name), knownBuilders.map(({ image }) => image)];
  return [...known, ...trusted].some((text) => {
    const other = referenceOf(text);
    if (!wanted || !other || wanted.registry !== other.registry || wanted.repository !== other.repository) return false;
    return (other.tag === undefined && other.digest === undefined) || isSameName(wanted, other);
  });
}
