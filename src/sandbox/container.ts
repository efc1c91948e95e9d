import type { GuestPath } from "../std/path.ts";
import type { View } from "./view.ts";

/** One program in namespaces of its own: what every back end is told. */
export interface Container {
  readonly view: View;
  readonly user: { readonly uid: number; readonly gid: number };
  readonly network: "host" | "none";
  readonly argv: readonly [string, ...string[]];
  readonly cwd: GuestPath;
  readonly env: Readonly<Record<string, string>>;
}

/** The command that starts a container, and what it reads from descriptor 3; descriptor 4 takes its reports. */
export interface Start {
  readonly argv: readonly string[];
  readonly input: string;
}

/** A way to make namespaces. */
export interface Backend {
  readonly name: "bubblewrap" | "unshare";
  startOf(container: Container): Start;
}

/** What a container is called: every machine knows this name, so looking it up works without any name service. */
export const hostname = "localhost";
