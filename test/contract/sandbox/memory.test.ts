import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { Backend } from "../../../src/sandbox/container.ts";
import { Memory } from "../../../src/sandbox/memory.ts";
import { namespaceOver } from "../../../src/sandbox/namespace.ts";
import { guestPath, hostPath } from "../../../src/std/path.ts";

const root = mkdtempSync(join(tmpdir(), "memory-test-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;
let file = hostPath(root);
beforeEach(() => {
  count += 1;
  file = hostPath(join(root, `home-${count}`, "sandbox.json"));
});

/** A back end that counts how often a container was to be made with it; the program that is to make them does what the test says. */
function backendOf(program: readonly string[]): { backend: Backend; made(): number } {
  let made = 0;
  const backend: Backend = {
    name: "stub",
    prepare: async () => () => {
      made += 1;
      return { argv: program, input: "" };
    },
  };
  return { backend, made: () => made };
}

// It reports what a container's first process would: that its program was begun, and how it ended.
const works = ["sh", "-c", `echo '{"child-pid":'$$'}' >&4; echo '{"exit-code":0}' >&4`];
const fails = ["sh", "-c", "echo no namespaces for you; exit 1"];
const job = { argv: ["true"], cwd: guestPath("/"), env: { PATH: "/usr/bin:/bin" } } as const;
const surroundings = {
  root: { kind: "machine" },
  mounts: [],
  user: { uid: 1000, gid: 1000 },
  network: "host",
} as const;

describe("what was found by trying", () => {
  it("is known to the next process, and to none under other circumstances", async () => {
    expect(await new Memory(file).recall("a")).toBe(undefined);
    await new Memory(file).keep("a", "1");
    await new Memory(file).keep("b", "2");
    expect([await new Memory(file).recall("a"), await new Memory(file).recall("b")]).toEqual(["1", "2"]);
    const text = readFileSync(file, "utf8");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    for (const other of [text.replace(boot, "another boot"), text.replace(/Cap\w+:/, "Cap:"), text.slice(1), "null"]) {
      expect(other).not.toBe(text);
      writeFileSync(file, other);
      expect(await new Memory(file).recall("a")).toBe(undefined);
    }
    writeFileSync(file, text);
    expect(await new Memory(file).recall("a")).toBe("1");
    await new Memory(file).forget();
    expect([existsSync(file), await new Memory(file).recall("a")]).toEqual([false, undefined]);
  });

  it("is found again where it cannot be kept", async () => {
    writeFileSync(join(root, "no-folder"), "");
    const memory = new Memory(hostPath(join(root, "no-folder", "sandbox.json")));
    await memory.keep("a", "1");
    await memory.forget();
  });

  it("spares the next process the trying, and only what works is kept", async () => {
    const [bad, good] = [backendOf(fails), backendOf(works)];
    const kind = () => {
      const made = namespaceOver([bad.backend, good.backend]);
      made.remember(file);
      return made;
    };
    expect((await kind().probe()).usable).toBe(true);
    expect([bad.made(), good.made()]).toEqual([1, 1]);
    expect(await kind().backend()).toBe(good.backend);
    expect([bad.made(), good.made()]).toEqual([1, 1]);
    const none = namespaceOver([bad.backend]);
    none.remember(hostPath(`${file}.none`));
    expect([(await none.probe()).usable, existsSync(`${file}.none`)]).toEqual([false, false]);
  });

  it("is forgotten when a container cannot be made after all", async () => {
    await new Memory(file).keep("back end", "0");
    const kind = () => {
      const made = namespaceOver([backendOf(fails).backend]);
      made.remember(file);
      return made;
    };
    await using sandbox = await kind().open(surroundings);
    expect(await sandbox.run(job, () => {})).toEqual({ kind: "unstartable", because: "no namespaces for you" });
    expect(existsSync(file)).toBe(false);
    expect((await kind().probe()).usable).toBe(false);
  });
});
