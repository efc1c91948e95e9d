/** The phases of a build and of a rebase, by the specification's names. */
export type Phase = "analyze" | "detect" | "generate" | "restore" | "extend" | "build" | "export" | "cache" | "rebase";

/** How much a line matters; a renderer drops what is below its own level. */
export type Level = "debug" | "info" | "warn" | "error";

/** Everything the library has to say while it works. */
export type Event =
  /** A phase begins or ended; `ms` is how long it took. */
  | { readonly type: "phase"; readonly phase: Phase; readonly state: "start" }
  | { readonly type: "phase"; readonly phase: Phase; readonly state: "end"; readonly ms: number }
  /** One line for a person, in the words of the reference lifecycle where it has some. */
  | { readonly type: "log"; readonly level: Level; readonly text: string }
  /** What a buildpack wrote, as it came; `text` may hold part of a line or many. */
  | { readonly type: "output"; readonly phase: Phase; readonly buildpack: string; readonly text: string }
  /** What became of one layer; `size` is the tar's length in bytes. */
  | {
      readonly type: "layer";
      readonly id: string;
      readonly action: "add" | "reuse" | "cache" | "restore";
      readonly diffId: string;
      readonly size?: number;
      readonly reason?: string;
    }
  /** Work whose end is in sight: `done` of `total` (when known) in `unit`. */
  | {
      readonly type: "progress";
      readonly task: string;
      readonly done: number;
      readonly total?: number;
      readonly unit: "byte" | "item";
    }
  /** An image now stands under these names. */
  | { readonly type: "image"; readonly names: readonly string[]; readonly imageId?: string; readonly digest: string };

/** Takes an event; never throws, never waits. */
export type Emit = (event: Event) => void;

/** Lines for a person, by level. */
export function logTo(emit: Emit) {
  const at = (level: Level) => (text: string) => emit({ type: "log", level, text });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** Runs `work` between the start and the end event of a phase. */
export async function inPhase<T>(emit: Emit, phase: Phase, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  emit({ type: "phase", phase, state: "start" });
  const result = await work();
  emit({ type: "phase", phase, state: "end", ms: performance.now() - start });
  return result;
}
