import type { Bench } from "./flow.ts";

/** A shell extension of a test: what its scripts do, and what its folders hold in their place. */
export interface ShellExtension {
  readonly id: string;
  readonly version?: string;
  readonly api?: string;
  /** Lines of the table `[extension]`. */
  readonly info?: string;
  readonly more?: string;
  /** What it provides; `bin/detect` says so unless `detect` is given, `none` leaves the script out. */
  readonly provides?: string;
  readonly detect?: string;
  /** `bin/generate`; left out unless given. */
  readonly generate?: string;
  /** Further files by path. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Writes an extension below the bench's folder and gives its directory. */
export function writeExtension(bench: Bench, spec: ShellExtension): string {
  const { id, version = "1.0.0", api = "0.10", info = "", more = "", provides = "tool" } = spec;
  const folder = `ext/${id.replaceAll("/", "_")}-${version}`;
  const descriptor = `api = "${api}"\n[extension]\nid = "${id}"\nversion = "${version}"\n${info}\n${more}\n`;
  const path = bench.write(`${folder}/extension.toml`, descriptor);
  const plan = `printf '[[provides]]\\nname = "%s"\\n' ${provides} >"$CNB_BUILD_PLAN_PATH"`;
  const { detect = plan, generate, files = {} } = spec;
  if (detect !== "none") bench.write(`${folder}/bin/detect`, `#!/bin/sh\n${detect}\n`, 0o755);
  if (generate !== undefined) bench.write(`${folder}/bin/generate`, `#!/bin/sh\nset -e\n${generate}\n`, 0o755);
  for (const [name, text] of Object.entries(files)) bench.write(`${folder}/${name}`, text);
  return path.slice(0, -"/extension.toml".length);
}

/** A detect script that requires these names. */
export function requires(...names: readonly string[]): string {
  return names.map((name) => `printf '[[requires]]\\nname = "%s"\\n' ${name} >>"$CNB_BUILD_PLAN_PATH"`).join("\n");
}

const base = "$" + "{base_image}";

/** The text of a Dockerfile with the head the specification asks for. */
export function dockerfile(...instructions: readonly string[]): string {
  return ["ARG base_image", `FROM ${base}`, ...instructions, ""].join("\n");
}
