import type { Refusal } from "../sandbox/contract.ts";
import { Fault } from "../std/fault.ts";
import type { EngineKind } from "./contract.ts";

function unusable(name: string, { because, hint }: Refusal): Fault {
  return new Fault("engine.unusable", `Cannot apply Dockerfiles with ${name}: ${because}`, { hint, exit: "extend" });
}

/**
 * The first of `kinds` that works here, or the one `wanted` by name. Throws Fault `engine.unusable` for a wanted one, and `engine.none` with every
 * kind's reason when none works (exit 102).
 */
export async function chooseEngine(kinds: readonly EngineKind[], wanted?: string): Promise<EngineKind> {
  const refused: { readonly kind: EngineKind; readonly probe: Refusal }[] = [];
  for (const kind of kinds) {
    if (wanted !== undefined && kind.name !== wanted) continue;
    const probe = await kind.probe();
    if (probe.usable) return kind;
    if (wanted !== undefined) throw unusable(kind.name, probe);
    refused.push({ kind, probe });
  }
  const reasons = refused.map(({ kind, probe }) => `${kind.name}: ${probe.because}`).join("; ");
  throw new Fault("engine.none", `Cannot apply the extensions' Dockerfiles: no engine works here (${reasons})`, {
    exit: "extend",
    hint: refused.map(({ kind, probe }) => `for ${kind.name}, ${probe.hint}`).join("; "),
  });
}
