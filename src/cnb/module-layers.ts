import { asMap, encodeJson, type JsonObject } from "../std/json.ts";
import { objectOf, objectsAt, parseObject, requiredTextAt, textAt } from "../std/json-read.ts";
import { checkCoordinates, parseStacks, type Stack, stacksJson } from "./module-info.ts";
import { type Coordinates, nameOf, type OpenOrder } from "./order-file.ts";
import { orderJson, orderOf } from "./order-label.ts";
import type { TargetPattern } from "./target.ts";

/** What a label says of one buildpack or extension in an image; several may stand in one layer. */
export interface ModuleLayer extends Coordinates {
  /** The Buildpack API, `major.minor`. */
  readonly api: string;
  readonly stacks: readonly Stack[];
  readonly targets: readonly TargetPattern[];
  /** Not empty for a composite. */
  readonly order: OpenOrder;
  readonly diffId: string;
  readonly homepage?: string;
  readonly name?: string;
}

function targetJson({ os = "", arch = "", variant, distros }: TargetPattern): JsonObject {
  return {
    os,
    arch,
    variant: variant || undefined,
    distros:
      distros.length > 0
        ? distros.map(({ name, version }) => ({ name: name || undefined, version: version || undefined }))
        : undefined,
  };
}

function parseTarget(object: JsonObject, place: string): TargetPattern {
  const part = <K extends string>(from: JsonObject, key: K) => {
    const text = textAt(from, key, place);
    return text === undefined ? {} : ({ [key]: text } as { readonly [P in K]: string });
  };
  const variant = textAt(object, "variant", place) ?? textAt(object, "arch-variant", place);
  return {
    ...part(object, "os"),
    ...part(object, "arch"),
    ...(variant && { variant }),
    distros: objectsAt(object, "distros", place).map((one) => ({ ...part(one, "name"), ...part(one, "version") })),
  };
}

function layerJson(layer: ModuleLayer): JsonObject {
  return {
    api: layer.api,
    stacks: layer.stacks.length > 0 ? stacksJson(layer.stacks) : undefined,
    targets: layer.targets.length > 0 ? layer.targets.map(targetJson) : undefined,
    order: layer.order.length > 0 ? orderJson(layer.order) : undefined,
    layerDiffID: layer.diffId,
    homepage: layer.homepage || undefined,
    name: layer.name || undefined,
  };
}

/**
 * The value of the label `io.buildpacks.buildpack.layers` or `io.buildpacks.extension.layers`, byte for byte as pack writes it;
 * of two layers with the same id and version the last counts.
 */
export function encodeModuleLayers(layers: readonly ModuleLayer[]): string {
  const ids = [...new Set(layers.map(({ id }) => id))];
  const versionsOf = (id: string) =>
    layers.filter((layer) => layer.id === id).map((layer) => [layer.version, layerJson(layer)] as const);
  return encodeJson(asMap(Object.fromEntries(ids.map((id) => [id, asMap(Object.fromEntries(versionsOf(id)))]))));
}

/** The text of the label to what it lists, in the order it stands there; throws Fault `json.*` and `buildpack.coordinates`. */
export function parseModuleLayers(text: string, place: string): readonly ModuleLayer[] {
  return Object.entries(parseObject(text, place)).flatMap(([id, versions]) =>
    Object.entries(objectOf(versions ?? {}, id, place)).map(([version, value]): ModuleLayer => {
      checkCoordinates(id, version, place);
      const where = `${nameOf({ id, version })} in ${place}`;
      const layer = objectOf(value ?? {}, version, place);
      const [homepage, name] = [textAt(layer, "homepage", where), textAt(layer, "name", where)];
      return {
        id,
        version,
        api: textAt(layer, "api", where) ?? "",
        stacks: parseStacks(layer, "stacks", where),
        targets: objectsAt(layer, "targets", where).map((target) => parseTarget(target, where)),
        order: orderOf(layer["order"] ?? null, where),
        diffId: requiredTextAt(layer, "layerDiffID", where),
        ...(homepage && { homepage }),
        ...(name && { name }),
      };
    }),
  );
}
