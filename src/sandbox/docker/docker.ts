import { Fault } from "../../std/fault.ts";
import type { SandboxKind } from "../contract.ts";
import { type Dial, engineFault } from "./engine.ts";
import type { Limits } from "./spec.ts";

async function probe(dial: Dial): ReturnType<SandboxKind["probe"]> {
  try {
    using engine = await dial();
    const { Os, Version } = await engine.docker.version().catch((error) => {
      throw engineFault("reach the engine", engine, error);
    });
    if (Os !== "linux")
      return {
        usable: false,
        because: `the engine at ${engine.place} runs ${Os}`,
        hint: "switch it to Linux containers",
      };
    return { usable: true, detail: `a container of the engine ${Version} at ${engine.place}` };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // The fault lists everywhere it has looked.
    const because = error.code === "daemon.none" ? "there is no engine here" : error.message.replace(/^C/, "c");
    return { usable: false, because, hint: error.hint ?? "start it" };
  }
}

/** The sandbox that is one container of an engine, a program in it for every job. */
export function dockerOver(dial: Dial, limits: Limits = {}): SandboxKind {
  return {
    name: "docker",
    translates: true,
    isolation: { filesystem: true, network: true, user: true },
    refuses: ({ root }) =>
      root === "image"
        ? undefined
        : { usable: false, because: "a container is made of a builder image", hint: "name one with --builder" },
    stacks: async () => false,
    probe: () => probe(dial),
    // Most builds need none of it.
    open: async (surroundings) => (await import("./open.ts")).openContainer(dial, limits, surroundings),
  };
}
