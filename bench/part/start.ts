import { type Result, resultOf, timed } from "../measure.ts";
import { type Ground, repeat } from "./ground.ts";

/** What it takes to say the version and to help, beside a Node that does nothing. */
export async function measureStart({ program, runs, say }: Ground): Promise<Record<string, Result>> {
  say("start-up");
  const results: Record<string, Result> = {};
  for (const [work, words] of [
    ["node -e 0", ["-e", "0"]],
    ["pack --version", [program, "--version"]],
    ["pack --help", [program, "--help"]],
  ] as const)
    results[work] = resultOf(
      (await repeat(runs * 3, () => timed([process.execPath, ...words]))).map((run) => ({ ...run, output: "" })),
    );
  return results;
}
