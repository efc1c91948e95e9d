import { encodeConfig, type History, type ImageConfig, parseConfig } from "../../oci/config.ts";
import { type DiffId, type Digest, digestOf, isDigest, parseDiffId } from "../../oci/digest.ts";
import { encodeJson, isObject, type Json, type JsonObject } from "../../std/json.ts";

/** An image as the daemon's inspect tells it. */
export interface FoundImage {
  /** What the daemon calls it: the config's digest, in a containerd store the manifest's. */
  readonly id: Digest;
  readonly diffIds: readonly DiffId[];
  readonly names: readonly string[];
  /** What inspect says of the config; exact only if its text has the image's ID. */
  readonly document: JsonObject;
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

/** The answer of `GET /images/{name}/json`; undefined when it does not describe an image. */
export function parseFound(document: Json | undefined): FoundImage | undefined {
  if (!isObject(document)) return undefined;
  const { Id: id, RootFS: rootfs, RepoTags: tags } = document;
  // Some versions of Podman leave the algorithm out.
  const digest = typeof id === "string" && !id.includes(":") ? `sha256:${id}` : id;
  if (typeof digest !== "string" || !isDigest(digest)) return undefined;
  const layers = isObject(rootfs) ? strings(rootfs["Layers"]) : [];
  return { id: digest, diffIds: layers.map(parseDiffId), names: strings(tags), document };
}

function time(seconds: Json | undefined): string | undefined {
  if (typeof seconds !== "number") return undefined;
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** Entries of `GET /images/{name}/history`, oldest first; whether one made a layer is not told, only how large it is. */
function historyOf(document: Json | undefined, layers: number): History[] {
  const entries = Array.isArray(document) ? document.filter(isObject).reverse() : [];
  // Where the daemon counts more steps than layers, those without bytes made none.
  const hasEmpty = entries.length > layers && entries.filter((entry) => entry["Size"] !== 0).length <= layers;
  let spare = entries.length - layers;
  return entries.map((entry) => {
    const { Created: created, CreatedBy: by, Comment: comment, Size: size } = entry;
    const isEmpty = hasEmpty && size === 0 && spare-- > 0;
    const at = time(created);
    return {
      ...(at && { created: at }),
      ...(typeof by === "string" && by !== "" && { created_by: by }),
      ...(typeof comment === "string" && comment !== "" && { comment }),
      ...(isEmpty && { empty_layer: true }),
    };
  });
}

/** The config as far as inspect and history tell it: labels, environment and diffIDs are exact, the history may not be. */
export function configIn(found: FoundImage, history: Json | undefined, place: string): ImageConfig {
  const { Architecture, Variant, Os, OsVersion, Author, Created, DockerVersion, Config } = found.document;
  const document = {
    architecture: Architecture,
    variant: Variant,
    os: Os,
    "os.version": OsVersion,
    author: Author,
    created: Created,
    docker_version: DockerVersion,
    config: Config,
    rootfs: { type: "layers", diff_ids: found.diffIds as readonly string[] as string[] },
  };
  const config = parseConfig(encodeJson(document), `image ${found.id} at ${place}`);
  return { ...config, history: historyOf(history, found.diffIds.length) };
}

/** The config's own text, when what the daemon tells suffices to make it: the text whose digest is the image's ID. */
export function configTextIn(found: FoundImage, history: Json | undefined, place: string): string | undefined {
  const config = configIn(found, history, place);
  const zero = { ...config, created: "0001-01-01T00:00:00Z" };
  for (const candidate of [config, zero]) {
    const text = encodeConfig(candidate);
    if (digestOf(text) === found.id) return text;
  }
  return undefined;
}
