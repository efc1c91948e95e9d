import { homedir } from "node:os";
import type { Emit, Level } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { openScreen } from "./render/screen.ts";
import { type Style, styleFor } from "./render/style.ts";

/** The flags every command takes. */
export interface GlobalFlags {
  readonly color?: boolean;
  readonly forceColor?: boolean;
  readonly timestamps?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** What a command works with; the only door to the environment, the terminal and the clock. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: HostPath;
  /** Where everything of ours lives: PACK_HOME, else `~/.pack`. */
  readonly home: HostPath;
  readonly level: Level;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly style: Style;
  readonly emit: Emit;
  /** Aborted by the first interrupt. */
  readonly signal: AbortSignal;
  /** Prints a line of the result: never silenced, always on standard output. */
  result(text: string): void;
  /** Prints a line for a person; silent with --quiet and --json. */
  say(text: string): void;
  close(): void;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function stamp(): string {
  const now = new Date();
  const day = `${now.getFullYear()}/${pad(now.getMonth() + 1, 2)}/${pad(now.getDate(), 2)}`;
  return `${day} ${pad(now.getHours(), 2)}:${pad(now.getMinutes(), 2)}:${pad(now.getSeconds(), 2)}.${pad(now.getMilliseconds(), 3)}000 `;
}

/** Whether colour is wanted: flags first, then NO_COLOR and FORCE_COLOR, then whether a person looks. */
function wantsColour(flags: GlobalFlags): boolean {
  if (flags.forceColor) return true;
  if (flags.color === false || process.env["NO_COLOR"]) return false;
  if (process.env["FORCE_COLOR"] && process.env["FORCE_COLOR"] !== "0") return true;
  return Boolean(process.stdout.isTTY) && process.env["TERM"] !== "dumb";
}

function homeOf(): HostPath {
  const wanted = process.env["PACK_HOME"];
  if (wanted) {
    if (!wanted.startsWith("/"))
      throw new Fault("usage.home", `Cannot use PACK_HOME: "${wanted}" is not an absolute path`, { exit: "usage" });
    return hostPath(wanted);
  }
  const home = homedir();
  if (!home.startsWith("/"))
    throw new Fault("usage.home", "Cannot find a home: neither PACK_HOME nor HOME is set", {
      exit: "usage",
      hint: "set PACK_HOME to a directory",
    });
  return hostPath(`${home}/.pack`);
}

/** Opens the context of one command run. */
export function openContext(flags: GlobalFlags, signal: AbortSignal): Context {
  const style = styleFor(wantsColour(flags));
  const level: Level = flags.quiet ? "error" : flags.verbose ? "debug" : "info";
  const screen = openScreen(
    { write: (text) => void process.stdout.write(text), columns: process.stdout.columns },
    {
      level,
      style,
      live: Boolean(process.stdout.isTTY) && !flags.json && !flags.quiet && !process.env["CI"],
      prefix: flags.timestamps ? stamp : () => "",
    },
  );
  const silent = Boolean(flags.json || flags.quiet);
  return {
    env: process.env,
    cwd: hostPath(process.cwd()),
    home: homeOf(),
    level,
    json: Boolean(flags.json),
    quiet: Boolean(flags.quiet),
    style,
    emit: flags.json
      ? (event) => void process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`)
      : screen.emit,
    signal,
    result: (text) => screen.line(text),
    say: (text) => {
      if (!silent) screen.line(text);
    },
    close: screen.close,
  };
}
