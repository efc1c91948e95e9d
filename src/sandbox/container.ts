import type { GuestPath, HostPath } from "../std/path.ts";
import type { Ids } from "./account.ts";
import type { View } from "./view.ts";

/** What the programs of one sandbox have in common. */
export interface Setting {
  readonly view: View;
  readonly user: Ids;
  readonly network: "host" | "none";
  /** The path of `env` inside, which sets a program's environment exactly; undefined in a root without it. */
  readonly env: GuestPath | undefined;
  /** A folder of the sandbox's own, for what a back end must put somewhere. */
  readonly scratch: HostPath;
}

/** One program in namespaces of its own. */
export interface Program {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: GuestPath;
  readonly env: Readonly<Record<string, string>>;
}

/** The command that starts a container, and the text it reads from descriptor 3; descriptor 4 takes its reports (`report.ts`). */
export interface Start {
  readonly argv: readonly string[];
  readonly input: string;
}

/** A way to make namespaces. */
export interface Backend {
  readonly name: string;
  /** Makes ready what all programs of a sandbox need, and says how each is started. */
  prepare(setting: Setting): Promise<(program: Program) => Start>;
}

/** What a container is called: every machine knows this name, so a program that looks up its own finds it without a name service. */
export const hostname = "localhost";
