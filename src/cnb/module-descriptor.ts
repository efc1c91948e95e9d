import { Fault } from "../std/fault.ts";
import { parseToml, type TomlTable } from "../std/toml.ts";
import { booleanIn, stringIn, stringsIn, tableIn, tablesIn } from "../std/toml-read.ts";
import { strayKeys } from "../std/toml-shape.ts";
import { parseApi } from "./api.ts";
import { parseExecEnv } from "./exec-env.ts";
import type { ModuleInfo, Stack } from "./module-info.ts";
import { idIn, type OpenOrder, parseOpenOrder, versionIn } from "./order-file.ts";
import { parseTargets, type TargetPattern } from "./target.ts";

/** Which of the two kinds of modules. */
export type ModuleKind = "buildpack" | "extension";

/** What a `buildpack.toml` or `extension.toml` says that goes into the labels of packages and builders: as written, nothing inferred. */
export interface ModuleDescriptor {
  readonly kind: ModuleKind;
  /** `major.minor`. */
  readonly api: string;
  readonly info: ModuleInfo;
  readonly stacks: readonly Stack[];
  readonly targets: readonly TargetPattern[];
  /** Not empty for a composite. */
  readonly order: OpenOrder;
  /** Keys no specification knows. */
  readonly strays: readonly string[];
}

const target = {
  os: true,
  arch: true,
  variant: true,
  "arch-variant": true,
  distros: { name: true, version: true },
} as const;
const info = {
  id: true,
  name: true,
  version: true,
  description: true,
  homepage: true,
  keywords: true,
  "exec-env": true,
  licenses: { type: true, uri: true },
  "clear-env": true,
  "sbom-formats": true,
} as const;
const shapes = {
  buildpack: {
    api: true,
    buildpack: info,
    stacks: { id: true, mixins: true },
    targets: target,
    order: { group: { ...info, optional: true } },
    metadata: true,
  },
  extension: { api: true, extension: info, targets: target, metadata: true },
} as const;

function infoIn(table: TomlTable, place: string): ModuleInfo {
  const text = (key: "name" | "description" | "homepage") => {
    const found = stringIn(table, key, place);
    return found ? { [key]: found } : {};
  };
  const keywords = stringsIn(table, "keywords", place) ?? [];
  const execEnv = parseExecEnv(table, place);
  const licenses = tablesIn(table, "licenses", place).map((license) => {
    const [type, uri] = [stringIn(license, "type", place), stringIn(license, "uri", place)];
    return { ...(type && { type }), ...(uri && { uri }) };
  });
  return {
    id: idIn(table, place),
    version: versionIn(table, place),
    ...text("name"),
    ...text("description"),
    ...text("homepage"),
    ...(keywords.length > 0 && { keywords }),
    ...(execEnv.length > 0 && { execEnv }),
    ...(licenses.length > 0 && { licenses }),
    ...(booleanIn(table, "clear-env", place) && { clearEnv: true }),
  };
}

function stacksIn(table: TomlTable, place: string): readonly Stack[] {
  return tablesIn(table, "stacks", place).map((stack) => {
    const mixins = stringsIn(stack, "mixins", place) ?? [];
    return { id: stringIn(stack, "id", place) ?? "", ...(mixins.length > 0 && { mixins }) };
  });
}

/**
 * The text of a `buildpack.toml` or `extension.toml` as it is packaged. Throws the faults of `parseBuildpack`, and
 * `buildpack.order` for a buildpack that has both an order and stacks or targets.
 */
export function parseModuleDescriptor(text: string, place: string, kind: ModuleKind): ModuleDescriptor {
  const table = parseToml(text, place);
  const api = parseApi(stringIn(table, "api", place) ?? "", place);
  const own = tableIn(table, kind, place);
  if (own === undefined)
    throw new Fault(`${kind}.missing`, `Cannot read ${kind} at ${place}: there is no table [${kind}]`);
  const isBuildpack = kind === "buildpack";
  const stacks = isBuildpack ? stacksIn(table, place) : [];
  const targets = parseTargets(table, place);
  const order = isBuildpack ? parseOpenOrder(table, place) : [];
  if (order.length > 0 && stacks.length + targets.length > 0)
    throw new Fault(
      "buildpack.order",
      `Cannot package buildpack at ${place}: it has an [[order]] and ${stacks.length > 0 ? "[[stacks]]" : "[[targets]]"} as well`,
      { hint: "a composite runs where its components run; take the targets out, and name them in package.toml" },
    );
  return {
    kind,
    api: `${api.major}.${api.minor}`,
    info: infoIn(own, place),
    stacks,
    targets,
    order,
    strays: strayKeys(table, shapes[kind]),
  };
}
