import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseRegistryId } from "../../src/cnb/registry-index.ts";
import { type BuildpackRegistry, findInRegistry, registryNamed } from "../../src/source/registry.ts";
import type { Event } from "../../src/std/event.ts";
import { hostPath } from "../../src/std/path.ts";
import { faultOf } from "../support/fault.ts";
import { isInstalled } from "../support/peer.ts";

const isThere = isInstalled("git") || process.env["CI"] === "true";
if (!isThere) console.log("skipped: git is not installed");

const digest = `sha256:${"0a".repeat(32)}`;
const line = (version: string) =>
  `${JSON.stringify({ ns: "acme", name: "ruby", version, yanked: false, addr: `docker.io/acme/ruby@${digest}` })}\n`;
const ruby = parseRegistryId("urn:cnb:registry:acme/ruby");
const env = {
  ...process.env,
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@b",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@b",
};

let folder: string;
let bare: string;
let events: Event[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-"));
  bare = join(folder, "index.git");
  events = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const git = (cwd: string, ...args: string[]) => execFileSync("git", args, { cwd, env, stdio: "pipe" });
const work = () => join(folder, "work");

function put(path: string, text: string): void {
  mkdirSync(dirname(join(work(), path)), { recursive: true });
  writeFileSync(join(work(), path), text);
}

function push(): void {
  git(work(), "add", "-A");
  git(work(), "commit", "-qm", "more");
  git(work(), "push", "-q", "origin", "HEAD:main");
}

function makeIndex(text = line("1.0.0")): void {
  git(folder, "init", "-q", "--bare", "-b", "main", bare);
  git(folder, "init", "-q", "-b", "main", work());
  git(work(), "remote", "add", "origin", bare);
  put("ru/by/acme_ruby", text);
  push();
}

const find = (registry: BuildpackRegistry, offline = false) =>
  findInRegistry(ruby, registry, {
    home: hostPath(join(folder, "home")),
    offline,
    emit: (event) => events.push(event),
  });
const registry = (): BuildpackRegistry => ({ name: "acme", url: `file://${bare}` });

describe.runIf(isThere)("the index as a git repository", () => {
  it("REG-002 is cloned once, brought up to date, and read without a network", async () => {
    makeIndex();
    expect((await find(registry())).version).toBe("1.0.0");
    put("ru/by/acme_ruby", line("1.0.0") + line("1.1.0"));
    push();
    expect((await find(registry(), true)).version).toBe("1.0.0");
    expect((await find(registry())).version).toBe("1.1.0");
    rmSync(bare, { recursive: true });
    expect((await find(registry(), true)).version).toBe("1.1.0");
    expect((await find(registry())).version).toBe("1.1.0");
    expect(events.filter((event) => event.type === "log" && event.level === "warn")).toHaveLength(1);
    const clones = readdirSync(join(folder, "home")).filter((name) => name.startsWith("registry-"));
    expect(clones).toEqual([expect.stringMatching(/^registry-[0-9a-f]{64}$/)]);
  });

  it("REG-002 a directory that holds the index is read where it is", async () => {
    makeIndex();
    expect((await find({ name: "near", url: work() })).address).toBe(`docker.io/acme/ruby@${digest}`);
    expect(readdirSync(folder)).not.toContain("home");
  });

  it("a link in a stranger's index leads nowhere", async () => {
    makeIndex();
    writeFileSync(join(folder, "secret"), line("9.9.9"));
    rmSync(join(work(), "ru/by/acme_ruby"));
    symlinkSync(join(folder, "secret"), join(work(), "ru/by/acme_ruby"));
    await expect(find({ name: "near", url: work() })).rejects.toMatchObject({ code: "registry.missing" });
    push();
    await expect(find(registry())).rejects.toMatchObject({ code: "json.parse" });
  });

  it("what it does not list, what was never fetched and what is no repository are faults", async () => {
    makeIndex();
    await expect(find(registry(), true)).rejects.toMatchObject({ code: "registry.offline" });
    await expect(find({ name: "x", url: `file://${folder}/nothing` })).rejects.toMatchObject({ code: "registry.git" });
    const other = parseRegistryId("acme/go");
    const access = { home: hostPath(join(folder, "home")), emit: () => {} };
    await expect(findInRegistry(other, registry(), access)).rejects.toMatchObject({ code: "registry.missing" });
    expect(readdirSync(join(folder, "home")).filter((name) => name.startsWith("registry-clone"))).toEqual([]);
  });

  it("is chosen by name", () => {
    const mine = { name: "mine", url: "/x" };
    expect(registryNamed([mine], undefined, undefined).name).toBe("official");
    expect(registryNamed([mine], undefined, "mine")).toBe(mine);
    expect(registryNamed([{ name: "official", url: "/near" }], "official", undefined).url).toBe("/near");
    expect(faultOf(() => registryNamed([mine], "other", undefined)).hint).toContain("mine, official");
  });
});
