import type { FuzzTarget } from "../support/fuzz.ts";
import { archiveTargets } from "./archive.ts";
import { documentTargets } from "./document.ts";

/** Everything that takes input from strangers, by what it takes. */
export const targets: readonly FuzzTarget[] = [...archiveTargets, ...documentTargets];
