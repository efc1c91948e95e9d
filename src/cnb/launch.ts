import { compareBytes } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import type { Json } from "../std/json.ts";
import { parseToml, type TomlTable } from "../std/toml.ts";
import { jsonOfToml } from "../std/toml-json.ts";
import { booleanIn, requiredStringIn, stringIn, stringsIn, tableIn, tablesIn, valueIn } from "../std/toml-read.ts";
import type { Abilities } from "./api.ts";
import { parseExecEnv } from "./exec-env.ts";

/** One way to start the app (Buildpack spec, "launch.toml"). */
export interface Process {
  readonly type: string;
  /** The program and the arguments it always gets. */
  readonly command: readonly string[];
  /** Default arguments; undefined when the buildpack gave none, which is not the same as an empty list. */
  readonly args?: readonly string[];
  /** False when a shell starts it, as buildpacks before API 0.9 may ask for. */
  readonly direct: boolean;
  readonly default: boolean;
  readonly workingDirectory?: string;
  /** The execution environments it is for; undefined means all. */
  readonly execEnv?: readonly string[];
  readonly buildpackId: string;
}

/** An image label a buildpack asks for. */
export interface Label {
  readonly key: string;
  readonly value: string;
}

/** Paths of the app that make one layer: patterns relative to the app directory. */
export interface Slice {
  readonly paths: readonly string[];
}

/** A legacy bill-of-materials entry, out of use since Buildpack API 0.7. */
export interface BomEntry {
  readonly name: string;
  readonly metadata: Json;
}

/** The value of a `launch.toml`, and what should be said about it. */
export interface Launch {
  readonly processes: readonly Process[];
  readonly labels: readonly Label[];
  readonly slices: readonly Slice[];
  readonly bom: readonly BomEntry[];
  readonly warnings: readonly string[];
}

/** What a buildpack's API says about its processes. */
export type ProcessAbilities = Pick<Abilities, "commandList" | "workingDirectory">;

function parseBom(table: TomlTable, place: string): readonly BomEntry[] {
  return tablesIn(table, "bom", place).map((entry) => {
    const name = stringIn(entry, "name", place) ?? "";
    if (stringIn(entry, "version", place)) {
      throw new Fault("bom.version", `Cannot read ${place}: the bom entry "${name}" has a top-level version`, {
        exit: "build",
        hint: "move it into the entry's metadata",
      });
    }
    const metadata = tableIn(entry, "metadata", place);
    return { name, metadata: metadata === undefined ? null : jsonOfToml(metadata) };
  });
}

function parseCommand(table: TomlTable, place: string, abilities: ProcessAbilities): readonly string[] {
  if (abilities.commandList) return stringsIn(table, "command", place) ?? [];
  return [stringIn(table, "command", place) ?? ""];
}

function parseDirect(table: TomlTable, place: string, abilities: ProcessAbilities): boolean {
  if (!abilities.commandList) return booleanIn(table, "direct", place) ?? false;
  if (valueIn(table, "direct") === undefined) return true;
  throw new Fault("process.direct", `Cannot read ${place}: process.direct is not supported on this buildpack version`, {
    exit: "build",
    hint: "since Buildpack API 0.9 every process is started directly; leave the key out",
  });
}

function parseProcess(table: TomlTable, place: string, abilities: ProcessAbilities, buildpackId: string): Process {
  const args = stringsIn(table, "args", place);
  const workingDirectory = abilities.workingDirectory ? stringIn(table, "working-dir", place) : undefined;
  const execEnv = parseExecEnv(table, place);
  return {
    type: stringIn(table, "type", place) ?? "",
    command: parseCommand(table, place, abilities),
    ...(args && { args }),
    direct: parseDirect(table, place, abilities),
    default: booleanIn(table, "default", place) ?? false,
    ...(workingDirectory && { workingDirectory }),
    ...(execEnv.length > 0 && { execEnv }),
    buildpackId,
  };
}

/**
 * The text of a `launch.toml` to its value, by the rules of its buildpack's API (Buildpack spec, "launch.toml").
 * Throws Fault `toml.parse` or `toml.type`, `process.direct` for `direct` where it is gone, `process.default` for more than one
 * default, `bom.version` for a legacy entry with a version of its own.
 */
export function parseLaunch(text: string, place: string, abilities: ProcessAbilities, buildpackId: string): Launch {
  const table = parseToml(text, place);
  const tables = tablesIn(table, "processes", place);
  const processes = tables.map((process) => parseProcess(process, place, abilities, buildpackId));
  const defaults = processes.filter((process) => process.default).map((process) => process.type);
  if (defaults.length > 1) {
    throw new Fault("process.default", `Cannot read ${place}: multiple default process types aren't allowed`, {
      exit: "build",
      hint: `default = true stands with ${defaults.join(" and ")}`,
    });
  }
  const ignored = abilities.workingDirectory ? [] : tables.filter((process) => stringIn(process, "working-dir", place));
  return {
    processes,
    labels: tablesIn(table, "labels", place).map((label) => ({
      key: stringIn(label, "key", place) ?? "",
      value: stringIn(label, "value", place) ?? "",
    })),
    slices: tablesIn(table, "slices", place).map((slice) => ({ paths: stringsIn(slice, "paths", place) ?? [] })),
    bom: parseBom(table, place),
    warnings: ignored.map(
      (process) =>
        `Ignoring the working-dir of process type ${stringIn(process, "type", place)} of ${buildpackId}: it needs Buildpack API 0.8`,
    ),
  };
}

/** A `build.toml`: the requirements a buildpack leaves to later ones, by name (Buildpack spec, "build.toml"). */
export interface BuildToml {
  readonly unmet: readonly string[];
  readonly bom: readonly BomEntry[];
}

/** The text of a `build.toml` to its value; throws Fault `toml.missing` for an unmet entry without a name, `bom.version` as `parseLaunch`. */
export function parseBuildToml(text: string, place: string): BuildToml {
  const table = parseToml(text, place);
  return {
    unmet: tablesIn(table, "unmet", place).map((entry) => requiredStringIn(entry, "name", place)),
    bom: parseBom(table, place),
  };
}

/** The text of a `store.toml` to its `[metadata]` table as JSON, null when it has none (Buildpack spec, "store.toml"). */
export function parseStore(text: string, place: string): { readonly metadata: Json } {
  const metadata = tableIn(parseToml(text, place), "metadata", place);
  return { metadata: metadata === undefined ? null : jsonOfToml(metadata) };
}

/** The processes of the buildpacks so far, sorted by type, none of them marked as default, and the type that starts by default. */
export interface ProcessTable {
  readonly processes: readonly Process[];
  readonly defaultType?: string;
}

/** What every build begins with. */
export const noProcesses: ProcessTable = { processes: [] };

/**
 * The processes after one more buildpack: a type defined again is replaced, the last default wins, and replacing the default
 * type by one that is not marked leaves none, which `warning` then says (Buildpack spec, "launch.toml").
 */
export function mergeProcesses(
  previous: ProcessTable,
  next: readonly Process[],
): { readonly table: ProcessTable; readonly warning?: string } {
  const byType = new Map(previous.processes.map((process) => [process.type, process]));
  let defaultType = previous.defaultType;
  let lost: string | undefined;
  for (const process of next) {
    byType.set(process.type, { ...process, default: false });
    if (process.default) {
      defaultType = process.type;
      lost = undefined;
    } else if (process.type === defaultType) {
      lost = defaultType;
      defaultType = undefined;
    }
  }
  const processes = [...byType.values()].sort((a, b) => compareBytes(a.type, b.type));
  return {
    table: { processes, ...(defaultType !== undefined && { defaultType }) },
    ...(lost !== undefined && {
      warning: `redefining the following default process type with a process not marked as default: ${lost}`,
    }),
  };
}

/** Throws Fault `process-type.name` unless every type can be the name of a file in `/cnb/process`. */
export function checkProcessTypes(processes: readonly Pick<Process, "type">[]): void {
  for (const { type } of processes) {
    if (type !== "" && type !== "." && type !== ".." && !/[/><:|&\\\0]/.test(type)) continue;
    const found = type === "" ? "type is required for all processes" : `"${type}" cannot name a file`;
    throw new Fault("process-type.name", `Cannot export process types: ${found}`, {
      exit: "export",
      hint: "a type has letters, digits, dots, underscores and dashes",
    });
  }
}
