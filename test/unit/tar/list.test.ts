import { linkSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { hostPath } from "../../../src/std/path.ts";
import { type Listed, type Lister, listHere, visitList } from "../../../src/tar/list.ts";
import { Listers } from "../../../src/tar/list-thread.ts";
import { walkTree } from "../../../src/tar/walk.ts";
import { temporary } from "./archive.ts";

const listers = new Listers();
afterAll(() => listers[Symbol.asyncDispose]());

/** A tree with names of all kinds; `more` files make it one for a thread. */
function treeOf(more: number): string {
  const root = temporary();
  mkdirSync(join(root, "a/b"), { recursive: true });
  mkdirSync(join(root, ".git"));
  for (const name of ["a/b/z", "a-b", "a.txt", "é", "\u{1f600}", ".git/index"]) writeFileSync(join(root, name), name);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x0a])]), "");
  symlinkSync("a", join(root, "link"));
  symlinkSync("é/nowhere", join(root, "a/link"));
  linkSync(join(root, "a.txt"), join(root, "a/same"));
  for (let at = 0; at < more; at += 1) writeFileSync(join(root, `a/b/f${at}`), "x".repeat(at % 7));
  return root;
}

async function entriesOf(list: Lister, root: string, without?: string): Promise<Listed[]> {
  const entries: Listed[] = [];
  visitList(await list(hostPath(root), { without }), (entry) => entries.push({ ...entry }));
  return entries;
}

const columns = ["mode", "size", "mtimeMs", "ctimeMs", "ino", "uid", "gid", "dev", "nlink", "rdev"] as const;

describe.each([
  ["a small tree", 0],
  ["a tree for a thread", 2000],
] as const)("a list of %s", (_, more) => {
  it("says of everything what lstat does, in the order of a walk", async () => {
    const root = treeOf(more);
    const entries = await entriesOf(listers.list, root);
    expect(entries).toEqual(await entriesOf(listHere, root));
    const walked = [];
    for await (const { path, stats } of walkTree(hostPath(root)))
      walked.push({ path, ...Object.fromEntries(columns.map((name) => [name, stats[name]])) });
    expect(entries.map(({ target, ...rest }) => rest)).toEqual(walked);
    expect(entries.filter(({ target }) => target !== undefined).map(({ path, target }) => [path, target])).toEqual([
      ["a/link", Buffer.from("é/nowhere").toString("latin1")],
      ["link", "a"],
    ]);
  });

  it("leaves out one name at the top, and no other", async () => {
    const root = treeOf(more);
    mkdirSync(join(root, "a/.git"));
    const paths = (await entriesOf(listers.list, root, ".git")).map(({ path }) => path);
    expect(paths.filter((path) => path.includes(".git"))).toEqual(["a/.git"]);
  });

  it("gives up when it is told to", async () => {
    const root = hostPath(treeOf(more));
    await expect(listers.list(root, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
    const control = new AbortController();
    const listing = listers.list(root, { signal: control.signal });
    control.abort(new Error("enough"));
    if (more > 0) await expect(listing).rejects.toThrow("enough");
    else expect((await listing).paths).not.toBe("");
  });
});

describe("a list", () => {
  it("says what it cannot read", async () => {
    const root = temporary();
    const none = { code: "tar.read", message: `Cannot read ${root}/none: it is not there` };
    await expect(listers.list(hostPath(join(root, "none")))).rejects.toMatchObject(none);
    await expect(listHere(hostPath(join(root, "none")))).rejects.toMatchObject(none);
  });

  it("of a tree that vanishes in a thread is a fault, and the thread goes on", async () => {
    const root = treeOf(1000);
    // Both threads have something to do, and get the third tree only in another turn of ours.
    const others = [treeOf(300), treeOf(300)].map((tree) => listers.list(hostPath(tree)));
    const listing = listers.list(hostPath(root));
    rmSync(root, { recursive: true });
    await expect(listing).rejects.toMatchObject({ code: "tar.read" });
    await Promise.all(others);
    const other = treeOf(1000);
    const [entry] = await entriesOf(listers.list, other);
    expect(entry?.ino).toBe(lstatSync(other).ino);
  });

  it.skipIf(process.platform !== "linux")(
    "comes after its threads had nothing to do for so long that they ended",
    async () => {
      await using rested = new Listers();
      const threads = () => readdirSync("/proc/self/task").length;
      await rested.list(hostPath(treeOf(300)));
      const before = threads();
      for (let waited = 0; waited < 5000 && threads() >= before; waited += 50) await sleep(50);
      expect(threads()).toBeLessThan(before);
      expect(await entriesOf(rested.list, treeOf(300))).toHaveLength(314);
    },
  );

  it("of more trees than there are threads comes all the same", async () => {
    const roots = [300, 400, 500, 600, 700].map(treeOf);
    const lists = await Promise.all(roots.map((root) => entriesOf(listers.list, root)));
    expect(lists.map(({ length }) => length)).toEqual([314, 414, 514, 614, 714]);
  });

  it("of one file is that file", async () => {
    const root = temporary();
    writeFileSync(join(root, "file"), "four");
    expect((await entriesOf(listHere, join(root, "file"))).map(({ path, size }) => [path, size])).toEqual([["", 4]]);
  });
});
