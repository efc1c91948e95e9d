import { wordsOf } from "./dockerfile-word.ts";

/** A heredoc that an instruction begins: its lines follow up to the one that is `name`. */
export interface Heredoc {
  readonly name: string;
  /** Whether tabs in front of the last line do not count (`<<-`). */
  readonly isIndented: boolean;
}

/** The heredocs that an instruction begins, in order (Dockerfile reference, "Here-Documents"); only ADD, COPY and RUN have any. */
export function heredocsIn(instruction: string, text: string, mark: string): readonly Heredoc[] {
  if (!["ADD", "COPY", "RUN"].includes(instruction) || !text.includes("<<")) return [];
  return wordsOf(text, mark).flatMap((word): Heredoc[] => {
    const [, dash, quoted = ""] = /^\d*<<(-?)([^<]+)$/.exec(word) ?? [];
    const name = quoted.replace(/["']/g, "");
    return name === "" ? [] : [{ name, isIndented: dash === "-" }];
  });
}

/** The line after a heredoc whose body begins at line `from`; undefined when it has no end. */
export function takeHeredoc(lines: readonly string[], from: number, { name, isIndented }: Heredoc): number | undefined {
  for (let at = from; at < lines.length; at += 1) {
    const line = lines[at]!;
    if ((isIndented ? line.replace(/^\t+/, "") : line) === name) return at + 1;
  }
  return undefined;
}
