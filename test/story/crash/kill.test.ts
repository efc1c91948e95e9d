import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { build } from "../../../src/build.ts";
import { pruneStore } from "../../../src/image-list.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { rebase } from "../../../src/rebase.ts";
import { openRegistry } from "../../../src/store/registry.ts";
import { copy } from "../../../src/transfer.ts";
import { startRegistry } from "../../support/registry.ts";
import { checkHome, checkWhole, preparedHome, shapeOfHome } from "./home.ts";
import { age, killedAfter, type Work } from "./process.ts";

/** Milliseconds between one kill and the next; PLINTH_KILL_STEP=50 takes all the time it needs. */
const step = Number(process.env["PLINTH_KILL_STEP"] ?? 200);
/** No work of these tests takes longer, but a busy machine may. */
const mostKills = Number(process.env["PLINTH_KILL_STEP"] ? 200 : 5);

/** Kills work later and later, until once it is done; `check` looks after each kill, and the rest of the life is lived. */
async function killAll(work: Work, check: () => Promise<void>): Promise<number> {
  for (let kills = 0; kills < mostKills; kills++) {
    if (await killedAfter(work, kills * step)) return kills;
    await check();
  }
  return mostKills;
}

describe("kill -9 at any moment", { timeout: 3_600_000 }, () => {
  it("of a build: the previous image or the new one stands, the next build succeeds, and nothing stays behind", async () => {
    const { bench, options } = await preparedHome();
    const clean = shapeOfHome(bench);
    let before = await checkHome(bench);
    const kills = await killAll({ kind: "build", options }, async () => {
      await checkHome(bench);
      age(bench.home);
      const { imageId } = await build(options);
      expect(imageId).not.toBe(before);
      before = await checkHome(bench);
      expect(before).toBe(imageId);
      expect(shapeOfHome(bench)).toEqual(clean);
      expect(readdirSync(join(bench.home, "work"))).toEqual([]);
    });
    expect(kills).toBeGreaterThan(0);
    await pruneStore({ home: bench.home });
    expect(await checkHome(bench)).toBeDefined();
  });

  it("of a rebase: the image stands on one of the two bases, whole, and the next rebase succeeds", async () => {
    const { bench } = await preparedHome();
    const clean = shapeOfHome(bench);
    const onto = (runImage: string) => ({ image: "app", home: bench.home, runImage, force: true });
    const on = async (runImage: string) => (await rebase(onto(runImage))).imageId;
    const ids = [await on("run2"), await on("run")];
    const kills = await killAll({ kind: "rebase", options: onto("run2") }, async () => {
      expect(ids).toContain(await checkHome(bench));
      age(bench.home);
      expect(await on("run2")).toBe(ids[0]);
      expect(await on("run")).toBe(ids[1]);
      expect(shapeOfHome(bench)).toEqual(clean);
    });
    expect(kills).toBeGreaterThan(0);
  });

  it("of a prune: every image stands, and the next prune does the rest", async () => {
    const { bench, options } = await preparedHome();
    const clean = shapeOfHome(bench);
    const home = bench.home;
    const kills = await killAll({ kind: "prune", options: { home } }, async () => {
      await checkHome(bench);
      age(home);
      await pruneStore({ home });
      expect(await pruneStore({ home })).toMatchObject({ blobs: 0 });
      await checkHome(bench);
      expect(shapeOfHome(bench)).toEqual(clean);
      // Something to do for the next one.
      await build(options);
    });
    expect(kills).toBeGreaterThan(0);
  });

  it("of a push: the tag leads to a whole image or to none, and the next push succeeds", async (test: TestContext) => {
    const { bench, options } = await preparedHome();
    await using registry = await startRegistry(test);
    const name = parseReference(`${registry.host}/app:v1`);
    const push = { from: "app", to: `docker://${registry.host}/app:v1`, home: bench.home };
    const inRegistry = async () => {
      await using images = openRegistry();
      const stored = await images.read(name);
      return stored && (await checkWhole(stored));
    };
    const pushed = new Set<string | undefined>([undefined]);
    const kills = await killAll({ kind: "copy", options: push }, async () => {
      pushed.add(await checkHome(bench));
      expect(pushed).toContain(await inRegistry());
      age(bench.home);
      const { imageId } = await copy(push);
      expect(await inRegistry()).toBe(imageId);
      expect(shapeOfHome(bench).filter((path) => /lease|lock|tmp/.test(path))).toEqual([]);
      await build(options);
    });
    expect(kills).toBeGreaterThan(0);
  });
});
