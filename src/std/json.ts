import { compareBytes } from "./byte.ts";
import { Fault, reasonOf } from "./fault.ts";

/** What a JSON document can hold here; integers beyond 2^53 are bigint. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** A JSON object whose unknown keys must survive. */
export type JsonObject = { readonly [key: string]: Json | undefined };

// Objects that stand for a map. Their own key order is not enough: JavaScript lists keys like "18" first.
const maps = new WeakSet<object>();

const escapes: Record<string, string> = {
  "<": "\\u003c",
  ">": "\\u003e",
  "&": "\\u0026",
  "\u2028": "\\u2028",
  "\u2029": "\\u2029",
};

/** Text that stands in JSON as it is. */
const plain = /^[ !#-%'-;=?-[\]-~]*$/;

function encodeString(text: string): string {
  if (plain.test(text)) return `"${text}"`;
  // Go writes \b and \f in this short form since 1.22, and the replacement character for a lone surrogate.
  return JSON.stringify(text.toWellFormed()).replace(/[<>&\u2028\u2029]/g, (c) => escapes[c]!);
}

/**
 * JSON text as Go's encoding/json writes it: no white space, keys in the order given, `<`, `>`, `&`, U+2028 and U+2029
 * escaped. A key whose value is undefined is left out. Throws Fault for a number that JSON cannot hold.
 */
export function encodeJson(value: Json): string {
  if (value === null || typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return encodeString(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value))
      throw new Fault("json.number", `Cannot write JSON: ${value} is not a number JSON can hold`);
    return Object.is(value, -0) ? "-0" : String(value);
  }
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(",")}]`;
  const pairs = Object.entries(value).filter((pair): pair is [string, Json] => pair[1] !== undefined);
  if (maps.has(value)) pairs.sort(([a], [b]) => compareBytes(a, b));
  return `{${pairs.map(([key, item]) => `${encodeString(key)}:${encodeJson(item)}`).join(",")}}`;
}

/** The same object, whose keys `encodeJson` writes in byte order, as Go writes a map; what is inside them is left alone. */
export function asMap(value: JsonObject): JsonObject {
  const map = Object.fromEntries(Object.entries(value).sort(([a], [b]) => compareBytes(a, b)));
  maps.add(map);
  return map;
}

/** The same value with the keys of every object in byte order, as Go orders a map. */
export function sortedKeys(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(sortedKeys);
  const pairs = Object.entries(value as JsonObject);
  return asMap(
    Object.fromEntries(pairs.map(([key, item]) => [key, item === undefined ? undefined : sortedKeys(item)])),
  );
}

/** Text to value; throws Fault `json.parse` that names `place` when it is not JSON. */
export function parseJson(text: string, place: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new Fault("json.parse", `Cannot parse JSON at ${place}: ${reasonOf(cause)}`, { cause });
  }
}

/** Whether the value is a JSON object (not null, not an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
