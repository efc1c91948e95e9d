import { parse, stringify } from "smol-toml";
import type { FuzzTarget } from "../support/fuzz.ts";
import { mutateTree } from "../support/mutate.ts";

/** What a parser of texts is fuzzed with. */
export interface TextTarget {
  readonly name: string;
  readonly seeds: readonly string[];
  readonly words?: readonly string[];
  readonly takesAll?: boolean;
  take(text: string): unknown;
}

/** A target whose input is text; bytes that are not UTF-8 become what Node makes of them. */
export function textTarget({ take, ...rest }: TextTarget): FuzzTarget {
  return { ...rest, take: (input) => take(input.toString("utf8")) };
}

/** A target whose input is a JSON document: half of the inputs are documents with a part exchanged. */
export function jsonTarget(target: TextTarget): FuzzTarget {
  return {
    ...textTarget({
      words: ['"', "{", "}", "[", "]", ":", ",", "null", "true", '"\\u0000"', "\\ud800", "1e400"],
      ...target,
    }),
    invent(chance, seed) {
      try {
        return Buffer.from(JSON.stringify(mutateTree(JSON.parse(seed.toString()), chance)));
      } catch {
        return undefined;
      }
    },
  };
}

/** A target whose input is a TOML document: half of the inputs are documents with a part exchanged. */
export function tomlTarget(target: TextTarget): FuzzTarget {
  const words = [
    "[",
    "]",
    "[[",
    "]]",
    "=",
    '"',
    "'",
    '"""',
    "'''",
    "{",
    "}",
    ",",
    ".",
    "#",
    "\n",
    "\r\n",
    "1979-05-27T07:32:00Z",
    "inf",
    "nan",
    "0x",
    "true",
    "\\u0000",
    "\\UFFFFFFFF",
    "\uFEFF",
  ];
  return {
    ...textTarget({ words, ...target }),
    invent(chance, seed) {
      try {
        const tree = mutateTree(parse(seed.toString()), chance);
        return Buffer.from(stringify(tree));
      } catch {
        return undefined;
      }
    },
  };
}
