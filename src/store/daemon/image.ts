import type { DiffId } from "../../oci/digest.ts";
import { familiarName, type Reference } from "../../oci/reference.ts";
import { collect } from "../../std/byte.ts";
import { isObject, type Json } from "../../std/json.ts";
import { nameText } from "../name.ts";
import { ask, askStream, type Question } from "./ask.ts";
import type { Connection } from "./connect.ts";
import type { Engine } from "./engine.ts";
import { type FoundImage, parseFound } from "./found.ts";

/** A daemon that was asked what it is. */
export interface Line {
  readonly connection: Connection;
  readonly engine: Engine;
  /** The layers of images by ID, as far as the daemon was asked. */
  readonly layers: Map<string, readonly DiffId[]>;
  readonly signal?: AbortSignal | undefined;
}

type Verb = Pick<Question, "method" | "what" | "query">;

/** A request about one image; a name goes into the path as it is, its slashes too. */
function question({ engine, signal }: Line, path: string, rest: Verb): Question {
  return { ...rest, path: `/v${engine.api}${path}`, signal };
}

/** The image the daemon knows by this name, ID or beginning of an ID; undefined when there is none. */
export async function inspect(line: Line, text: string): Promise<FoundImage | undefined> {
  const what = `read image ${text}`;
  // Podman takes a whole ID without its algorithm for a name, and refuses it.
  const name = /^[0-9a-f]{64}$/.test(text) ? `sha256:${text}` : text;
  return parseFound(await ask(line.connection, question(line, `/images/${name}/json`, { method: "GET", what })));
}

/** The image a reference means: by its full name; as Podman's own images are, by the short one; by its digest as an ID. */
export async function inspectReference(line: Line, name: Reference): Promise<FoundImage | undefined> {
  if (name.digest !== undefined) {
    const { registry, repository, digest } = name;
    return (await inspect(line, `${registry}/${repository}@${digest}`)) ?? (await inspect(line, digest));
  }
  const found = await inspect(line, nameText(name));
  return found ?? (line.engine.kind === "podman" ? await inspect(line, familiarName(name)) : undefined);
}

/** The image's history as the daemon lists it. */
export async function history(line: Line, id: string): Promise<Json | undefined> {
  const what = `read the history of image ${id}`;
  return ask(line.connection, question(line, `/images/${id}/history`, { method: "GET", what }));
}

/** The IDs of all images, those with one of `names` first. */
export async function listIds(line: Line, names: readonly string[]): Promise<string[]> {
  const what = "list images";
  const list = await ask(line.connection, question(line, "/images/json", { method: "GET", what }));
  const images = Array.isArray(list) ? list.filter(isObject) : [];
  const isNamed = (tags: Json | undefined) => Array.isArray(tags) && tags.some((tag) => names.includes(String(tag)));
  const rank = images.map((image) => ({ id: image["Id"], first: isNamed(image["RepoTags"]) ? 0 : 1 }));
  return rank.sort((a, b) => a.first - b.first).flatMap(({ id }) => (typeof id === "string" ? [id] : []));
}

/** The bytes of the image as `docker save` gives them. */
export function exportImage(line: Line, id: string) {
  return askStream(line.connection, question(line, `/images/${id}/get`, { method: "GET", what: `export image ${id}` }));
}

/** Gives the image one more name; another image that had it loses it. */
export async function tag(line: Line, id: string, name: Reference): Promise<void> {
  const text = nameText(name);
  const at = text.lastIndexOf(":");
  const query = { repo: text.slice(0, at), tag: text.slice(at + 1) };
  const what = `name image ${text}`;
  await collect(await askStream(line.connection, question(line, `/images/${id}/tag`, { method: "POST", what, query })));
}

/** Takes a name away; the image goes with its last one. */
export async function untag(line: Line, name: Reference): Promise<void> {
  const text = nameText(name);
  const what = `take away the name ${text}`;
  await ask(line.connection, question(line, `/images/${text}`, { method: "DELETE", what }));
}
