import { encodeJson, isObject, type Json, type JsonObject } from "../std/json.ts";
import { parseRecord } from "./label.ts";
import type { Process } from "./launch.ts";

/** Where the launcher in an image comes from. */
export interface LauncherSource {
  readonly version: string;
  readonly source: { readonly git: { readonly repository: string; readonly commit: string } };
}

/** A buildpack as the label names it. */
export interface UsedBuildpack {
  readonly id: string;
  readonly version: string;
  readonly homepage?: string;
}

/** An entry of the bill of materials that images of older platforms carry in their label. */
export interface BomEntry {
  readonly name: string;
  readonly version?: string;
  readonly metadata: JsonObject;
  readonly buildpack: UsedBuildpack;
}

/** The label `io.buildpacks.build.metadata`: who built the image and how it can be started (Platform spec). */
export interface BuildMetadata {
  readonly buildpacks: readonly UsedBuildpack[];
  readonly extensions?: readonly UsedBuildpack[];
  readonly launcher: LauncherSource;
  /** Sorted by type. */
  readonly processes: readonly Process[];
  readonly defaultProcessType?: string;
}

function usedJson({ id, version, homepage }: UsedBuildpack): JsonObject {
  return { id, version, homepage: homepage || undefined };
}

function processJson(process: Process): JsonObject {
  return {
    type: process.type,
    command: process.command,
    args: process.args ?? null,
    direct: process.direct,
    buildpackID: process.buildpackId,
    "working-dir": process.workingDirectory || undefined,
    "exec-env": process.execEnv?.length ? process.execEnv : undefined,
  };
}

/** The value of the label, byte for byte as the reference writes it for Platform API 0.15. */
export function encodeBuildMetadata(metadata: BuildMetadata): string {
  const { version, source } = metadata.launcher;
  const { repository, commit } = source.git;
  return encodeJson({
    buildpacks: metadata.buildpacks.map(usedJson),
    extensions: metadata.extensions?.length ? metadata.extensions.map(usedJson) : undefined,
    launcher: { version, source: { git: { repository, commit } } },
    processes: metadata.processes.map(processJson),
    "buildpack-default-process-type": metadata.defaultProcessType || undefined,
  });
}

function textIn(object: JsonObject, key: string): string {
  const value = object[key];
  return typeof value === "string" ? value : "";
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = object[key];
  return isObject(value) ? value : {};
}

function objectsIn(object: JsonObject, key: string): readonly JsonObject[] {
  const value = object[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textsIn(value: Json | undefined): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : undefined;
}

function parseUsed(object: JsonObject): UsedBuildpack {
  const homepage = textIn(object, "homepage");
  return { id: textIn(object, "id"), version: textIn(object, "version"), ...(homepage && { homepage }) };
}

function parseProcess(object: JsonObject): Process {
  const command = object["command"];
  const args = textsIn(object["args"]);
  const workingDirectory = textIn(object, "working-dir");
  const execEnv = textsIn(object["exec-env"]);
  return {
    type: textIn(object, "type"),
    command: typeof command === "string" ? [command] : (textsIn(command) ?? []),
    ...(args && { args }),
    direct: object["direct"] === true,
    default: false,
    ...(workingDirectory && { workingDirectory }),
    ...(execEnv?.length && { execEnv }),
    buildpackId: textIn(object, "buildpackID"),
  };
}

/** The label's text to its value, whatever Platform API wrote it; undefined when it is absent or no JSON object. */
export function parseBuildMetadata(text: string | undefined): BuildMetadata | undefined {
  return parseRecord(text, (object) => {
    const launcher = objectIn(object, "launcher");
    const git = objectIn(objectIn(launcher, "source"), "git");
    const extensions = objectsIn(object, "extensions").map(parseUsed);
    const defaultProcessType = textIn(object, "buildpack-default-process-type");
    return {
      buildpacks: objectsIn(object, "buildpacks").map(parseUsed),
      ...(extensions.length > 0 && { extensions }),
      launcher: {
        version: textIn(launcher, "version"),
        source: { git: { repository: textIn(git, "repository"), commit: textIn(git, "commit") } },
      },
      processes: objectsIn(object, "processes").map(parseProcess),
      ...(defaultProcessType && { defaultProcessType }),
    };
  });
}

/** The bill of materials in the label's text, as platforms before SBOM layers wrote it; empty when there is none. */
export function parseBom(text: string | undefined): readonly BomEntry[] {
  const found = parseRecord(text, (object) =>
    objectsIn(object, "bom").map((entry) => {
      const version = textIn(entry, "version");
      return {
        name: textIn(entry, "name"),
        ...(version && { version }),
        metadata: objectIn(entry, "metadata"),
        buildpack: parseUsed(objectIn(entry, "buildpack")),
      };
    }),
  );
  return found ?? [];
}
