import { Fault } from "../std/fault.ts";

/**
 * The escape character that the parser directives at the top of a Dockerfile choose, `\` unless said (Dockerfile reference, "Parser directives").
 * Throws Fault `dockerfile.parse` for another one than `\` and a backtick, and for a directive that is said twice.
 */
export function readDirectives(lines: readonly string[], place: string): string {
  const found = new Map<string, string>();
  for (const [at, line] of lines.entries()) {
    const [, key = "", value = ""] = /^\s*#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    const name = key.toLowerCase();
    if (!["escape", "syntax", "check"].includes(name)) break;
    if (found.has(name))
      throw new Fault("dockerfile.parse", `Cannot use ${place}, line ${at + 1}: the directive ${name} is said twice`);
    found.set(name, value);
  }
  const mark = found.get("escape") ?? "\\";
  if (mark === "\\" || mark === "`") return mark;
  throw new Fault("dockerfile.parse", `Cannot use ${place}: ${JSON.stringify(mark)} cannot be the escape character`);
}
