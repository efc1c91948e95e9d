import { Fault } from "../std/fault.ts";
import { isTable, type TomlTable } from "../std/toml.ts";
import { requiredStringIn, stringsIn, valueIn } from "../std/toml-read.ts";

/** The execution environment of a build that names none (Buildpack spec, "Execution Environments"). */
export const defaultExecEnv = "production";

/** The name of an execution environment; empty is `production`. Throws Fault `exec-env.name` for other characters than pack takes. */
export function execEnvName(text: string): string {
  if (/^[a-zA-Z0-9.-]*$/.test(text)) return text === "" ? defaultExecEnv : text;
  throw new Fault(
    "exec-env.name",
    `Cannot use execution environment "${text}": a name has letters, digits, "." and "-"`,
    {
      exit: "usage",
      hint: "use a plain word such as production, test or development",
    },
  );
}

/** Whether something limited to these execution environments takes part in `current`; no limit and `*` mean all. */
export function isInExecEnv(limits: readonly string[], current: string): boolean {
  return limits.length === 0 || limits.includes("*") || limits.includes(current);
}

/** Whether an image was built for another execution environment than `current`; one whose label (`io.buildpacks.exec-env`) says nothing was not. */
export function isForOther(label: string | undefined, current: string): boolean {
  return Boolean(label) && label !== current;
}

/** The `exec-env` of a table: a list of names, or of tables with a `name`; empty when there is none. */
export function parseExecEnv(table: TomlTable, place: string): readonly string[] {
  const value = valueIn(table, "exec-env");
  if (Array.isArray(value) && value.length > 0 && value.every(isTable))
    return value.map((item) => requiredStringIn(item, "name", place));
  return stringsIn(table, "exec-env", place) ?? [];
}
