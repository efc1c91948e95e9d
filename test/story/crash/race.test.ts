import { describe, expect, it, type TestContext } from "vitest";
import { build } from "../../../src/build.ts";
import { pruneStore } from "../../../src/image-list.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { rebase } from "../../../src/rebase.ts";
import { openRegistry } from "../../../src/store/registry.ts";
import { startRegistry } from "../../support/registry.ts";
import { checkHome, checkWhole, preparedHome, shapeOfHome } from "./home.ts";
import { startWork, type Work } from "./process.ts";

/** Does several pieces of work at once, each in a process of its own that begins when all have loaded; all must succeed. */
async function atOnce(works: readonly Work[]): Promise<void> {
  const started = works.map(startWork);
  const ends = await Promise.all(started.map(({ ended }) => ended));
  expect(ends.map((isDone, at) => isDone || started[at]!.errors())).toEqual(works.map(() => true));
}

const rounds = Number(process.env["PLINTH_RACE_ROUNDS"] ?? 1);

describe("two at once", { timeout: 3_600_000 }, () => {
  it("builds of one image: both succeed, one of them stands, whole", async () => {
    const { bench, options } = await preparedHome();
    const clean = shapeOfHome(bench);
    const before = await checkHome(bench);
    for (let round = 0; round < rounds; round++) {
      await atOnce([
        { kind: "build", options },
        { kind: "build", options },
      ]);
      expect(await checkHome(bench)).not.toBe(before);
      expect(shapeOfHome(bench)).toEqual(clean);
    }
    // What the loser has kept is not taken for what the winner made.
    const { imageId } = await build(options);
    expect(await checkHome(bench)).toBe(imageId);
  });

  it("a build and prunes: the build succeeds and every layer of it stands", async () => {
    const { bench, options } = await preparedHome();
    const home = bench.home;
    for (let round = 0; round < rounds; round++) {
      const before = await checkHome(bench);
      await atOnce([{ kind: "build", options }, ...[1, 2, 3].map((): Work => ({ kind: "prune", options: { home } }))]);
      expect(await checkHome(bench)).not.toBe(before);
    }
    await pruneStore({ home });
    await checkHome(bench);
    expect(await pruneStore({ home })).toMatchObject({ blobs: 0 });
  });

  it("a rebase, a prune and pushes: both names lead to whole images, to the old one or the new", async (test: TestContext) => {
    const { bench } = await preparedHome();
    await using registry = await startRegistry(test);
    const home = bench.home;
    const onto = (runImage: string) => ({ image: "app", home, runImage, force: true });
    const ids = [(await rebase(onto("run2"))).imageId, (await rebase(onto("run"))).imageId];
    const push = { from: "app", to: `docker://${registry.host}/app:v1`, home };
    for (let round = 0; round < rounds; round++) {
      await atOnce([
        { kind: "rebase", options: onto(round % 2 === 0 ? "run2" : "run") },
        { kind: "copy", options: push },
        { kind: "copy", options: push },
        { kind: "prune", options: { home } },
      ]);
      expect(await checkHome(bench)).toBe(ids[round % 2]);
      await using images = openRegistry();
      expect(ids).toContain(await checkWhole(await images.read(parseReference(`${registry.host}/app:v1`))));
    }
  });
});
