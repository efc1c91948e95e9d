import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** What a back end says about a container on its status descriptor, one JSON object a line. */
export interface Report {
  /** The pid, in our own pid namespace, of the container's first process: killing it kills everything inside. */
  readonly first: Promise<number | undefined>;
  /** The exit code in the shell's convention; undefined when the program was never started. */
  readonly code: Promise<number | undefined>;
}

/** Reads the status descriptor to its end. */
export function readReport(status: Readable): Report {
  let first: (pid: number | undefined) => void = () => {};
  const begun = new Promise<number | undefined>((resolve) => {
    first = resolve;
  });
  let code: number | undefined;
  status.on("error", () => {});
  const ended = (async () => {
    for await (const line of createInterface({ input: status })) {
      const said = JSON.parse(line) as { "child-pid"?: number; "exit-code"?: number };
      if (said["child-pid"] !== undefined) first(said["child-pid"]);
      if (said["exit-code"] !== undefined) code = said["exit-code"];
    }
    first(undefined);
    return code;
  })();
  return { first: begun, code: ended };
}
