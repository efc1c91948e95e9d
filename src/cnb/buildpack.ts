import { Fault } from "../std/fault.ts";
import { parseToml, type TomlTable } from "../std/toml.ts";
import { booleanIn, stringIn, stringsIn, tableIn, tablesIn } from "../std/toml-read.ts";
import { type Api, abilitiesOf, parseApi } from "./api.ts";
import { parseExecEnv } from "./exec-env.ts";
import { idIn, type Order, parseOrder, versionIn } from "./order-file.ts";
import { parseTargets, type TargetPattern } from "./target.ts";

/** A licence by its SPDX name, by where its text is, or by both. */
export interface License {
  readonly type?: string;
  readonly uri?: string;
}

/** What a `buildpack.toml` says (Buildpack spec, "buildpack.toml"). */
export interface Buildpack {
  readonly api: Api;
  readonly id: string;
  readonly version: string;
  readonly name?: string;
  readonly homepage?: string;
  readonly description?: string;
  readonly keywords: readonly string[];
  readonly licenses: readonly License[];
  /** Whether user-provided variables are kept from its scripts. */
  readonly clearEnv: boolean;
  /** Media types of the SBOM files it may write. */
  readonly sbomFormats: readonly string[];
  /** Execution environments it is limited to, `*` for any; empty for no limit. */
  readonly execEnv: readonly string[];
  /** Platforms it runs on, given or inferred; empty for any. */
  readonly targets: readonly TargetPattern[];
  /** Present on a composite buildpack, which has no scripts of its own. */
  readonly order?: Order;
}

/** Which scripts stand beside the descriptor, from which targets are inferred. */
export interface Scripts {
  /** There is a `bin/build`. */
  readonly hasBinBuild: boolean;
  /** There is a `bin/build.bat` or `bin/build.exe`. */
  readonly hasWindowsBuild?: boolean;
}

/**
 * The text of a `buildpack.toml` to its value. Throws Fault `toml.*` for broken TOML, `api.parse` (exit 12) for a missing
 * or malformed `api`, `buildpack.coordinates` for an id or version that cannot name a directory.
 */
export function parseBuildpack(text: string, place: string, scripts: Scripts): Buildpack {
  const table = parseToml(text, place);
  const api = parseApi(stringIn(table, "api", place) ?? "", place);
  const info = tableIn(table, "buildpack", place);
  if (info === undefined)
    throw new Fault("buildpack.missing", `Cannot read buildpack at ${place}: there is no table [buildpack]`);
  const order = parseOrder(table, place);
  const isComposite = order.length > 0;
  return {
    ...parseInfo(info, api, place),
    sbomFormats: stringsIn(info, "sbom-formats", place) ?? [],
    targets: isComposite ? parseTargets(table, place) : targetsOf(table, api, scripts, place),
    ...(isComposite && { order }),
  };
}

/** An id as it appears in paths: every `/` replaced by `_`. */
export function escapedId(id: string): string {
  return id.replaceAll("/", "_");
}

/** What the table `[buildpack]` or `[extension]` says; throws as `parseBuildpack` does. */
export function parseInfo(
  info: TomlTable,
  api: Api,
  place: string,
): Omit<Buildpack, "sbomFormats" | "targets" | "order"> {
  const optional = (key: "name" | "homepage" | "description") => {
    const text = stringIn(info, key, place);
    return text ? { [key]: text } : {};
  };
  return {
    api,
    id: idIn(info, place),
    version: versionIn(info, place),
    ...optional("name"),
    ...optional("homepage"),
    ...optional("description"),
    keywords: stringsIn(info, "keywords", place) ?? [],
    licenses: tablesIn(info, "licenses", place).map((license) => licenseOf(license, place)),
    clearEnv: booleanIn(info, "clear-env", place) ?? false,
    execEnv: abilitiesOf(api).execEnv ? parseExecEnv(info, place) : [],
  };
}

function licenseOf(license: TomlTable, place: string): License {
  const [type, uri] = [stringIn(license, "type", place), stringIn(license, "uri", place)];
  return { ...(type && { type }), ...(uri && { uri }) };
}

const bionic: TargetPattern = { os: "linux", arch: "amd64", distros: [{ name: "ubuntu", version: "18.04" }] };

/** Given targets, else what the stacks translate to, else what the scripts show (Buildpack spec, "Targets" and "Stacks"). */
function targetsOf(table: TomlTable, api: Api, scripts: Scripts, place: string): readonly TargetPattern[] {
  const given = parseTargets(table, place);
  if (given.length > 0) return given;
  const stacks = tablesIn(table, "stacks", place).map((stack) => stringIn(stack, "id", place));
  const translated = stacks.flatMap((id): readonly TargetPattern[] => {
    if (id === "*") return [{ distros: [] }];
    return id === "io.buildpacks.stacks.bionic" && (abilitiesOf(api).targets || stacks.length === 1) ? [bionic] : [];
  });
  if (translated.length > 0) return translated;
  if (scripts.hasBinBuild) return [{ os: "linux", distros: [] }];
  return scripts.hasWindowsBuild ? [{ os: "windows", distros: [] }] : [];
}
