import type { Emit, Event, Level } from "../../std/event.ts";
import { textOf } from "./line.ts";
import type { Style } from "./style.ts";

/** Where text goes. */
export interface Terminal {
  write(text: string): void;
  readonly columns: number | undefined;
}

/** How a screen is set up. */
export interface ScreenOptions {
  readonly level: Level;
  readonly style: Style;
  /** Whether a status line may live at the bottom. */
  readonly live: boolean;
  /** Put before each line, e.g. a time stamp. */
  readonly prefix: () => string;
}

const units = ["B", "kB", "MB", "GB", "TB"];

/** A number of bytes as a person says it: `40.2 MB`. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function statusOf(event: Event): string | undefined {
  if (event.type === "phase") return event.state === "start" ? `${event.phase} …` : "";
  if (event.type !== "progress") return undefined;
  if (event.done === event.total) return "";
  const amount = event.unit === "byte" ? sizeText(event.done) : String(event.done);
  const total = event.total === undefined ? "" : ` of ${event.unit === "byte" ? sizeText(event.total) : event.total}`;
  return `${event.task}: ${amount}${total}`;
}

/** Draws events as lines; on a live terminal with one status line below them that is wiped before each line and at the end. */
export function openScreen(
  terminal: Terminal,
  options: ScreenOptions,
): { emit: Emit; line(text: string): void; close(): void } {
  let status = "";
  let atLineStart = true;
  const wipe = () => {
    if (status !== "") terminal.write("\r\u001b[2K");
    status = "";
  };
  const print = (text: string) => {
    if (text === "") return;
    wipe();
    terminal.write(atLineStart ? options.prefix() + text : text);
    atLineStart = text.endsWith("\n");
  };
  const line = (text: string) => {
    wipe();
    if (!atLineStart) terminal.write("\n");
    atLineStart = true;
    for (const part of text.split("\n")) print(`${part}\n`);
  };
  const show = (text: string) => {
    if (!options.live || !atLineStart) return;
    wipe();
    status = text.slice(0, Math.max(0, (terminal.columns ?? 80) - 1));
    if (status !== "") terminal.write(options.style.faint(status));
  };
  const emit: Emit = (event) => {
    const said = textOf(event, options.level, options.style);
    if (said?.raw) print(said.text);
    else if (said) line(said.text);
    const next = statusOf(event);
    if (next !== undefined) show(next);
  };
  const close = () => {
    wipe();
    if (!atLineStart) terminal.write("\n");
    atLineStart = true;
  };
  return { emit, line, close };
}
