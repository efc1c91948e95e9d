import { builderLabels } from "../cnb/builder-label.ts";
import { escapedId, parseBuildpack } from "../cnb/buildpack.ts";
import { parseExtension } from "../cnb/extension.ts";
import { type ModuleLayer, parseModuleLayers } from "../cnb/module-layers.ts";
import { nameOf } from "../cnb/order-file.ts";
import { parsePackageMetadata } from "../cnb/package-label.ts";
import { labelsOf } from "../oci/config.ts";
import { Fault } from "../std/fault.ts";
import { guestPath, under } from "../std/path.ts";
import { Stacked } from "../tar/stacked.ts";
import type { UnpackedImage } from "./builder-image.ts";
import type { Module, ModuleKind } from "./module.ts";

/** What a locator leads to: the module it means, and those that come with it. */
export interface Located {
  readonly main: Module;
  readonly others: readonly Module[];
}

function refuse(place: string, found: string, hint?: string): never {
  throw new Fault("package.label", `Cannot read package at ${place}: ${found}`, {
    exit: "usage",
    ...(hint && { hint }),
  });
}

/** One module a package says it has, out of its own layer; no link leads out of that. */
function moduleOf(image: UnpackedImage, { id, version, diffId }: ModuleLayer, place: string, kind: ModuleKind): Module {
  const name = nameOf({ id, version });
  const at = image.stored.image.layers.findLastIndex((layer) => layer.diffId === diffId);
  if (at < 0) refuse(place, `the layer ${diffId} of ${name} is not in it`);
  const files = new Stacked([image.layers[at]!]);
  // Many modules may share a layer (BPKG-017); each has a directory of its own in it.
  const directory = guestPath(`/cnb/${kind}s/${escapedId(id)}/${version}`);
  const [root, text] = [files.directoryAt(directory), files.textAt(under(directory, `${kind}.toml`))];
  if (root === undefined || text === undefined) refuse(place, `its layer ${diffId} does not hold ${name}`);
  const has = (script: string) => files.kindAt(under(directory, "bin", script)) === "file";
  const at_ = `${directory}/${kind}.toml of ${place}`;
  const buildpack =
    kind === "buildpack"
      ? parseBuildpack(text, at_, { hasBinBuild: has("build") })
      : parseExtension(text, at_, { hasScripts: has("detect") || has("generate") });
  if (buildpack.id !== id || buildpack.version !== version)
    refuse(place, `it holds ${nameOf(buildpack)} where its label says ${name}`);
  return { buildpack, root };
}

/**
 * The buildpacks, or the extension, of a package (Distribution spec, "Buildpackage"): the one it is about first, then all that come with it. Throws Fault `package.label` for
 * an image that is none or whose labels are not true, and those of `parseBuildpack`.
 */
export function readPackage(image: UnpackedImage, place: string, kind: ModuleKind = "buildpack"): Located {
  const labels = labelsOf(image.stored.image.config);
  const layersLabel = kind === "buildpack" ? builderLabels.buildpackLayers : builderLabels.extensionLayers;
  const [metadata, layers] = [labels[builderLabels.package], labels[layersLabel]];
  if (metadata === undefined || layers === undefined) {
    const missing = metadata === undefined ? builderLabels.package : layersLabel;
    refuse(
      place,
      `it has no label ${missing}`,
      `\`pack ${kind} package\` makes a package of ${kind === "buildpack" ? "a" : "an"} ${kind}`,
    );
  }
  const about = parsePackageMetadata(metadata, `label ${builderLabels.package} of ${place}`);
  const listed = parseModuleLayers(layers, `label ${layersLabel} of ${place}`);
  const modules = listed.map((layer) => moduleOf(image, layer, place, kind));
  const main = modules.find(({ buildpack }) => buildpack.id === about.id && buildpack.version === about.version);
  if (main === undefined) refuse(place, `it is about ${nameOf(about)}, which none of its layers holds`);
  return { main, others: modules.filter((module) => module !== main) };
}
