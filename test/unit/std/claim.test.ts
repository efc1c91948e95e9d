import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimDirectory } from "../../../src/std/claim.ts";
import { type HostPath, hostPath } from "../../../src/std/path.ts";
import { goneOf, isAlive, readProcess, send } from "../../../src/std/process.ts";
import { removeTree } from "../../../src/std/remove.ts";

let base: HostPath;
beforeEach(() => {
  base = hostPath(mkdtempSync(join(tmpdir(), "claim-test-")));
});
afterEach(() => removeTree(base));

describe("a process", () => {
  it("is seen while it lives, and not mistaken for a later one", async () => {
    const own = readProcess(process.pid);
    expect(own?.pid).toBe(process.pid);
    expect(isAlive(own!)).toBe(true);
    expect(isAlive({ pid: process.pid, start: "1" })).toBe(false);
    expect(readProcess(2 ** 30)).toBeUndefined();
  });

  it("is waited for until it is gone", async () => {
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    await once(child, "spawn");
    const seen = readProcess(child.pid!);
    const gone = goneOf(seen!);
    send(child.pid!, "SIGKILL");
    await gone;
    expect(isAlive(seen!)).toBe(false);
    send(child.pid!, "SIGKILL");
  });
});

describe("a directory of our own", () => {
  it("is fresh, and left alone while we live", async () => {
    const parent = hostPath(join(base, "not/there/yet"));
    const [first, second] = [await claimDirectory(parent, "job-"), await claimDirectory(parent, "job-")];
    expect(first).not.toBe(second);
    expect(readdirSync(parent)).toHaveLength(2);
  });

  it("is removed once its process is gone, others are not", async () => {
    const mine = await claimDirectory(base, "job-");
    for (const [name, owner] of [
      ["job-dead", `${process.pid} 1`],
      ["job-unclear", "hello"],
      ["other-dead", `${process.pid} 1`],
    ] as const) {
      mkdirSync(join(base, name, "closed"), { recursive: true });
      writeFileSync(join(base, name, "owner"), owner);
      writeFileSync(join(base, name, "closed/file"), "");
      chmodSync(join(base, name, "closed"), 0o000);
    }
    mkdirSync(join(base, "job-unmarked"));
    await claimDirectory(base, "job-");
    expect(existsSync(mine)).toBe(true);
    expect(readdirSync(base).filter((name) => /dead|un/.test(name))).toEqual([
      "job-unclear",
      "job-unmarked",
      "other-dead",
    ]);
    expect(readFileSync(join(mine, "owner"), "utf8")).toMatch(/^\d+ \d+$/);
  });
});

describe("removing a tree", () => {
  it("opens what is closed on the way", async () => {
    for (const name of ["a/b/c", "a/d", "e"]) {
      mkdirSync(join(base, "tree", name), { recursive: true });
      for (let at = 0; at < 20; at += 1) writeFileSync(join(base, "tree", name, `f${at}`), "", { mode: 0 });
    }
    for (const name of ["a/b/c", "a/b", "e", "a"]) chmodSync(join(base, "tree", name), 0o000);
    await removeTree(join(base, "tree"));
    expect(readdirSync(base)).toEqual([]);
  });

  it("does nothing when it is not there", async () => {
    await expect(removeTree(join(base, "none"))).resolves.toBeUndefined();
  });
});
