import { encodeJson, type Json, type JsonObject, parseJson } from "../std/json.ts";
import {
  flagAt,
  listOf,
  objectAt,
  objectOf,
  objectsAt,
  parseObject,
  requiredTextAt,
  textAt,
  textsAt,
} from "../std/json-read.ts";
import { checkCoordinates } from "./module-info.ts";
import type { System } from "./order.ts";
import type { Group, OpenEntry, OpenOrder } from "./order-file.ts";

function entryJson({ id, version, optional, execEnv }: OpenEntry): JsonObject {
  return {
    id,
    version: version || undefined,
    "exec-env": execEnv?.length ? execEnv : undefined,
    optional: optional || undefined,
  };
}

/** An order as the labels `io.buildpacks.buildpack.order` and `….order-extensions` have it; null for none, as pack writes it. */
export function orderJson(order: OpenOrder): Json {
  return order.length === 0 ? null : order.map((group) => ({ group: group.map(entryJson) }));
}

/** The value of the label of an order, byte for byte as pack writes it. */
export function encodeOrder(order: OpenOrder): string {
  return encodeJson(orderJson(order));
}

function parseEntry(object: JsonObject, place: string): OpenEntry {
  const id = requiredTextAt(object, "id", place);
  const version = textAt(object, "version", place);
  checkCoordinates(id, version ?? "", place);
  const execEnv = textsAt(object, "exec-env", place);
  return {
    id,
    ...(version !== undefined && { version }),
    optional: flagAt(object, "optional", place),
    ...(execEnv.length > 0 && { execEnv }),
  };
}

/** An order out of JSON, where a version may be left out; throws Fault `json.*` and `buildpack.coordinates`. */
export function orderOf(value: Json, place: string): OpenOrder {
  return listOf(value ?? [], "order", place).map((group, at) =>
    objectsAt(objectOf(group, `order[${at}]`, place), "group", place).map((entry) => parseEntry(entry, place)),
  );
}

/** The text of the label of an order to its value; throws as `orderOf` does. */
export function parseOrderLabel(text: string, place: string): OpenOrder {
  return orderOf(parseJson(text, place), place);
}

/** The value of the label `io.buildpacks.buildpack.system`. */
export function encodeSystem({ pre, post }: System): string {
  const side = (group: Group) => ({ buildpacks: group.length > 0 ? group.map(entryJson) : undefined });
  return encodeJson({ pre: side(pre), post: side(post) });
}

/** The text of the label of the system buildpacks to its value; throws Fault `json.*` and `buildpack.coordinates`. */
export function parseSystemLabel(text: string, place: string): System {
  const object = parseObject(text, place);
  const side = (key: string): Group => {
    const table = objectAt(object, key, place);
    const entries = table ? objectsAt(table, "buildpacks", place) : [];
    return entries.map((entry) => ({ version: "", ...parseEntry(entry, place) }));
  };
  return { pre: side("pre"), post: side("post") };
}
