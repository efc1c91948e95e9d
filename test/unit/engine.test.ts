import { describe, expect, it } from "vitest";
import { chooseEngine } from "../../src/engine/choose.ts";
import type { EngineKind } from "../../src/engine/contract.ts";
import { exitCodeOf, Fault } from "../../src/std/fault.ts";

function kind(name: EngineKind["name"], refusal?: string): EngineKind {
  return {
    name,
    probe: async () =>
      refusal === undefined ? { usable: true, detail: "" } : { usable: false, because: refusal, hint: `mend ${name}` },
    open: () => Promise.reject(new Error("not opened here")),
  };
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => undefined,
    (found: unknown) => found,
  );
  if (error instanceof Fault) return error;
  throw new Error("expected a fault");
}

describe("the engine for Dockerfiles", () => {
  it("is the first that works", async () => {
    expect((await chooseEngine([kind("buildah", "it is away"), kind("docker")])).name).toBe("docker");
    expect((await chooseEngine([kind("buildah"), kind("docker")])).name).toBe("buildah");
  });

  it("is the one that is wanted, or none", async () => {
    const kinds = [kind("buildah"), kind("docker", "it is away")];
    expect((await chooseEngine(kinds, "buildah")).name).toBe("buildah");
    const fault = await faultOf(chooseEngine(kinds, "docker"));
    expect([fault.code, fault.hint, exitCodeOf(fault)]).toEqual(["engine.unusable", "mend docker", 102]);
  });

  it("without any there is one fault with every reason and every hint", async () => {
    const fault = await faultOf(chooseEngine([kind("buildah", "it is away"), kind("docker", "it is silent")]));
    expect(fault.message).toBe(
      "Cannot apply the extensions' Dockerfiles: no engine works here (buildah: it is away; docker: it is silent)",
    );
    expect(fault.hint).toBe("for buildah, mend buildah; for docker, mend docker");
    expect([fault.code, exitCodeOf(fault)]).toEqual(["engine.none", 102]);
  });
});
