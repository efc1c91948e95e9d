import { encodeJson } from "../std/json.ts";
import {
  type BuildpackRecord,
  buildpackRecordJson,
  type LayerSha,
  parseBuildpackRecords,
  parseRecord,
} from "./label.ts";

/**
 * What a cache holds: its SBOM layer, and the cached layers of each buildpack, without `store`. It stands in a
 * cache directory's file or a cache image's label of the name `labelNames.cache`.
 */
export interface CacheMetadata {
  /** Its diffID is empty when the cache has no SBOM layer. */
  readonly sbom: LayerSha;
  readonly buildpacks: readonly BuildpackRecord[];
}

/** The metadata as one line of JSON without its end: the label of a cache image; a cache directory's file adds a newline. */
export function encodeCacheMetadata(metadata: CacheMetadata): string {
  return encodeJson({ sbom: { sha: metadata.sbom.sha }, buildpacks: metadata.buildpacks.map(buildpackRecordJson) });
}

/** The text of the file or label to its value; undefined when it is absent or malformed: such a cache counts as empty. */
export function parseCacheMetadata(text: string | undefined): CacheMetadata | undefined {
  return parseRecord(text, ({ sbom, buildpacks }) => {
    const sha = typeof sbom === "object" && sbom !== null && "sha" in sbom ? sbom.sha : undefined;
    return { sbom: { sha: typeof sha === "string" ? sha : "" }, buildpacks: parseBuildpackRecords(buildpacks) };
  });
}
