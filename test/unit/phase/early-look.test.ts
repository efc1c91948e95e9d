import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { beginLooks } from "../../../src/phase/kept/layers.ts";
import { hostPath } from "../../../src/std/path.ts";
import { Listers } from "../../../src/tar/list-thread.ts";
import { temporary } from "../tar/archive.ts";

it("looks that a build begins and then does not wait for end without a word", async () => {
  const root = temporary();
  for (const layer of ["layer-a", "layer-b", "layer-c"]) {
    const tree = join(root, layer, "tree");
    mkdirSync(tree, { recursive: true });
    for (let at = 0; at < 2000; at += 1) writeFileSync(join(tree, `f${at}`), "");
  }
  const listers = new Listers();
  const looks = await beginLooks(listers.list, hostPath(root));
  await listers[Symbol.asyncDispose]();
  expect(looks.size).toBe(3);
  expect(await Promise.all(looks.values())).toContain(undefined);
});
