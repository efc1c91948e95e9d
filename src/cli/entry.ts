import type { Command } from "commander";
import type { Context } from "./context.ts";

/** Runs a command's work with a context; its number is the exit code. */
export type Act = (work: (context: Context) => Promise<number>) => Promise<void>;

/** What a command's module gives: it adds the command, with its flags, to the program; `all` are the commands there are. */
export interface CommandModule {
  define(program: Command, act: Act, all: readonly CommandEntry[]): void;
}

/** One line of the table of commands; its module is loaded only when it is the one that was called. */
export interface CommandEntry {
  /** The name, then its aliases. */
  readonly names: readonly string[];
  readonly summary: string;
  load(): Promise<CommandModule>;
}
