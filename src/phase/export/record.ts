import type { UsedBuildpack } from "../../cnb/build-metadata.ts";
import type { Buildpack } from "../../cnb/buildpack.ts";
import type { BuildpackRecord } from "../../cnb/label.ts";
import { parseStore } from "../../cnb/launch.ts";
import { formatMetadata } from "../../cnb/metadata-file.ts";
import type { DiffId } from "../../oci/digest.ts";
import { writeText } from "../../std/file.ts";
import { type Place, under } from "../../std/path.ts";
import { buildpackPlace } from "../layer.ts";
import { readLeft } from "../left.ts";
import type { ExportInputs } from "./assembly.ts";
import type { PlannedLayer } from "./request.ts";

/** A buildpack or extension as labels name it. */
export function usedOf({ id, version, homepage }: Buildpack): UsedBuildpack {
  return { id, version, ...(homepage && { homepage }) };
}

/** Writes `<layers>/config/metadata.toml`, which the launcher reads. */
export async function writeConfig(inputs: ExportInputs): Promise<Place> {
  const place = inputs.workspace.config;
  const { processes, labels, slices } = inputs.built;
  const text = formatMetadata({
    buildpacks: inputs.group.map(({ buildpack }) => ({ ...usedOf(buildpack), api: buildpack.api.text })),
    extensions: inputs.extensions.map((extension) => ({ ...usedOf(extension), api: extension.api.text })),
    labels,
    processes: processes.processes,
    slices,
    ...(processes.defaultType && { defaultProcessType: processes.defaultType }),
  });
  await writeText(under(place.host, "metadata.toml"), text);
  return place;
}

/** What the image is to remember of each buildpack and its launch layers. */
export async function recordsOf(
  inputs: ExportInputs,
  shas: ReadonlyMap<PlannedLayer, DiffId>,
): Promise<BuildpackRecord[]> {
  const records: BuildpackRecord[] = [];
  for (const { buildpack } of inputs.group) {
    const own = [...shas].filter(([planned]) => planned.buildpack === buildpack);
    const storePath = under(buildpackPlace(inputs.workspace.layers, buildpack).host, "store.toml");
    const storeText = await readLeft(inputs.workspace.layers.host, storePath);
    const layers = own.map(([{ layer, data }, sha]) => {
      const { build, launch, cache } = layer.metadata;
      return [layer.name, { sha, data, build, launch, cache }] as const;
    });
    records.push({
      key: buildpack.id,
      version: buildpack.version,
      layers: Object.fromEntries(layers),
      ...(storeText !== undefined && { store: parseStore(storeText, storePath) }),
    });
  }
  return records;
}
