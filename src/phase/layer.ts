import { type Buildpack, escapedId } from "../cnb/buildpack.ts";
import { type LayerMetadata, layerNameOf, parseLayer } from "../cnb/layer.ts";
import { kindOf, namesIn } from "../std/file.ts";
import { type HostPath, type Place, placeUnder, under } from "../std/path.ts";
import { readLeft } from "./left.ts";

/** A layer as a buildpack left it: what its TOML says, and where its directory is or would be. */
export interface LayerOnDisk {
  readonly name: string;
  readonly metadata: LayerMetadata;
  readonly place: Place;
  readonly hasDirectory: boolean;
}

/** A buildpack's own directory below the layers directory (Platform spec, "Layers directory"). */
export function buildpackPlace(layers: Place, buildpack: Buildpack): Place {
  return placeUnder(layers, escapedId(buildpack.id));
}

/**
 * The layers below `root` that have a `<layer>.toml` in a buildpack's directory, in byte order of their names. `launch.toml`, `build.toml` and `store.toml` are no
 * layers. Throws the parser's Fault for a TOML that is broken.
 */
export async function readLayers(root: HostPath, place: Place): Promise<LayerOnDisk[]> {
  const layers: LayerOnDisk[] = [];
  if ((await kindOf(place.host)) !== "directory") return layers;
  for (const file of await namesIn(place.host)) {
    const name = layerNameOf(file);
    if (name === undefined) continue;
    const path = under(place.host, file);
    const layerPlace = placeUnder(place, name);
    layers.push({
      name,
      metadata: parseLayer((await readLeft(root, path)) ?? "", path),
      place: layerPlace,
      hasDirectory: (await kindOf(layerPlace.host)) === "directory",
    });
  }
  return layers;
}
