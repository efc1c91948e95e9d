import { createdBy, layerIds } from "../../cnb/app-image.ts";
import type { Buildpack } from "../../cnb/buildpack.ts";
import type { BuildpackRecord, LayerRecord } from "../../cnb/label.ts";
import { compareBytes } from "../../std/byte.ts";
import { Fault } from "../../std/fault.ts";
import type { Json } from "../../std/json.ts";
import { jsonOfToml } from "../../std/toml-json.ts";
import type { LayerOnDisk } from "../layer.ts";

/** A buildpack of the group with the layers it left. */
export interface BuildpackLayers {
  readonly buildpack: Buildpack;
  readonly layers: readonly LayerOnDisk[];
}

/** One launch layer of the image to be: made from its directory, or taken from the previous image as it was. */
export type PlannedLayer = {
  readonly id: string;
  readonly createdBy: string;
  readonly buildpack: Buildpack;
  readonly layer: LayerOnDisk;
  readonly data: Json;
  /** What the previous image recorded of the layer, when it had it. */
  readonly previous: LayerRecord | undefined;
  readonly from: "directory" | "previous";
};

/** The `[metadata]` of a layer as labels hold it; null without one. */
export function dataOf(layer: LayerOnDisk): Json {
  return layer.metadata.metadata === undefined ? null : jsonOfToml(layer.metadata.metadata);
}

/**
 * Which launch layers the image gets and from where, in the reference's order: buildpacks as in the group, layers by the bytes of
 * their names (Buildpack spec, "Layer Types"). Pure. Throws Fault `layer.missing` with exit 62 for one whose content is nowhere.
 */
export function planLaunchLayers(
  group: readonly BuildpackLayers[],
  previous: readonly BuildpackRecord[],
): PlannedLayer[] {
  return group.flatMap(({ buildpack, layers }) =>
    layers
      .filter((layer) => layer.metadata.launch)
      .sort((a, b) => compareBytes(a.name, b.name))
      .map((layer): PlannedLayer => {
        const id = layerIds.ofBuildpack(buildpack.id, layer.name);
        const record = previous.find((item) => item.key === buildpack.id)?.layers[layer.name];
        if (!layer.hasDirectory && layer.metadata.cache) {
          throw new Fault("layer.missing", `Cannot export layer '${id}': it is cache=true but has no contents`, {
            exit: "export",
          });
        }
        if (!layer.hasDirectory && !record?.sha) {
          throw new Fault("layer.missing", `Cannot reuse layer '${id}': the previous image has no metadata for it`, {
            exit: "export",
            hint: `${buildpack.id} must leave the layer's directory when it was not restored`,
          });
        }
        return {
          id,
          createdBy: createdBy.ofBuildpack(buildpack, layer.name),
          buildpack,
          layer,
          data: dataOf(layer),
          previous: record,
          from: layer.hasDirectory ? "directory" : "previous",
        };
      }),
  );
}
