import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import * as plinth from "../../src/index.ts";
import { Bench } from "../support/flow.ts";
import { checkout } from "../support/program.ts";

const bench = new Bench();
beforeAll(async () => {
  await bench.runImage("plinth/run");
});

/** The first TypeScript example of the README, as the body of a function that is given the library. */
function example(): string {
  const text = readFileSync(join(checkout, "README.md"), "utf8");
  const code = /```ts\n([\s\S]*?)```/.exec(text)![1]!;
  return code.replace(/^import \{ (.*) \} from "plinth";$/m, "const { $1 } = plinth;");
}

describe("the README's library example", () => {
  it("runs as it stands, but for where the app and the home are", async () => {
    const code = example();
    expect(code.trim().split("\n").filter(Boolean).length).toBeLessThanOrEqual(12);
    const said: unknown[][] = [];
    const log = { log: (...words: unknown[]) => said.push(words) };
    const buildpack = bench.buildpack({ id: "t/readme", build: "exit 0" });
    const here = { home: bench.home };
    const library = {
      build: (options: plinth.BuildOptions) =>
        plinth.build({ ...options, ...here, app: bench.app, buildpacks: [buildpack] }),
      rebase: (options: plinth.RebaseOptions) => plinth.rebase({ ...options, ...here }),
      inspect: (options: plinth.InspectOptions) => plinth.inspect({ ...options, ...here }),
    };
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as new (
      ...words: string[]
    ) => (...values: unknown[]) => Promise<void>;
    const print = vi.spyOn(process.stdout, "write");
    await new AsyncFunction("plinth", "console", code)(library, log);
    expect(print).not.toHaveBeenCalled();
    print.mockRestore();
    expect(said[0]).toEqual(["add", "buildpacksio/lifecycle:launch.sbom", "the previous image has no such layer"]);
    expect(said.at(-2)![0]).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(said.at(-1)![0]).toMatch(/^index\.docker\.io\/plinth\/run@sha256:[0-9a-f]{64}$/);
  });
});
