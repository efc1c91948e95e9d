import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { startRegistry } from "../../test/support/registry.ts";
import { type Result, resultOf, timed } from "../measure.ts";
import { discard, type Ground, makeHome, pack, repeat, touchApp } from "./ground.ts";

/** The ids the reference runs buildpacks under: it refuses root. */
const user = 1000;

/**
 * The reference lifecycle's creator over the same workload, to a registry on this machine. `lifecycle` is its program, with the
 * `launcher` beside it; it takes root to run.
 */
export async function measureReference(ground: Ground, lifecycle: string): Promise<Record<string, Result>> {
  const { runs, say, workload } = ground;
  const refuse = (note?: string): never => {
    throw new Error(note);
  };
  await using registry = await startRegistry({ skip: refuse });
  const home = await makeHome(ground);
  const place = mkdtempSync(join(ground.folder, "reference-"));
  try {
    const base = `${registry.host}/bench/run`;
    await pack(ground, home, ["copy", "bench/run", `docker://${base}`]);
    for (const path of [ground.folder, place]) chmodSync(path, 0o755);
    const buildpacks = join(place, "buildpacks", "bench_copy");
    mkdirSync(buildpacks, { recursive: true });
    symlinkSync(workload.buildpack, join(buildpacks, "1.0.0"));
    mkdirSync(join(place, "platform"));
    mkdirSync(join(place, "sbom"));
    const file = (name: string, text: string) => {
      writeFileSync(join(place, name), text);
      return join(place, name);
    };
    const order = file("order.toml", '[[order]]\n[[order.group]]\nid = "bench/copy"\nversion = "1.0.0"\n');
    const run = file("run.toml", `[[images]]\nimage = "${base}"\n`);
    const create = (image: string, folder: string) => {
      for (const name of ["layers", "cache"]) mkdirSync(join(folder, name), { recursive: true });
      return timed(
        [
          ...[lifecycle, "create", "-log-level", "warn", "-app", workload.app, "-buildpacks", dirname(buildpacks)],
          ...[
            "-layers",
            join(folder, "layers"),
            "-cache-dir",
            join(folder, "cache"),
            "-platform",
            join(place, "platform"),
          ],
          ...["-order", order, "-run", run, "-run-image", base, "-launcher", join(dirname(lifecycle), "launcher")],
          ...["-launcher-sbom", join(place, "sbom"), "-report", join(folder, "report.toml")],
          ...["-uid", String(user), "-gid", String(user), `${registry.host}/bench/${image}`],
        ],
        { env: { CNB_PLATFORM_API: "0.14", TMPDIR: folder } },
      );
    };
    const cold = await repeat(runs, async (at) => {
      say("reference: first build to a registry");
      const folder = mkdtempSync(join(place, "cold-"));
      chmodSync(folder, 0o777);
      try {
        return await create(`cold${at}`, folder);
      } finally {
        discard(ground, folder);
      }
    });
    say("reference: rebuilds");
    const folder = mkdtempSync(join(place, "warm-"));
    chmodSync(folder, 0o777);
    const rebuild = async () => {
      discard(ground, join(folder, "layers"));
      return create("warm", folder);
    };
    await rebuild();
    const warm = await repeat(runs, rebuild);
    const changed = await repeat(runs, (at) => {
      touchApp(ground, `reference ${at}`);
      return rebuild();
    });
    return {
      "first build to a registry (reference)": resultOf(cold),
      "unchanged rebuild (reference)": resultOf(warm),
      "one file changed (reference)": resultOf(changed),
    };
  } finally {
    for (const path of [home, place]) discard(ground, path);
  }
}
