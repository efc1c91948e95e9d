import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { moveTree, Slots } from "../../../src/phase/kept/slot.ts";
import { type HostPath, under } from "../../../src/std/path.ts";
import { testFolder } from "./folder.ts";

const root = testFolder();
let count = 0;
let waiting: HostPath;
let aside: HostPath;
let slots: Slots;

beforeEach(() => {
  count += 1;
  waiting = under(root, `waiting-${count}`);
  aside = under(root, `aside-${count}`);
  mkdirSync(aside);
  slots = new Slots(waiting, aside);
});

function folder(text: string): HostPath {
  const path = slots.fresh();
  mkdirSync(path);
  writeFileSync(under(path, "text"), text);
  return path;
}

const read = (path: HostPath | undefined) => path && readFileSync(under(path, "text"), "utf8");

describe("slots", () => {
  it("give what was left, once", async () => {
    expect(await slots.take("a")).toBeUndefined();
    expect(await slots.give("a", folder("one"))).toBe(true);
    expect(read(await slots.take("a"))).toBe("one");
    expect(await slots.take("a")).toBeUndefined();
  });

  it("give the last of two, and to one of many", async () => {
    await slots.give("a", folder("one"));
    await slots.give("a", folder("two"));
    const taken = await Promise.all(Array.from({ length: 8 }, () => slots.take("a")));
    expect(taken.flatMap((path) => read(path) ?? [])).toEqual(["two"]);
  });

  it("survive many who leave at once", async () => {
    const given = await Promise.all(Array.from({ length: 8 }, (_, at) => slots.give("a", folder(`${at}`))));
    expect(given).toContain(true);
    expect(read(await slots.take("a"))).toMatch(/^\d$/);
  });

  it("retain what is wanted", async () => {
    for (const name of ["layer-a", "layer-b", "app"]) await slots.give(name, folder(name));
    await slots.retain("layer-", new Set(["layer-b"]));
    expect(await slots.take("layer-a")).toBeUndefined();
    expect(read(await slots.take("layer-b"))).toBe("layer-b");
    expect(read(await slots.take("app"))).toBe("app");
  });

  it("are not for others to read", async () => {
    await slots.give("a", folder("one"));
    expect(lstatSync(waiting).mode & 0o077).toBe(0);
  });

  it("keep nothing without a place, or where the system refuses", async () => {
    const none = new Slots(undefined, aside);
    expect(await none.give("a", folder("one"))).toBe(false);
    expect(await none.take("a")).toBeUndefined();
    await none.retain("", new Set());
    writeFileSync(waiting, "a file stands there");
    expect(await slots.give("a", folder("one"))).toBe(false);
    expect(await slots.take("a")).toBeUndefined();
  });
});

describe("moveTree", () => {
  it("moves a directory that nobody may write, with its mode", async () => {
    const from = folder("one");
    chmodSync(from, 0o555);
    mkdirSync(under(root, `home-${count}`));
    const to = under(root, `home-${count}`, "moved");
    await moveTree(from, to);
    expect(existsSync(from)).toBe(false);
    expect(lstatSync(to).mode & 0o7777).toBe(0o555);
    expect(read(to)).toBe("one");
  });

  it("leaves the directory as it was when it cannot be moved", async () => {
    const from = folder("one");
    chmodSync(from, 0o555);
    await expect(moveTree(from, under(root, "nowhere", "moved"))).rejects.toThrow();
    expect(lstatSync(from).mode & 0o7777).toBe(0o555);
  });
});
