import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** What a back end says about a container on its status descriptor, one JSON object a line. */
export interface Report {
  /** The pid, in our own pid namespace, of the container's first process: killing it kills everything inside. */
  readonly first: Promise<number | undefined>;
  /** Resolves once no child of the first process is anything but the program. */
  readonly begun: Promise<void>;
  /** The exit code in the shell's convention; undefined when the program was never started. */
  readonly code: Promise<number | undefined>;
}

interface Said {
  readonly "child-pid"?: number;
  /** Our own: other programs run before the container's, until `begun`. */
  readonly preparing?: boolean;
  readonly begun?: boolean;
  readonly "exit-code"?: number;
}

function later<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Reads the status descriptor to its end. */
export function readReport(status: Readable): Report {
  const first = later<number | undefined>();
  const begun = later<void>();
  let code: number | undefined;
  status.on("error", () => {});
  const read = async () => {
    for await (const line of createInterface({ input: status })) {
      const said = JSON.parse(line) as Said;
      if (said["child-pid"] !== undefined) first.resolve(said["child-pid"]);
      if (said.begun || (said["child-pid"] !== undefined && !said.preparing)) begun.resolve();
      if (said["exit-code"] !== undefined) code = said["exit-code"];
    }
    first.resolve(undefined);
    begun.resolve();
    return code;
  };
  return { first: first.promise, begun: begun.promise, code: read() };
}
