import { Fault } from "../std/fault.ts";

/** One paragraph of Debian's control syntax (deb822): fields in file order, values with their continuation lines as written. */
export type Paragraph = ReadonlyMap<string, string>;

/**
 * Text to paragraphs, as `control`, `status` and `*.sources` files hold them. Comment lines are dropped; a value keeps its line
 * breaks and the first column of its continuation lines. Throws Fault `base.parse` that names `place` and the line.
 */
export function parseParagraphs(text: string, place: string): Paragraph[] {
  const paragraphs: Paragraph[] = [];
  let fields = new Map<string, string>();
  let last: string | undefined;
  const close = () => {
    if (fields.size) paragraphs.push(fields);
    fields = new Map();
    last = undefined;
  };
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.replace(/\r$/, "");
    if (line.startsWith("#")) continue;
    if (line.trim() === "") {
      close();
      continue;
    }
    const field = /^([!-9;-~]+):[ \t]*(.*)$/.exec(line);
    if (/^[ \t]/.test(line) && last !== undefined) {
      fields.set(last, `${fields.get(last)}\n${line}`);
    } else if (field) {
      last = field[1]!;
      if (fields.has(last)) throw broken(place, at, `the field ${last} is there twice`);
      fields.set(last, field[2]!.trimEnd());
    } else {
      throw broken(place, at, "expected `Field: value`");
    }
  }
  close();
  return paragraphs;
}

function broken(place: string, at: number, found: string): Fault {
  return new Fault("base.parse", `Cannot read ${place} at line ${at + 1}: ${found}`);
}

/** A field by its name, upper and lower case alike, as dpkg and apt look it up. */
export function fieldOf(paragraph: Paragraph, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const [field, value] of paragraph) if (field.toLowerCase() === wanted) return value;
  return undefined;
}

/** The words of a field whose value is a list separated by white space; none when it is absent. */
export function wordsOf(paragraph: Paragraph, name: string): string[] {
  return (fieldOf(paragraph, name) ?? "").split(/\s+/).filter((word) => word !== "");
}

/** Paragraph to text, one line per field, ended by an empty line. */
export function formatParagraph(fields: Iterable<readonly [string, string]>): string {
  const lines = [...fields].map(([name, value]) =>
    value === "" || value.startsWith("\n") ? `${name}:${value}` : `${name}: ${value}`,
  );
  return `${lines.join("\n")}\n\n`;
}
