import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { hostPath } from "../../../src/std/path.ts";
import { walkTree } from "../../../src/tar/walk.ts";
import { temporary } from "./archive.ts";

async function walk(root: string, signal?: AbortSignal) {
  const found = [];
  for await (const { path, stats } of walkTree(hostPath(root), signal))
    found.push(stats.isDirectory() ? `${path}/` : path);
  return found;
}

describe("walkTree", () => {
  it("visits a directory before what is in it, names by their bytes", async () => {
    const root = temporary();
    mkdirSync(join(root, "a"));
    for (const name of ["a/z", "a-b", "a.txt", "B", "é", "\u{1f600}", "\uffee"]) writeFileSync(join(root, name), "");
    // In UTF-16 the emoji would come before U+FFEE.
    const names = ["B", "a/", "a/z", "a-b", "a.txt", "é", "\uffee", "\u{1f600}"];
    expect(await walk(root)).toEqual(["/", ...names.map((name) => Buffer.from(name).toString("latin1"))]);
  });

  it("finds names that are not UTF-8", async () => {
    const root = temporary();
    const directory = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(directory);
    writeFileSync(Buffer.concat([directory, Buffer.from("/x")]), "");
    expect(await walk(root)).toEqual(["/", "\u00ff\u00fe/", "\u00ff\u00fe/x"]);
  });

  it("does not follow links, not even from its root", async () => {
    const root = temporary();
    mkdirSync(join(root, "real"));
    writeFileSync(join(root, "real", "file"), "");
    symlinkSync("real", join(root, "link"));
    expect(await walk(root)).toEqual(["/", "link", "real/", "real/file"]);
    expect(await walk(join(root, "link"))).toEqual([""]);
  });

  it("says which path it cannot read", async () => {
    const root = temporary();
    await expect(walk(join(root, "none"))).rejects.toMatchObject({
      code: "tar.read",
      message: `Cannot read ${root}/none: it is not there`,
    });
    if (process.geteuid?.() === 0) return;
    mkdirSync(join(root, "closed"), { mode: 0 });
    await expect(walk(root)).rejects.toMatchObject({ message: `Cannot read ${root}/closed: permission denied` });
    chmodSync(join(root, "closed"), 0o700);
  });

  it("stops when it is told to", async () => {
    const root = temporary();
    for (let i = 0; i < 10; i++) writeFileSync(join(root, String(i)), "");
    const control = new AbortController();
    const visited: string[] = [];
    const run = async () => {
      for await (const { path } of walkTree(hostPath(root), control.signal)) {
        visited.push(path);
        if (visited.length === 3) control.abort(new Error("enough"));
      }
    };
    await expect(run()).rejects.toThrow("enough");
    expect(visited).toHaveLength(3);
  });
});
