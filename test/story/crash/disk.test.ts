import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { build } from "../../../src/build.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { Fault } from "../../../src/std/fault.ts";
import { hostPath } from "../../../src/std/path.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { onFailingDisk, onSmallDisk } from "../../support/disk.ts";
import { checkWhole, preparedHome } from "./home.ts";

/** The fault something ends with, undefined when it succeeds; anything else it may throw is a defect. */
async function faultOf(work: Promise<unknown>): Promise<Fault | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}

const app = parseReference("app:latest");

describe("a disk", { timeout: 600_000 }, () => {
  it("that is full ends a build with a fault, the previous image stands, and the next build succeeds", (test) =>
    onSmallDisk(test, 16 << 20, async (disk) => {
      const { bench, options } = await preparedHome();
      const home = join(disk.path, "home");
      cpSync(bench.home, home, { recursive: true });
      const outcomes = new Set<string>();
      for (const pages of [0, 2, 5, 10, 30, 60, 100, 150, 200, 260, 350, 700]) {
        disk.leave(pages * 4096);
        await using store = openLayout(hostPath(join(home, "store")));
        const before = await checkWhole(await store.read(app));
        const fault = await faultOf(build({ ...options, home }));
        const after = await checkWhole(await store.read(app));
        if (fault) expect(fault.message).toMatch(/no space (is )?left|exit status|ended with|ENOSPC/i);
        expect(after === before).toBe(fault !== undefined);
        expect((await store.verify()).problems).toEqual([]);
        outcomes.add(fault ? "refused" : "built");
        disk.clear();
        await build({ ...options, home });
        expect(readdirSync(join(home, "work"))).toEqual([]);
        await store.prune();
      }
      expect([...outcomes].sort()).toEqual(["built", "refused"]);
    }));

  it("that has lost its end is answered with faults, never with wrong bytes", (test) =>
    onFailingDisk(test, async (disk) => {
      const { bench, options } = await preparedHome();
      const home = join(disk.path, "home");
      cpSync(bench.home, home, { recursive: true });
      let failures = 0;
      for (const megabytes of [40, 12, 9, 6, 5, 4, 3]) {
        disk.fail(megabytes << 20);
        await using store = openLayout(hostPath(join(home, "store")));
        const fault = await faultOf(store.read(app).then(checkWhole));
        if (fault) failures++;
        else await faultOf(build({ ...options, home, clearCache: true }));
      }
      expect(failures).toBeGreaterThan(0);
    }));
});
