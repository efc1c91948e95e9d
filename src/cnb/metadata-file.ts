import { encodeJson } from "../std/json.ts";
import { parseToml, type TomlTable } from "../std/toml.ts";
import { booleanIn, stringIn, stringsIn, tablesIn, valueIn } from "../std/toml-read.ts";
import { formatToml, tomlRaw } from "../std/toml-write.ts";
import type { Label, Process, Slice } from "./launch.ts";

/** A buildpack as the launcher must know it. */
export interface LaunchBuildpack {
  readonly id: string;
  readonly version: string;
  readonly api: string;
  readonly homepage?: string;
}

/** `<layers>/config/metadata.toml`: what the build hands to the export and to the launcher (Platform spec, "metadata.toml"). */
export interface BuildMetadataFile {
  readonly buildpacks: readonly LaunchBuildpack[];
  readonly extensions?: readonly LaunchBuildpack[];
  readonly labels: readonly Label[];
  /** Sorted by type. */
  readonly processes: readonly Process[];
  readonly defaultProcessType?: string;
  readonly slices: readonly Slice[];
}

function moduleTable({ id, version, api, homepage }: LaunchBuildpack) {
  return { id, version, api: api || undefined, homepage: homepage || undefined };
}

function processTable(process: Process) {
  return {
    type: process.type,
    // The reference quotes commands as JSON, unlike any other string of the file.
    command: tomlRaw(`[${process.command.map(encodeJson).join(", ")}]`),
    args: process.args,
    direct: process.direct,
    "buildpack-id": process.buildpackId,
    "working-dir": process.workingDirectory || undefined,
    "exec-env": process.execEnv?.length ? process.execEnv : undefined,
  };
}

function listed<T>(items: readonly T[] | undefined): readonly T[] | undefined {
  return items?.length ? items : undefined;
}

/** The file's text, byte for byte as the reference writes it for Platform API 0.15: it is layer content. */
export function formatMetadata(metadata: BuildMetadataFile): string {
  return formatToml({
    buildpacks: listed(metadata.buildpacks)?.map(moduleTable),
    extensions: listed(metadata.extensions)?.map(moduleTable),
    labels: listed(metadata.labels)?.map(({ key, value }) => ({ key, value })),
    processes: metadata.processes.map(processTable),
    slices: listed(metadata.slices)?.map(({ paths }) => ({ paths })),
    "buildpack-default-process-type": metadata.defaultProcessType || undefined,
  });
}

function parseModules(table: TomlTable, key: string, place: string): readonly LaunchBuildpack[] {
  return tablesIn(table, key, place).map((module) => {
    const homepage = stringIn(module, "homepage", place);
    return {
      id: stringIn(module, "id", place) ?? "",
      version: stringIn(module, "version", place) ?? "",
      api: stringIn(module, "api", place) ?? "",
      ...(homepage && { homepage }),
    };
  });
}

function parseProcess(table: TomlTable, place: string): Process {
  const single = typeof valueIn(table, "command") === "string" ? stringIn(table, "command", place) : undefined;
  const args = stringsIn(table, "args", place);
  const workingDirectory = stringIn(table, "working-dir", place);
  const execEnv = stringsIn(table, "exec-env", place);
  return {
    type: stringIn(table, "type", place) ?? "",
    command: single === undefined ? (stringsIn(table, "command", place) ?? []) : [single],
    ...(args && { args }),
    direct: booleanIn(table, "direct", place) ?? false,
    default: false,
    ...(workingDirectory && { workingDirectory }),
    ...(execEnv?.length && { execEnv }),
    buildpackId: stringIn(table, "buildpack-id", place) ?? "",
  };
}

/** The file's text to its value, whatever Platform API wrote it: a command may be one string. Throws Fault `toml.parse` or `toml.type`. */
export function parseMetadata(text: string, place: string): BuildMetadataFile {
  const table = parseToml(text, place);
  const extensions = parseModules(table, "extensions", place);
  const defaultProcessType = stringIn(table, "buildpack-default-process-type", place);
  return {
    buildpacks: parseModules(table, "buildpacks", place),
    ...(extensions.length > 0 && { extensions }),
    labels: tablesIn(table, "labels", place).map((label) => ({
      key: stringIn(label, "key", place) ?? "",
      value: stringIn(label, "value", place) ?? "",
    })),
    processes: tablesIn(table, "processes", place).map((process) => parseProcess(process, place)),
    ...(defaultProcessType && { defaultProcessType }),
    slices: tablesIn(table, "slices", place).map((slice) => ({ paths: stringsIn(slice, "paths", place) ?? [] })),
  };
}
