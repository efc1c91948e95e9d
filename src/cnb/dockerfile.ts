import { Fault } from "../std/fault.ts";
import { readDirectives } from "./dockerfile-directive.ts";
import { wordsOf } from "./dockerfile-word.ts";
import { heredocsIn, takeHeredoc } from "./heredoc.ts";

/** One instruction of a Dockerfile. */
export interface Instruction {
  /** In capitals. */
  readonly name: string;
  /** What follows the name, continued lines joined, the bodies of heredocs left out. */
  readonly text: string;
  /** Its first line and the one after its last, counted from 0. */
  readonly from: number;
  readonly to: number;
}

/** A stage: what begins with a FROM. */
export interface DockerfileStage {
  /** The image's name as it is written, variables unresolved. */
  readonly base: string;
  /** The instruction itself. */
  readonly start: Instruction;
  /** Those after it. */
  readonly instructions: readonly Instruction[];
}

/** A Dockerfile as far as the rules for image extensions look into it. */
export interface Dockerfile {
  readonly lines: readonly string[];
  /** The instructions before the first FROM: ARGs. */
  readonly head: readonly Instruction[];
  readonly stages: readonly DockerfileStage[];
}

const known = new Set(
  (
    "ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER " +
    "VOLUME WORKDIR"
  ).split(" "),
);

/** No Dockerfile may be longer than this, in characters. */
const limit = 1 << 20;

/** The fault of a Dockerfile that cannot be used; `line` counts from 0. */
export function dockerfileFault(place: string, line: number | undefined, found: string): Fault {
  const at = line === undefined ? "" : `, line ${line + 1}`;
  return new Fault("dockerfile.parse", `Cannot use ${place}${at}: ${found}`);
}

function isComment(line: string): boolean {
  return /^\s*#/.test(line);
}

function isBlank(line: string): boolean {
  return /^\s*$/.test(line);
}

/** The line without the mark of continuation at its end, undefined when it has none; two marks are none. */
function continued(line: string, mark: string): string | undefined {
  const end = line.replace(/[ \t]+$/, "");
  if (!end.endsWith(mark) || end.endsWith(mark + mark)) return undefined;
  return end.slice(0, -1);
}

/** One instruction from its first line on, or undefined when the lines left are blank or comments. */
function readInstruction(
  lines: readonly string[],
  begin: number,
  mark: string,
  place: string,
): Instruction | undefined {
  let from = begin;
  while (from < lines.length && (isBlank(lines[from]!) || isComment(lines[from]!))) from += 1;
  if (from >= lines.length) return undefined;
  let text = "";
  let to = from;
  for (let isOpen = true; isOpen && to < lines.length; to += 1) {
    const line = lines[to]!;
    if (to > from && (isComment(line) || isBlank(line))) continue;
    const more = continued(line, mark);
    text += more ?? line;
    isOpen = more !== undefined;
  }
  const [, word, rest] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(text) ?? [];
  if (word === undefined) return readInstruction(lines, to, mark, place);
  const name = word.toUpperCase();
  if (!known.has(name)) throw dockerfileFault(place, from, `${JSON.stringify(word.slice(0, 80))} is no instruction`);
  for (const heredoc of heredocsIn(name, rest!, mark)) {
    const end = takeHeredoc(lines, to, heredoc);
    if (end === undefined) throw dockerfileFault(place, from, `the heredoc ${heredoc.name} has no end`);
    to = end;
  }
  return { name, text: rest!, from, to };
}

function stageOf(start: Instruction, instructions: readonly Instruction[], place: string): DockerfileStage {
  const words = start.text.split(/\s+/).filter((word) => word !== "" && !word.startsWith("--"));
  const isNamed = words.length === 3 && words[1]!.toLowerCase() === "as";
  if (words.length !== 1 && !isNamed)
    throw dockerfileFault(place, start.from, "FROM takes one image and a name for it");
  return { base: words[0]!, start, instructions };
}

/**
 * The text of a Dockerfile to its instructions, as far as they must be known: parser directives, comments, continued lines and heredocs are
 * understood, what stands in an instruction is not. Throws Fault `dockerfile.parse` that names `place` and line.
 */
export function parseDockerfile(text: string, place: string): Dockerfile {
  if (text.length > limit) throw dockerfileFault(place, undefined, `it is longer than ${limit} characters`);
  if (text.includes("\0")) throw dockerfileFault(place, undefined, "it holds a zero byte");
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const mark = readDirectives(lines, place);
  const head: Instruction[] = [];
  const stages: { readonly start: Instruction; readonly instructions: Instruction[] }[] = [];
  for (let at = 0; ; ) {
    const instruction = readInstruction(lines, at, mark, place);
    if (instruction === undefined) break;
    at = instruction.to;
    const stage = stages.at(-1);
    if (instruction.name === "FROM") stages.push({ start: instruction, instructions: [] });
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.name === "ARG") head.push(instruction);
    else throw dockerfileFault(place, instruction.from, `${instruction.name} stands before FROM`);
  }
  return { lines, head, stages: stages.map((stage) => stageOf(stage.start, stage.instructions, place)) };
}

/** The names that ARG instructions declare. */
export function declaredArguments(instructions: readonly Instruction[]): readonly string[] {
  return instructions
    .filter(({ name }) => name === "ARG")
    .flatMap(({ text }) => wordsOf(text, "\\"))
    .flatMap((word) => /^["']?([A-Za-z_][A-Za-z0-9_]*)(?:["']?$|=)/.exec(word)?.[1] ?? []);
}
