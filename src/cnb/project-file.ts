import { encodeJson, type Json, type JsonObject, sortedKeys } from "../std/json.ts";
import { parseToml } from "../std/toml.ts";
import { jsonOfToml } from "../std/toml-json.ts";
import { stringIn, tableIn } from "../std/toml-read.ts";

/** Where the app's source came from, as the platform knows it: the kind (`git`, `local`), its version and free metadata. */
export interface ProjectSource {
  readonly type?: string;
  readonly version?: JsonObject;
  readonly metadata?: JsonObject;
}

/** `project-metadata.toml` and the label `io.buildpacks.project.metadata` (Platform spec). */
export interface ProjectMetadata {
  readonly source?: ProjectSource;
}

/** The file's text to its value; throws Fault `toml.parse` or `toml.type`. */
export function parseProjectMetadata(text: string, place: string): ProjectMetadata {
  const source = tableIn(parseToml(text, place), "source", place);
  if (!source) return {};
  const type = stringIn(source, "type", place);
  const version = tableIn(source, "version", place);
  const metadata = tableIn(source, "metadata", place);
  return {
    source: {
      ...(type && { type }),
      ...(version && { version: jsonOfToml(version) as JsonObject }),
      ...(metadata && { metadata: jsonOfToml(metadata) as JsonObject }),
    },
  };
}

function filled(value: JsonObject | undefined): Json | undefined {
  return value && Object.keys(value).length > 0 ? sortedKeys(value) : undefined;
}

/** The label's value; `{}` without project metadata. */
export function encodeProjectMetadata(project: ProjectMetadata | undefined): string {
  const source = project?.source;
  return encodeJson({
    source: source && {
      type: source.type || undefined,
      version: filled(source.version),
      metadata: filled(source.metadata),
    },
  });
}
