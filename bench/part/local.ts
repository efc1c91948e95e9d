import { type Result, resultOf, timed } from "../measure.ts";
import { buildWords, discard, forgetBuilds, type Ground, makeHome, pack, repeat, touchApp } from "./ground.ts";

/** The same bytes through tar and sha256sum: what other figures are compared with. */
export async function measureUnit({ workload, runs }: Ground): Promise<Result> {
  const command = `tar -cf - ${workload.parts.map((part) => `'${part.replaceAll("'", "'\\''")}'`).join(" ")} 2>/dev/null | sha256sum`;
  await timed(["sh", "-c", command]);
  return resultOf(await repeat(runs, () => timed(["sh", "-c", command])));
}

/** Builds to the local store and rebases in it, in one kind of sandbox. */
export async function measureLocal(ground: Ground, sandbox: string): Promise<Record<string, Result>> {
  const { runs, say } = ground;
  const home = await makeHome(ground);
  const words = buildWords(ground, "app", ["--run-image", "bench/run", "--sandbox", sandbox]);
  try {
    const cold = await repeat(runs, async () => {
      await forgetBuilds(ground, home);
      say(`${sandbox}: first build`);
      return pack(ground, home, words);
    });
    say(`${sandbox}: rebuilds and rebases`);
    await pack(ground, home, words);
    const unchanged = await repeat(runs, () => pack(ground, home, words));
    const changed = await repeat(runs, (at) => {
      touchApp(ground, `${sandbox} ${at}`);
      return pack(ground, home, words);
    });
    const rebased = await repeat(runs, (at) =>
      pack(ground, home, ["rebase", "app", "--run-image", at % 2 ? "bench/run" : "bench/next", "--force", "--json"]),
    );
    return {
      [`first build to the local store (${sandbox})`]: resultOf(cold),
      [`unchanged rebuild (${sandbox})`]: resultOf(unchanged),
      [`one file changed (${sandbox})`]: resultOf(changed),
      [`rebase in the local store (${sandbox})`]: resultOf(rebased),
    };
  } finally {
    discard(ground, home);
  }
}
