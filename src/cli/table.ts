import type { Command } from "commander";
import type { Act } from "./main.ts";

/** What a command's module gives: it adds the command, with its flags, to the program. */
export interface CommandModule {
  define(program: Command, act: Act): void;
}

/** One line of the table of commands; its module is loaded only when it is the one that was called. */
export interface CommandEntry {
  /** The name, then its aliases. */
  readonly names: readonly string[];
  readonly summary: string;
  load(): Promise<CommandModule>;
}

/** All commands, in the order `--help` lists them. */
export const commands: readonly CommandEntry[] = [
  { names: ["build"], summary: "build an image from source", load: () => import("./command/build.ts") },
  { names: ["rebase"], summary: "move an image onto a newer run image without rebuilding it", load: () => import("./command/rebase.ts") },
  { names: ["inspect", "inspect-image"], summary: "show what an image is made of", load: () => import("./command/inspect.ts") },
  { names: ["run"], summary: "start an image of the local store", load: () => import("./command/run.ts") },
  { names: ["detect"], summary: "show which buildpacks would build an app, and why", load: () => import("./command/detect.ts") },
  { names: ["images"], summary: "list the images of the local store", load: () => import("./command/images.ts") },
  { names: ["rm"], summary: "remove images from the local store", load: () => import("./command/rm.ts") },
  { names: ["prune"], summary: "remove what no image of the local store needs", load: () => import("./command/prune.ts") },
  { names: ["base"], summary: "make run images from distribution packages", load: () => import("./command/base.ts") },
  { names: ["completion"], summary: "print a completion script for a shell", load: () => import("./command/completion.ts") },
  { names: ["version"], summary: "print the version", load: () => import("./command/version.ts") },
];
