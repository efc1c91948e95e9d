import { Fault } from "../std/fault.ts";
import type { JsonObject } from "../std/json.ts";
import { flagAt, objectsAt, requiredTextAt, textAt, textsAt } from "../std/json-read.ts";
import type { License } from "./buildpack.ts";

/** What a builder or a package says of a buildpack or extension; what it does not say is absent. */
export interface ModuleInfo {
  readonly id: string;
  readonly version: string;
  readonly name?: string;
  readonly description?: string;
  readonly homepage?: string;
  readonly keywords?: readonly string[];
  readonly execEnv?: readonly string[];
  readonly licenses?: readonly License[];
  readonly clearEnv?: boolean;
}

/** A stack a buildpack names; `*` for any. */
export interface Stack {
  readonly id: string;
  readonly mixins?: readonly string[];
}

function full<T>(list: readonly T[] | undefined): readonly T[] | undefined {
  return list?.length ? list : undefined;
}

/** An id and version that may come from strangers: neither can lead out of the directory it names. Throws Fault `buildpack.coordinates`. */
export function checkCoordinates(id: string, version: string, place: string): void {
  const isName = (text: string) => text !== "." && text !== ".." && !/[\u0000-\u001f\u007f\\]/.test(text);
  const bad = !isName(id) ? id : !isName(version) || version.includes("/") ? version : undefined;
  if (bad === undefined) return;
  throw new Fault("buildpack.coordinates", `Cannot read ${place}: ${JSON.stringify(bad)} cannot name a buildpack`);
}

/** A module's description in the order and shape pack gives it in labels. */
export function moduleInfoJson(info: ModuleInfo): JsonObject {
  return {
    id: info.id,
    name: info.name || undefined,
    version: info.version || undefined,
    description: info.description || undefined,
    homepage: info.homepage || undefined,
    keywords: full(info.keywords),
    "exec-env": full(info.execEnv),
    // The reference gives these two no names of its own, so they stand as its fields are called.
    licenses: full(info.licenses)?.map(({ type = "", uri = "" }) => ({ Type: type, URI: uri })),
    "clear-env": info.clearEnv || undefined,
  };
}

/** A module's description out of a label; throws Fault `json.*`, and `buildpack.coordinates` for what cannot name a directory. */
export function parseModuleInfo(object: JsonObject, place: string): ModuleInfo {
  const id = requiredTextAt(object, "id", place);
  const version = textAt(object, "version", place) ?? "";
  checkCoordinates(id, version, place);
  const text = (key: "name" | "description" | "homepage") => {
    const found = textAt(object, key, place);
    return found === undefined ? {} : { [key]: found };
  };
  const [keywords, execEnv] = [textsAt(object, "keywords", place), textsAt(object, "exec-env", place)];
  const licenses = objectsAt(object, "licenses", place).map((license): License => {
    const type = textAt(license, "Type", place) ?? textAt(license, "type", place);
    const uri = textAt(license, "URI", place) ?? textAt(license, "uri", place);
    return { ...(type && { type }), ...(uri && { uri }) };
  });
  return {
    id,
    version,
    ...text("name"),
    ...text("description"),
    ...text("homepage"),
    ...(keywords.length > 0 && { keywords }),
    ...(execEnv.length > 0 && { execEnv }),
    ...(licenses.length > 0 && { licenses }),
    ...(flagAt(object, "clear-env", place) && { clearEnv: true }),
  };
}

/** Stacks as labels have them. */
export function stacksJson(stacks: readonly Stack[]): readonly JsonObject[] {
  return stacks.map(({ id, mixins }) => ({ id, mixins: full(mixins) }));
}

/** The stacks under a key of a label's object; throws Fault `json.*`. */
export function parseStacks(object: JsonObject, key: string, place: string): readonly Stack[] {
  return objectsAt(object, key, place).map((stack) => {
    const mixins = textsAt(stack, "mixins", place);
    return { id: textAt(stack, "id", place) ?? "", ...(mixins.length > 0 && { mixins }) };
  });
}
