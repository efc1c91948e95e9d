import { Fault } from "../std/fault.ts";
import { fieldOf, type Paragraph, parseParagraphs, wordsOf } from "./paragraph.ts";

/** One archive apt may fetch binary packages from; `options` are deb822 fields such as `Signed-By`. */
export interface Source {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** The architectures it is limited to; undefined when it is not. */
  readonly architectures?: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

const own = new Set(["types", "uris", "suites", "components", "architectures", "enabled", "targets", "languages"]);

function sourceOf(paragraph: Paragraph, place: string): Source | undefined {
  if (/^(no|false|0|off)$/i.test(fieldOf(paragraph, "Enabled") ?? "yes")) return undefined;
  if (!wordsOf(paragraph, "Types").includes("deb")) return undefined;
  const uris = wordsOf(paragraph, "URIs");
  const suites = wordsOf(paragraph, "Suites");
  if (uris.length === 0 || suites.length === 0)
    throw new Fault("base.parse", `Cannot read ${place}: a source has no ${uris.length ? "Suites" : "URIs"}`);
  const architectures = wordsOf(paragraph, "Architectures");
  return {
    uris,
    suites,
    components: wordsOf(paragraph, "Components"),
    ...(architectures.length && { architectures }),
    options: new Map([...paragraph].filter(([name]) => !own.has(name.toLowerCase()))),
  };
}

/** Text of a deb822 `*.sources` file to its sources of binary packages, disabled ones left out. */
export function parseSourcesFile(text: string, place: string): Source[] {
  return parseParagraphs(text, place).flatMap((paragraph) => sourceOf(paragraph, place) ?? []);
}

/** Where the one-line format's option is called otherwise than the deb822 field (which apt finds in any case). */
const fields: Readonly<Record<string, string>> = { arch: "Architectures", lang: "Languages", target: "Targets" };

/** Text of a one-line `*.list` file to its sources of binary packages. */
export function parseListFile(text: string, place: string): Source[] {
  return text.split("\n").flatMap((raw, at) => {
    const line = raw.replace(/#.*$/, "").trim();
    if (line === "") return [];
    const found = /^(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)$/.exec(line);
    if (!found)
      throw new Fault(
        "base.parse",
        `Cannot read ${place} at line ${at + 1}: expected \`deb [options] uri suite components\``,
      );
    const [, type, options, uri, suite, components] = found;
    const paragraph = new Map([
      ["Types", type!],
      ["URIs", uri!],
      ["Suites", suite!],
      ["Components", components!.trim()],
    ]);
    for (const option of (options ?? "").split(/\s+/)) {
      const equals = option.indexOf("=");
      if (equals > 0) {
        const name = option.slice(0, equals).toLowerCase();
        paragraph.set(fields[name] ?? name, option.slice(equals + 1).replaceAll(",", " "));
      }
    }
    return sourceOf(paragraph, place) ?? [];
  });
}
