import { type Builder, buildConfigFiles, closeOrder } from "../cnb/builder.ts";
import { type BuilderGround, checkBuilderModule, checkExtensions } from "../cnb/builder-check.ts";
import { builderLabels, encodeBuilderMetadata } from "../cnb/builder-label.ts";
import { labelNames } from "../cnb/label.ts";
import type { ModuleInfo } from "../cnb/module-info.ts";
import { encodeModuleLayers } from "../cnb/module-layers.ts";
import { formatOrderFile, nameOf, type OpenOrder, type Order } from "../cnb/order-file.ts";
import { encodeOrder, encodeSystem } from "../cnb/order-label.ts";
import { formatRun, type RunImageNames } from "../cnb/run-file.ts";
import { targetOf } from "../cnb/run-image.ts";
import { formatStack } from "../cnb/stack-file.ts";
import { formatSystem } from "../cnb/system-file.ts";
import { envOf, type ImageConfig, labelsOf } from "../oci/config.ts";
import type { Image } from "../oci/image.ts";
import { compareBytes } from "../std/byte.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { isObject, parseJson } from "../std/json.ts";
import type { BlobSource, StoredImage } from "../store/contract.ts";
import { layerHeader, type Owner } from "../tar/entry.ts";
import type { TarItem } from "../tar/write.ts";
import { blobsFor, grownImage, layModules, type Titled } from "./laid.ts";
import { putItems, type Workbench } from "./layer.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Part } from "./part.ts";

/** What a builder is made of. */
export interface BuilderParts {
  readonly definition: Builder;
  readonly base: StoredImage;
  readonly lifecycle: Lifecycle;
  /** Modules with those that come with them, in the order of the definition. */
  readonly buildpacks: readonly Part[];
  readonly extensions: readonly Part[];
  readonly labels: Readonly<Record<string, string>>;
  /** Groups of modules (`id@version`) that share a layer. */
  readonly flatten: readonly (readonly string[])[];
  /** RFC 3339. */
  readonly created: string;
  /** Who made it. */
  readonly creator: { readonly name: string; readonly version: string };
}

const root: Owner = { uid: 0, gid: 0 };

/** The ids of the build user; throws Fault `builder.user` when the build image does not name them. */
function buildUser(config: ImageConfig): Owner {
  const idOf = (name: string): number => {
    const text = envOf(config, name) ?? "";
    if (/^\d{1,9}$/.test(text)) return Number(text);
    throw new Fault(
      "builder.user",
      `Cannot make builder: the build image's variable ${name} is ${JSON.stringify(text)}, no id`,
      {
        hint: "a build image says its user in CNB_USER_ID and CNB_GROUP_ID",
      },
    );
  };
  return { uid: idOf("CNB_USER_ID"), gid: idOf("CNB_GROUP_ID") };
}

function mixinsIn(config: ImageConfig): readonly string[] {
  const text = labelsOf(config)[labelNames.stackMixins];
  const value = text ? parseJson(text, `label ${labelNames.stackMixins} of the build image`) : null;
  return Array.isArray(value) ? value.filter((mixin): mixin is string => typeof mixin === "string") : [];
}

/** The directories of a build: two the build user writes, the others root's; the variables of the build image may name other ones. */
function* directories(config: ImageConfig, user: Owner): Generator<TarItem> {
  const place = (name: string, byDefault: string) => envOf(config, name)?.replace(/\/+$/, "") || byDefault;
  const platform = place("CNB_PLATFORM_DIR", "/platform");
  for (const path of [place("CNB_APP_DIR", "/workspace"), place("CNB_LAYERS_DIR", "/layers")])
    yield { header: layerHeader(path, "directory", 0o755, user) };
  const others = [
    "/cnb",
    "/cnb/buildpacks",
    "/cnb/extensions",
    platform,
    `${platform}/env`,
    "/cnb/build-config",
    "/cnb/build-config/env",
  ];
  for (const path of others) yield { header: layerHeader(path, "directory", 0o755, root) };
}

function textItem(path: string, text: string): TarItem {
  const bytes = Buffer.from(text);
  return { header: { ...layerHeader(path, "file", 0o644, root), size: bytes.length }, content: bytes };
}

/** What modules say of themselves, each once: composites may share components. */
function distinct(parts: readonly Part[]): readonly ModuleInfo[] {
  return [...new Map(parts.map(({ descriptor }) => [nameOf(descriptor.info), descriptor.info])).values()];
}

/** Extensions are always optional, which therefore is not said. */
function required(order: OpenOrder): OpenOrder {
  return order.map((group) => group.map((entry) => ({ ...entry, optional: false })));
}

function checkAll(parts: BuilderParts, ground: BuilderGround, emit: Emit): void {
  const { buildpacks, extensions, definition, lifecycle } = parts;
  if (extensions.length > 0 || definition.orderExtensions.length > 0) checkExtensions(lifecycle.file);
  const warnings = [
    ...buildpacks.flatMap((part) => checkBuilderModule(part, buildpacks, ground)),
    ...extensions.flatMap((part) => checkBuilderModule(part, extensions, ground)),
  ];
  for (const warning of new Set(warnings)) logTo(emit).warn(warning);
}

function groundOf({ base, definition, lifecycle }: BuilderParts): BuilderGround {
  const { config } = base.image;
  const stackId = labelsOf(config)[labelNames.stackId] ?? "";
  if (definition.stackId && definition.stackId !== stackId)
    throw new Fault(
      "builder.stack",
      `Cannot make builder: builder.toml is for stack "${definition.stackId}", and the build image for "${stackId}"`,
    );
  return { lifecycle: lifecycle.file, target: targetOf(config), stackId, mixins: mixinsIn(config) };
}

interface Orders {
  readonly order: Order;
  readonly extensions: Order;
}

/** Small files, each in a layer of its own, as pack lays them out; what is empty is left out, but not order, stack and run. */
function* files(
  { definition }: BuilderParts,
  { order, extensions }: Orders,
): Generator<{ title: string; items: TarItem[] }> {
  const { system, runImages, env } = definition;
  yield { title: "order.toml", items: [textItem("/cnb/order.toml", formatOrderFile(order, extensions))] };
  if (system.pre.length + system.post.length > 0)
    yield { title: "system.toml", items: [textItem("/cnb/system.toml", formatSystem(system))] };
  yield { title: "stack.toml", items: [textItem("/cnb/stack.toml", formatStack(runImages[0]))] };
  yield { title: "run.toml", items: [textItem("/cnb/run.toml", formatRun(runImages))] };
  const variables = [...new Map(buildConfigFiles(env).map(({ name, content }) => [name, content]))];
  if (variables.length === 0) return;
  variables.sort(([a], [b]) => compareBytes(a, b));
  yield {
    title: "build-config",
    items: variables.map(([name, content]) => textItem(`/cnb/build-config/env/${name}`, content)),
  };
}

/** Whether the image is a builder already: what it has would stay below what is added. */
function checkBase({ image }: StoredImage): void {
  const text = labelsOf(image.config)[builderLabels.metadata];
  if (text === undefined || !isObject(parseJson(text, builderLabels.metadata))) return;
  throw new Fault("builder.base", "Cannot make builder: its build image is a builder itself", {
    exit: "usage",
    hint: "name the build image that builder was made from",
  });
}

/**
 * Makes a builder image as pack lays it out. The same parts give the same image ID, in whatever order they were fetched. Throws Fault `builder.*` for parts
 * that do not fit together.
 */
export async function makeBuilder(
  parts: BuilderParts,
  bench: Workbench,
  emit: Emit,
): Promise<{ readonly image: Image; readonly blobs: BlobSource }> {
  const { definition, base, lifecycle, buildpacks, extensions, flatten } = parts;
  checkBase(base);
  const { config } = base.image;
  const user = buildUser(config);
  checkAll(parts, groundOf(parts), emit);
  const openExtensions = required(definition.orderExtensions);
  const orders = {
    order: closeOrder(definition.order, distinct(buildpacks)),
    extensions: closeOrder(openExtensions, distinct(extensions)),
  };
  closeOrder([definition.system.pre, definition.system.post], distinct(buildpacks));

  const layers: Titled[] = [
    { title: "directories", layer: await putItems(directories(config, user), bench) },
    { title: `lifecycle ${lifecycle.file.version}`, layer: await putItems(lifecycle.items, bench) },
  ];
  const laidBuildpacks = await layModules(buildpacks, flatten, bench, emit);
  const laidExtensions = await layModules(extensions, flatten, bench, emit);
  layers.push(...laidBuildpacks.layers.map(({ title, layer }) => ({ title: `buildpack ${title}`, layer })));
  layers.push(...laidExtensions.layers.map(({ title, layer }) => ({ title: `extension ${title}`, layer })));
  for (const { title, items } of files(parts, orders)) layers.push({ title, layer: await putItems(items, bench) });

  const { system, runImages, stackId, description = "" } = definition;
  const hasSystem = system.pre.length + system.post.length > 0;
  const noImage: RunImageNames = { image: "", mirrors: [] };
  const labels = {
    ...parts.labels,
    [builderLabels.buildpackLayers]: encodeModuleLayers(laidBuildpacks.modules),
    [builderLabels.extensionLayers]: encodeModuleLayers(laidExtensions.modules),
    [builderLabels.order]: encodeOrder(definition.order),
    [builderLabels.orderExtensions]: encodeOrder(openExtensions),
    ...(hasSystem && { [builderLabels.system]: encodeSystem(system) }),
    [builderLabels.metadata]: encodeBuilderMetadata({
      description,
      buildpacks: distinct(buildpacks),
      extensions: distinct(extensions),
      stackRunImage: stackId ? (runImages[0] ?? noImage) : noImage,
      runImages,
      lifecycle: lifecycle.file,
      createdBy: parts.creator,
    }),
    [labelNames.stackMixins]: labelsOf(config)[labelNames.stackMixins] ?? "null",
  };
  const grown = grownImage(base.image, layers, labels, parts.created);
  const image = {
    ...grown,
    config: { ...grown.config, config: { ...grown.config.config, WorkingDir: "/layers" } },
  };
  return { image, blobs: blobsFor(bench, base.blobs, ...laidBuildpacks.sources, ...laidExtensions.sources) };
}
