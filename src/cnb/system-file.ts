import { parseToml, type TomlTable } from "../std/toml.ts";
import { tableIn } from "../std/toml-read.ts";
import { formatToml } from "../std/toml-write.ts";
import type { Group, System } from "./order.ts";
import { parseEntries, writableEntries } from "./order-file.ts";

/** The text of a system.toml to the buildpacks around every group (Platform spec, "system.toml"). */
export function parseSystem(text: string, place: string): System {
  return systemIn(parseToml(text, place), place);
}

/** The `[system]` of a table, as it stands in system.toml and in builder.toml. */
export function systemIn(table: TomlTable, place: string): System {
  const system = tableIn(table, "system", place);
  const listOf = (key: string): Group => {
    const side = system && tableIn(system, key, place);
    return side ? parseEntries(side, place, "buildpacks") : [];
  };
  return { pre: listOf("pre"), post: listOf("post") };
}

/** The text of system.toml. */
export function formatSystem({ pre, post }: System): string {
  const side = (group: Group) => (group.length > 0 ? { buildpacks: writableEntries(group) } : undefined);
  return formatToml({ system: { pre: side(pre), post: side(post) } });
}
