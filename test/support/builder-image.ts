import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { bundle } from "../../src/bundle.ts";
import { builderLabels, encodeBuilderMetadata } from "../../src/cnb/builder-label.ts";
import { type Buildpack, escapedId, parseBuildpack } from "../../src/cnb/buildpack.ts";
import type { LifecycleFile } from "../../src/cnb/lifecycle-file.ts";
import { formatLifecycleFile } from "../../src/cnb/lifecycle-file.ts";
import { encodeModuleLayers, type ModuleLayer } from "../../src/cnb/module-layers.ts";
import type { System } from "../../src/cnb/order.ts";
import type { OpenOrder } from "../../src/cnb/order-file.ts";
import { encodeOrder, encodeSystem } from "../../src/cnb/order-label.ts";
import { encodePackageMetadata } from "../../src/cnb/package-label.ts";
import { formatRun, type RunImageNames } from "../../src/cnb/run-file.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { type DiffId, diffIdOfTar, digestOf } from "../../src/oci/digest.ts";
import { type Image, type Layer, withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { ociArchitecture } from "../../src/oci/platform.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { homeAt } from "../../src/reach/home.ts";
import { hostPath } from "../../src/std/path.ts";
import { formatToml } from "../../src/std/toml-write.ts";
import { type Layout, openLayout } from "../../src/store/layout.ts";
import { type MachineImage, writeMachineImage } from "./machine-image.ts";

/** Files of a layer by absolute path: their content, a directory to copy (`{ from }`), both owned by root. */
export type LayerFiles = Readonly<Record<string, string | { readonly from: string } | Uint8Array>>;

/** The tar of a layer with these files, as pack writes them: all directories above them in it. */
export function layerOf(files: LayerFiles): Buffer {
  const root = mkdtempSync(join(tmpdir(), "plinth-layer-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      const place = join(root, path);
      mkdirSync(dirname(place), { recursive: true });
      if (typeof content === "string") writeFileSync(place, content);
      else if (content instanceof Uint8Array) writeFileSync(place, content, { mode: 0o755 });
      else cpSync(content.from, place, { recursive: true });
    }
    const options = ["--owner=0", "--group=0", "--mtime=@315532801", "--sort=name"];
    return execFileSync("tar", ["-C", root, ...options, "-cf", "-", "."], { maxBuffer: 1 << 28 });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** A buildpack's directory and what it holds. */
function readDirectory(directory: string): { readonly buildpack: Buildpack; readonly files: LayerFiles } {
  const path = join(directory, "buildpack.toml");
  const buildpack = parseBuildpack(readFileSync(path, "utf8"), path, { hasBinBuild: true });
  return {
    buildpack,
    files: { [`/cnb/buildpacks/${escapedId(buildpack.id)}/${buildpack.version}`]: { from: directory } },
  };
}

async function addLayer(store: Layout, files: LayerFiles): Promise<Layer> {
  const tar = layerOf(files);
  return { diffId: diffIdOfTar(digestOf(tar)), descriptor: await store.put(mediaTypes.oci.tar, [tar]) };
}

function moduleLayer({ api, id, version, order }: Buildpack, diffId: DiffId): ModuleLayer {
  return { id, version, api: api.text, stacks: [], targets: [], order: order ?? [], diffId };
}

/** Layers with buildpacks, one each or all in one, and what their label says. */
async function buildpackLayers(store: Layout, directories: readonly string[], flatten: boolean) {
  const read = directories.map(readDirectory);
  const groups = flatten ? [read] : read.map((one) => [one]);
  const layers: Layer[] = [];
  const listed: ModuleLayer[] = [];
  for (const group of groups) {
    const layer = await addLayer(store, Object.assign({}, ...group.map(({ files }) => files)) as LayerFiles);
    layers.push(layer);
    listed.push(...group.map(({ buildpack }) => moduleLayer(buildpack, layer.diffId)));
  }
  return { layers, listed, infos: read.map(({ buildpack: { id, version } }) => ({ id, version })) };
}

/** What a builder is made of. */
export interface BuilderRecipe {
  /** Directories of buildpacks. */
  readonly buildpacks: readonly string[];
  /** As its label says it; `/cnb/order.toml` has the versions. */
  readonly order: OpenOrder;
  readonly runImages?: readonly RunImageNames[];
  readonly system?: System;
  /** Files of `/cnb/build-config/env`. */
  readonly buildConfig?: Readonly<Record<string, string>>;
  readonly lifecycle?: Partial<LifecycleFile>;
  /** All buildpacks in one layer. */
  readonly flatten?: boolean;
  /** As builders were before `run.toml`: only `/cnb/stack.toml`. */
  readonly stackOnly?: boolean;
  /** More files, at the top. */
  readonly files?: LayerFiles;
  readonly base?: MachineImage;
  readonly labels?: Readonly<Record<string, string>>;
}

const apis: Pick<LifecycleFile, "buildpack" | "platform"> = {
  buildpack: { deprecated: [], supported: ["0.7", "0.8", "0.9", "0.10", "0.11", "0.12"] },
  platform: { deprecated: [], supported: ["0.12", "0.13", "0.14", "0.15"] },
};

/** Our launcher with something behind it, so that it can be told from ours. */
export const foreignLauncher = (): Buffer =>
  Buffer.concat([readFileSync(bundle.launcher(ociArchitecture(process.arch))), Buffer.from("of the builder\n")]);

/** The environment and user of a build image. */
export const buildUser: MachineImage = {
  config: {
    Env: ["PATH=/usr/bin:/bin:/opt/builder", "CNB_USER_ID=1000", "CNB_GROUP_ID=1001", "CNB_STACK_ID=test.stack"],
    User: "1000:1001",
    Labels: { "io.buildpacks.stack.id": "test.stack" },
  },
};

const bases = new Map<string, Promise<Image>>();

/** A build image of these files, made once. */
function baseFor(home: string, recipe: MachineImage): Promise<Image> {
  const key = JSON.stringify([home, recipe]);
  const made = bases.get(key) ?? writeMachineImage(home, `build-base-${bases.size}`, recipe);
  bases.set(key, made);
  return made;
}

/** Writes a builder image into the local store below `home`, in the shape pack gives to those it makes. */
export async function writeBuilderImage(home: string, name: string, recipe: BuilderRecipe): Promise<Image> {
  const base = await baseFor(home, recipe.base ?? buildUser);
  await using store = openLayout(homeAt(hostPath(home)).store, { hold: true });
  const { layers, listed, infos } = await buildpackLayers(store, recipe.buildpacks, recipe.flatten ?? false);
  const versionOf = (id: string) => infos.find((info) => info.id === id)?.version ?? "";
  const lifecycle: LifecycleFile = { version: "0.20.0", ...apis, ...recipe.lifecycle };
  const runImages = recipe.runImages ?? [{ image: "run", mirrors: [] }];
  const [runImage = { image: "", mirrors: [] }] = runImages;
  const closed = recipe.order.map((group) => ({
    group: group.map(({ id, version, optional }) => ({
      id,
      version: version ?? versionOf(id),
      optional: optional || undefined,
    })),
  }));
  const side = (key: "pre" | "post") => ({
    buildpacks: (recipe.system?.[key] ?? []).map(({ id, version }) => ({ id, version })),
  });
  const control: LayerFiles[] = [
    { "/workspace/.keep": "", "/layers/.keep": "", "/platform/env/.keep": "" },
    { "/cnb/lifecycle/lifecycle.toml": formatLifecycleFile(lifecycle), "/cnb/lifecycle/launcher": foreignLauncher() },
    ...(recipe.order.length > 0 ? [{ "/cnb/order.toml": formatToml({ order: closed }) }] : []),
    { "/cnb/stack.toml": formatToml({ "run-image": { image: runImage.image, mirrors: runImage.mirrors } }) },
    ...(recipe.stackOnly ? [] : [{ "/cnb/run.toml": formatRun(runImages) }]),
    ...(recipe.system
      ? [{ "/cnb/system.toml": formatToml({ system: { pre: side("pre"), post: side("post") } }) }]
      : []),
    ...Object.entries(recipe.buildConfig ?? {}).map(([file, text]) => ({ [`/cnb/build-config/env/${file}`]: text })),
    ...(recipe.files ? [recipe.files] : []),
  ];
  const made: Layer[] = [];
  for (const files of control) made.push(await addLayer(store, files));
  const metadata = encodeBuilderMetadata({
    description: "",
    buildpacks: infos,
    extensions: [],
    stackRunImage: runImage,
    runImages,
    lifecycle,
    createdBy: { name: "Pack CLI", version: "0.40.0" },
  });
  const labels = {
    ...labelsOf(base.config),
    [builderLabels.metadata]: metadata,
    [builderLabels.order]: encodeOrder(recipe.order),
    [builderLabels.buildpackLayers]: encodeModuleLayers(listed),
    ...(recipe.system && { [builderLabels.system]: encodeSystem(recipe.system) }),
    ...recipe.labels,
  };
  const config = { ...base.config, config: { ...base.config.config, Labels: labels, WorkingDir: "/layers" } };
  const image = withLayers({ ...base, config }, [...base.layers, ...made.slice(0, 2), ...layers, ...made.slice(2)]);
  await store.write(image, [parseReference(`${name}:latest`)], store);
  return image;
}

/** Writes a buildpackage into the local store below `home`: about the first of these directories, with the others in it. */
export async function writePackageImage(
  home: string,
  name: string,
  directories: readonly string[],
  options: { readonly flatten?: boolean; readonly labels?: Readonly<Record<string, string>> } = {},
): Promise<Image> {
  await using store = openLayout(homeAt(hostPath(home)).store, { hold: true });
  const { layers, listed, infos } = await buildpackLayers(store, directories, options.flatten ?? false);
  const labels = {
    [builderLabels.package]: encodePackageMetadata({ ...infos[0]!, stacks: [] }),
    [builderLabels.buildpackLayers]: encodeModuleLayers(listed),
    ...options.labels,
  };
  const config = {
    architecture: ociArchitecture(process.arch),
    os: "linux",
    history: layers.map(() => ({ created_by: "test" })),
    diffIds: [],
    config: { Labels: labels },
  };
  const image = withLayers({ family: "oci", config, layers: [] }, layers);
  await store.write(image, [parseReference(`${name}:latest`)], store);
  return image;
}
