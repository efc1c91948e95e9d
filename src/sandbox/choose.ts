import { Fault } from "../std/fault.ts";
import type { Need, Refusal, SandboxKind } from "./contract.ts";

/** The kind of sandbox to use, and one line about it for a person. */
export interface Choice {
  readonly kind: SandboxKind;
  readonly explanation: string;
}

type Refused = { readonly kind: SandboxKind; readonly probe: Refusal };

function explain(kind: SandboxKind, detail: string, refused: readonly Refused[]): string {
  const passed = refused.map(({ kind: { name }, probe }) => `; not ${name}: ${probe.because} (${probe.hint})`);
  return `${kind.name} (${detail})${passed.join("")}`;
}

/** The fault of a kind that does not work here. */
export function unusable(name: string, { because, hint }: Refusal): Fault {
  return new Fault("sandbox.unusable", `Cannot use sandbox ${name}: ${because}`, { hint });
}

async function take(kind: SandboxKind, need: Need): Promise<Choice> {
  const probe = kind.refuses(need) ?? (await kind.probe());
  if (!probe.usable) throw unusable(kind.name, probe);
  return { kind, explanation: explain(kind, probe.detail, []) };
}

/** What most builds need: this machine's programs, its network, no limits. */
const usual: Need = { root: "machine", network: "host", limited: false };

/**
 * The first of `kinds` that serves the need and works here, or the one `wanted` by name. Throws Fault `sandbox.unknown` or `sandbox.unusable` for a
 * wanted one, and `sandbox.none` with every kind's reason when none works.
 */
export async function chooseSandbox(
  kinds: readonly SandboxKind[],
  wanted?: string,
  need: Need = usual,
): Promise<Choice> {
  if (wanted !== undefined) {
    const kind = kinds.find(({ name }) => name === wanted);
    if (kind !== undefined) return take(kind, need);
    throw new Fault("sandbox.unknown", `Cannot use sandbox ${wanted}: there is none of this name`, {
      exit: "usage",
      hint: `choose one of ${kinds.map(({ name }) => name).join(", ")}`,
    });
  }
  const refused: Refused[] = [];
  const unfit: Refused[] = [];
  for (const kind of kinds) {
    const misfit = kind.refuses(need);
    if (misfit !== undefined) {
      unfit.push({ kind, probe: misfit });
      continue;
    }
    const probe = await kind.probe();
    if (probe.usable) return { kind, explanation: explain(kind, probe.detail, refused) };
    refused.push({ kind, probe });
  }
  const all = [...refused, ...unfit];
  const reasons = all.map(({ kind, probe }) => `${kind.name}: ${probe.because}`).join("; ");
  throw new Fault("sandbox.none", `Cannot run buildpacks: no sandbox works here (${reasons})`, {
    hint: all.map(({ kind, probe }) => `for ${kind.name}, ${probe.hint}`).join("; "),
  });
}
