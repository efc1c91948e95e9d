import { compareBytes } from "../std/byte.ts";
import type { TomlTable } from "../std/toml.ts";
import { tomlOfJson } from "../std/toml-json.ts";
import { formatToml, tomlMap, type WritableTable } from "../std/toml-write.ts";
import {
  appShas,
  type BuildpackRecord,
  type LayerRecord,
  type LifecycleMetadata,
  type RunImageNames,
} from "./label.ts";
import type { Target } from "./target.ts";

/** `analyzed.toml`: what analysis found out (Platform spec, "analyzed.toml"). References are by digest, or a daemon's image ID. */
export interface AnalyzedFile {
  /** The image an earlier build left. */
  readonly previousImage?: { readonly reference: string; readonly metadata: LifecycleMetadata };
  readonly buildImage?: { readonly reference: string; readonly extend?: boolean };
  readonly runImage: {
    readonly reference: string;
    /** The name it was chosen by. */
    readonly image?: string;
    readonly extend?: boolean;
    readonly target?: Target;
  };
}

function layerTable(layer: LayerRecord): WritableTable {
  return {
    sha: layer.sha,
    build: layer.build,
    launch: layer.launch,
    cache: layer.cache,
    metadata: layer.data === null ? undefined : tomlMap(tomlOfJson(layer.data) as TomlTable),
  };
}

function buildpackTable({ key, version, layers, store }: BuildpackRecord): WritableTable {
  const sorted = Object.entries(layers).sort(([a], [b]) => compareBytes(a, b));
  return {
    key,
    version,
    layers: Object.fromEntries(sorted.map(([name, layer]) => [name, layerTable(layer)])),
    store: store && {
      metadata: store.metadata === null ? undefined : tomlMap(tomlOfJson(store.metadata) as TomlTable),
    },
  };
}

function namesTable(names: RunImageNames): WritableTable {
  return { image: names.image || undefined, mirrors: names.mirrors?.length ? names.mirrors : undefined };
}

function metadataTable(metadata: LifecycleMetadata | undefined): WritableTable {
  const app = metadata ? appShas(metadata) : [];
  const shaTable = (layer: { readonly sha: string } | undefined) => ({ sha: layer?.sha ?? "" });
  return {
    app: app.length > 0 ? app.map((sha) => ({ sha })) : undefined,
    sbom: metadata?.sbom && shaTable(metadata.sbom),
    buildpacks: metadata?.buildpacks.length ? metadata.buildpacks.map(buildpackTable) : undefined,
    config: shaTable(metadata?.config),
    launcher: shaTable(metadata?.launcher),
    "process-types": shaTable(metadata?.["process-types"]),
    "run-image": {
      "top-layer": metadata?.runImage.topLayer ?? "",
      reference: metadata?.runImage.reference ?? "",
      ...namesTable(metadata?.runImage ?? {}),
    },
    stack: metadata?.stack && { "run-image": namesTable(metadata.stack.runImage) },
  };
}

function targetTable(target: Target): WritableTable {
  return {
    id: target.id || undefined,
    os: target.os,
    arch: target.arch,
    "arch-variant": target.variant || undefined,
    distro: target.distro && { name: target.distro.name, version: target.distro.version },
  };
}

/** The text of `analyzed.toml`, byte for byte as the reference writes it. */
export function formatAnalyzed({ previousImage, buildImage, runImage }: AnalyzedFile): string {
  return formatToml({
    image: { reference: previousImage?.reference ?? "" },
    "build-image": buildImage && { reference: buildImage.reference, extend: buildImage.extend || undefined },
    metadata: metadataTable(previousImage?.metadata),
    "run-image": {
      reference: runImage.reference,
      image: runImage.image || undefined,
      extend: runImage.extend || undefined,
      target: runImage.target && targetTable(runImage.target),
    },
  });
}
