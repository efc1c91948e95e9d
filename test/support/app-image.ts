import { createdBy, planConfig } from "../../src/cnb/app-image.ts";
import { encodeLifecycleMetadata, type LifecycleMetadata, labelNames } from "../../src/cnb/label.ts";
import type { ImageConfig } from "../../src/oci/config.ts";
import { type DiffId, diffIdOfTar, digestOf } from "../../src/oci/digest.ts";
import { type Image, type Layer, withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";

/** The diffID of a layer whose content is `name`. */
export function diffIdAt(name: string): DiffId {
  return diffIdOfTar(digestOf(name));
}

function layerAt(name: string): Layer {
  const descriptor = { mediaType: mediaTypes.oci.gzip, size: name.length, digest: digestOf(`gzip ${name}`) };
  return { diffId: diffIdAt(name), descriptor };
}

/** A run image with a layer for each name, and ubuntu 24.04 in its labels unless `labels` says otherwise. */
export function runImage(
  layers: readonly string[],
  labels: Readonly<Record<string, string>> = {},
  more: Partial<ImageConfig> = {},
): Image {
  const config: ImageConfig = {
    architecture: "amd64",
    os: "linux",
    history: [],
    diffIds: [],
    ...more,
    config: {
      Env: ["PATH=/usr/bin"],
      User: "1000",
      Labels: { [labelNames.distroName]: "ubuntu", [labelNames.distroVersion]: "24.04", ...labels },
    },
  };
  return withLayers({ family: "oci", config, layers: [] }, layers.map(layerAt));
}

/** What an app image is made of, each layer by its content. */
export interface AppContents {
  readonly buildpack?: readonly string[];
  readonly slices?: readonly string[];
  /** Layers of image extensions: between run image and buildpack layers, and not in the metadata. */
  readonly extension?: readonly string[];
  readonly names?: LifecycleMetadata["runImage"] | { readonly image?: string; readonly mirrors?: readonly string[] };
  readonly labels?: Readonly<Record<string, string>>;
  /** Changes the lifecycle metadata before it is written. */
  readonly metadata?: (metadata: LifecycleMetadata) => LifecycleMetadata;
}

/** The app image that an export of these contents on this run image gives. */
export function appImage(base: Image, contents: AppContents = {}): Image {
  const { buildpack = ["bp"], slices = ["app"], extension = [], names = { image: "run.example/base:1" } } = contents;
  const sha = (name: string) => ({ sha: diffIdAt(name) });
  const record = (name: string) => ({ ...sha(name), data: null, build: false, launch: true, cache: false });
  const plain: LifecycleMetadata = {
    app: slices.map(sha),
    sbom: sha("sbom"),
    buildpacks: [{ key: "a", version: "1", layers: Object.fromEntries(buildpack.map((name) => [name, record(name)])) }],
    config: sha("config"),
    launcher: sha("launcher"),
    "process-types": sha("types"),
    runImage: { topLayer: base.config.diffIds.at(-1)!, reference: "run.example/base@sha256:old", ...names },
    stack: { runImage: names },
  };
  const metadata = contents.metadata ? contents.metadata(plain) : plain;
  const own = [...extension, ...buildpack, "sbom", ...slices, "launcher", "config", "types"].map(layerAt);
  const config = planConfig({
    runImage: base.config,
    layers: own.map(({ diffId }) => ({ diffId, createdBy: createdBy.config })),
    labels: [[labelNames.lifecycle, encodeLifecycleMetadata(metadata)], ...Object.entries(contents.labels ?? {})],
    layersDir: "/layers",
    appDir: "/workspace",
    entrypoint: { path: "/cnb/process/web", type: "web" },
    created: "1980-01-01T00:00:01Z",
  });
  return withLayers({ ...base, config }, [...base.layers, ...own]);
}

/** The names of layers are their contents: which of `names` the image's layers are, bottom first. */
export function contentsOf(image: Image, names: readonly string[]): readonly (string | undefined)[] {
  return image.layers.map((layer) => names.find((name) => diffIdAt(name) === layer.diffId));
}
