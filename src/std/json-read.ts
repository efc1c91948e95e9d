import { Fault } from "./fault.ts";
import { encodeJson, isObject, type Json, type JsonObject, parseJson } from "./json.ts";

/** What is under a key, undefined when it is absent or null: Go's decoder makes no difference. */
function valueAt(object: JsonObject, key: string): Json | undefined {
  const value = Object.hasOwn(object, key) ? object[key] : undefined;
  return value === null ? undefined : value;
}

function refuse(key: string, place: string, wanted: string, value: Json): never {
  const found = encodeJson(value);
  const shown = found.length > 80 ? `${found.slice(0, 80)}…` : found;
  throw new Fault("json.type", `Cannot read ${key} at ${place}: expected ${wanted}, found ${shown}`);
}

/** The text as a JSON object; throws Fault `json.parse`, and `json.type` for another value. */
export function parseObject(text: string, place: string): JsonObject {
  return objectOf(parseJson(text, place), "the document", place);
}

/** The value as an object; throws Fault `json.type` that names it and `place`. */
export function objectOf(value: Json, name: string, place: string): JsonObject {
  return isObject(value) ? value : refuse(name, place, "an object", value);
}

/** The value as a list; throws Fault `json.type` that names it and `place`. */
export function listOf(value: Json, name: string, place: string): readonly Json[] {
  return Array.isArray(value) ? value : refuse(name, place, "a list", value);
}

/** The string under a key, undefined when it is absent, null or empty; throws Fault `json.type` for anything else. */
export function textAt(object: JsonObject, key: string, place: string): string | undefined {
  const value = valueAt(object, key);
  if (value === undefined || value === "") return undefined;
  return typeof value === "string" ? value : refuse(key, place, "a string", value);
}

/** The string under a key; throws Fault `json.type` for anything else, `json.missing` when there is none or it is empty. */
export function requiredTextAt(object: JsonObject, key: string, place: string): string {
  const text = textAt(object, key, place);
  if (text !== undefined) return text;
  throw new Fault("json.missing", `Cannot read ${key} at ${place}: it is missing`);
}

/** The boolean under a key, false when there is none; throws Fault `json.type` for anything else. */
export function flagAt(object: JsonObject, key: string, place: string): boolean {
  const value = valueAt(object, key) ?? false;
  return typeof value === "boolean" ? value : refuse(key, place, "true or false", value);
}

/** The object under a key, undefined when there is none; throws Fault `json.type` for anything else. */
export function objectAt(object: JsonObject, key: string, place: string): JsonObject | undefined {
  const value = valueAt(object, key);
  return value === undefined ? undefined : objectOf(value, key, place);
}

/** The objects listed under a key, none when there is none; throws Fault `json.type` for anything else. */
export function objectsAt(object: JsonObject, key: string, place: string): readonly JsonObject[] {
  return listOf(valueAt(object, key) ?? [], key, place).map((item, at) => objectOf(item, `${key}[${at}]`, place));
}

/** The strings listed under a key, none when there is none; throws Fault `json.type` for anything else. */
export function textsAt(object: JsonObject, key: string, place: string): readonly string[] {
  return listOf(valueAt(object, key) ?? [], key, place).map((item, at) =>
    typeof item === "string" ? item : refuse(`${key}[${at}]`, place, "a string", item),
  );
}
