import type { Exit, Output } from "../sandbox/contract.ts";
import { Fault } from "../std/fault.ts";

/** Why a program did not end well, in a few words; undefined when it did. */
export function endOf(exit: Exit): string | undefined {
  if (exit.kind === "killed") return `it was ended by ${exit.signal}`;
  if (exit.kind === "unstartable") return exit.because;
  return exit.code === 0 ? undefined : `exit status ${exit.code}`;
}

/** The fault of a Dockerfile whose instruction failed. */
export function failedStep(found: string): Fault {
  return new Fault("engine.step", `Cannot apply Dockerfile: ${found}`, {
    exit: "extend",
    hint: "the output above says why",
  });
}

/** Takes output, hands it on, and remembers its last line that is not empty. */
export function lastLines(output: Output = () => {}): { readonly take: Output; text(): string } {
  let kept = "";
  const decoder = new TextDecoder();
  return {
    take: (chunk) => {
      kept = (kept + decoder.decode(chunk, { stream: true })).slice(-4096);
      output(chunk);
    },
    text: () => kept.trim().split("\n").at(-1)?.trim() ?? "",
  };
}
