import { builderLabels } from "../cnb/builder-label.ts";
import type { ModuleKind } from "../cnb/module-descriptor.ts";
import { type ModuleLayer, parseModuleLayers } from "../cnb/module-layers.ts";
import { nameOf } from "../cnb/order-file.ts";
import { type PackageMetadata, parsePackageMetadata } from "../cnb/package-label.ts";
import { type ImageConfig, labelsOf } from "../oci/config.ts";
import { Fault } from "../std/fault.ts";
import type { StoredImage } from "../store/contract.ts";
import type { Part, PartSet } from "./part.ts";

/** What a package says of itself. */
export interface PackageLabels {
  readonly metadata: PackageMetadata;
  readonly kind: ModuleKind;
  /** In byte order of ids and versions as the label has them. */
  readonly modules: readonly ModuleLayer[];
}

function refuse(place: string, found: string, hint?: string): never {
  throw new Fault("package.label", `Cannot read package at ${place}: ${found}`, {
    ...(hint !== undefined && { hint }),
  });
}

/** The labels of a package; throws Fault `package.label` for an image that is none, and those of the labels' parsers. */
export function readPackageLabels(config: ImageConfig, place: string): PackageLabels {
  const labels = labelsOf(config);
  const about = labels[builderLabels.package];
  const [buildpacks, extensions] = [labels[builderLabels.buildpackLayers], labels[builderLabels.extensionLayers]];
  if (about === undefined)
    refuse(
      place,
      `it has no label ${builderLabels.package}`,
      "`pack buildpack package` makes a package of a buildpack",
    );
  const text = buildpacks ?? extensions;
  if (text === undefined) refuse(place, `it has no label ${builderLabels.buildpackLayers}`);
  const name = buildpacks === undefined ? builderLabels.extensionLayers : builderLabels.buildpackLayers;
  const metadata = parsePackageMetadata(about, `label ${builderLabels.package} of ${place}`);
  const modules = parseModuleLayers(text, `label ${name} of ${place}`);
  if (!modules.some(({ id, version }) => id === metadata.id && version === metadata.version))
    refuse(place, `it is about ${nameOf(metadata)}, which none of its layers holds`);
  return { metadata, kind: buildpacks === undefined ? "extension" : "buildpack", modules };
}

/** The modules of a package that is an image, each with the layer it stands in; throws as `readPackageLabels` does, and for another kind of package. */
export function packagedParts(stored: StoredImage, place: string, wanted: ModuleKind): PartSet {
  const { kind, metadata, modules } = readPackageLabels(stored.image.config, place);
  if (kind !== wanted)
    refuse(place, `it is a package of an ${kind}, not of ${wanted === "extension" ? "an" : "a"} ${wanted}`);
  const partOf = (module: ModuleLayer): Part => {
    const { id, version, api, stacks, targets, order, name, homepage, diffId } = module;
    const layer = stored.image.layers.findLast((one) => one.diffId === diffId);
    if (layer === undefined) refuse(place, `the layer ${diffId} of ${nameOf(module)} is not in it`);
    const info = { id, version, ...(name && { name }), ...(homepage && { homepage }) };
    return {
      descriptor: { kind, api, info, stacks, targets, order, strays: [] },
      content: { kind: "layer", layer, blobs: stored.blobs },
      targets,
    };
  };
  const isMain = ({ id, version }: ModuleLayer) => id === metadata.id && version === metadata.version;
  const others = modules.filter((one) => !isMain(one)).map(partOf);
  return { main: partOf(modules.find(isMain)!), others, about: metadata };
}
