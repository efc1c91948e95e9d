import { encodeJson, type JsonObject } from "../std/json.ts";
import { objectAt, objectsAt, parseObject, textAt, textsAt } from "../std/json-read.ts";
import { type LifecycleFile, lifecycleJson, parseLifecycleJson } from "./lifecycle-file.ts";
import { type ModuleInfo, moduleInfoJson, parseModuleInfo } from "./module-info.ts";
import type { RunImageNames } from "./run-file.ts";

/** The names of the labels by which a builder or a package describes itself. */
export const builderLabels = {
  metadata: "io.buildpacks.builder.metadata",
  order: "io.buildpacks.buildpack.order",
  orderExtensions: "io.buildpacks.buildpack.order-extensions",
  system: "io.buildpacks.buildpack.system",
  buildpackLayers: "io.buildpacks.buildpack.layers",
  extensionLayers: "io.buildpacks.extension.layers",
  package: "io.buildpacks.buildpackage.metadata",
  lifecycleVersion: "io.buildpacks.lifecycle.version",
  lifecycleApis: "io.buildpacks.lifecycle.apis",
} as const;

/** The label `io.buildpacks.builder.metadata`. */
export interface BuilderMetadata {
  readonly description: string;
  /** Every buildpack in the builder, components of composites too, as it was added. */
  readonly buildpacks: readonly ModuleInfo[];
  readonly extensions: readonly ModuleInfo[];
  /** The run image of the times of stacks; its name is empty in a builder without. */
  readonly stackRunImage: RunImageNames;
  /** The preferred one first. */
  readonly runImages: readonly RunImageNames[];
  readonly lifecycle: LifecycleFile;
  readonly createdBy: { readonly name: string; readonly version: string };
}

function listed<T>(list: readonly T[]): readonly T[] | null {
  return list.length > 0 ? list : null;
}

function namesJson({ image, mirrors }: RunImageNames): JsonObject {
  return { image, mirrors: listed(mirrors) };
}

/** The value of the label, byte for byte as pack writes it; a list without items is null. */
export function encodeBuilderMetadata(metadata: BuilderMetadata): string {
  const { description, buildpacks, extensions, stackRunImage, lifecycle, createdBy, runImages } = metadata;
  return encodeJson({
    description,
    buildpacks: listed(buildpacks.map(moduleInfoJson)),
    extensions: listed(extensions.map(moduleInfoJson)),
    stack: { runImage: namesJson(stackRunImage) },
    lifecycle: lifecycleJson(lifecycle),
    createdBy: { name: createdBy.name, version: createdBy.version },
    images: listed(runImages.map(namesJson)),
  });
}

function parseNames(object: JsonObject | undefined, place: string): RunImageNames {
  if (object === undefined) return { image: "", mirrors: [] };
  return { image: textAt(object, "image", place) ?? "", mirrors: textsAt(object, "mirrors", place) };
}

/** The text of the label to its value; throws Fault `json.*`, `api.parse` and `buildpack.coordinates`. */
export function parseBuilderMetadata(text: string, place: string): BuilderMetadata {
  const object = parseObject(text, place);
  const stack = objectAt(object, "stack", place);
  const creator = objectAt(object, "createdBy", place);
  const stackRunImage = parseNames(stack && objectAt(stack, "runImage", place), place);
  const listedImages = objectsAt(object, "images", place).map((names) => parseNames(names, place));
  return {
    description: textAt(object, "description", place) ?? "",
    buildpacks: objectsAt(object, "buildpacks", place).map((info) => parseModuleInfo(info, place)),
    extensions: objectsAt(object, "extensions", place).map((info) => parseModuleInfo(info, place)),
    stackRunImage,
    runImages: listedImages.length > 0 || !stackRunImage.image ? listedImages : [stackRunImage],
    lifecycle: parseLifecycleJson(objectAt(object, "lifecycle", place) ?? {}, place),
    createdBy: {
      name: (creator && textAt(creator, "name", place)) ?? "",
      version: (creator && textAt(creator, "version", place)) ?? "",
    },
  };
}
