import { parseToml, type TomlTable } from "../std/toml.ts";
import { stringIn, tablesIn } from "../std/toml-read.ts";
import { formatToml } from "../std/toml-write.ts";
import type { Element } from "./order.ts";
import { type Coordinates, idIn, versionIn } from "./order-file.ts";

/** One member of a detected group. */
export interface GroupMember extends Coordinates {
  /** Its Buildpack API, as its descriptor writes it. */
  readonly api: string;
  readonly homepage?: string;
}

/** What detection chose (Platform spec, "group.toml"). */
export interface DetectedGroup {
  readonly group: readonly GroupMember[];
  readonly extensions: readonly GroupMember[];
}

/** The group that the participants of detection make. */
export function groupOf(participants: readonly Element[]): DetectedGroup {
  const members = (extension: boolean) =>
    participants
      .filter((element) => (element.extension ?? false) === extension)
      .map(({ buildpack: { id, version, api, homepage } }) => ({
        id,
        version,
        api: api.text,
        ...(homepage && { homepage }),
      }));
  return { group: members(false), extensions: members(true) };
}

/** The text of group.toml, as the reference writes it. */
export function formatGroup({ group, extensions }: DetectedGroup): string {
  return formatToml({ group: listOf(group), "group-extensions": listOf(extensions) });
}

/** The text of a group.toml to its value; throws Fault `toml.*` or `buildpack.coordinates`. */
export function parseGroup(text: string, place: string): DetectedGroup {
  const table = parseToml(text, place);
  const members = (key: string) => tablesIn(table, key, place).map((item) => memberOf(item, place));
  return { group: members("group"), extensions: members("group-extensions") };
}

function listOf(members: readonly GroupMember[]) {
  if (members.length === 0) return undefined;
  return members.map(({ id, version, api, homepage }) => ({
    id,
    version,
    api: api || undefined,
    homepage: homepage || undefined,
  }));
}

function memberOf(item: TomlTable, place: string): GroupMember {
  const homepage = stringIn(item, "homepage", place);
  return {
    id: idIn(item, place),
    version: versionIn(item, place),
    api: stringIn(item, "api", place) ?? "",
    ...(homepage && { homepage }),
  };
}
