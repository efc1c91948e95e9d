import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BuildOptions } from "../../src/build.ts";
import { pruneStore } from "../../src/image-list.ts";
import { keyOf } from "../../src/reach/place.ts";
import { hostPath } from "../../src/std/path.ts";
import { removeTree } from "../../src/std/remove.ts";
import { Bench, type Outcome } from "../support/flow.ts";

const bench = new Bench();
beforeAll(() => bench.runImage());

/** A layer of two files and a folder, made anew only when it is not there; a buildpack says which file it found: inode and change time. */
const layer = (name: string, types: string, more = "") =>
  `l="$CNB_LAYERS_DIR/${name}"; if [ -d "$l" ]; then echo "${name} $(stat -c %i-%z "$l/in/file" | tr -d ' ') $(cat "$l/in/file")"; ` +
  `else echo "${name} new"; mkdir -p "$l/in"; echo ${name} > "$l/in/file"; echo more > "$l/more"; ln -s more "$l/link"; fi; ${more}\n` +
  `printf '[types]\\n${types}\\n' > "$l.toml"`;
const both = "launch=true\\ncache=true";

/** What the buildpack said of a layer: which file it found, and what was in it. */
function found(outcome: Outcome, name: string): { readonly inode: string; readonly text: string } | undefined {
  expect(outcome.fault).toBeUndefined();
  const line = outcome.output.split("\n").find((text) => text.startsWith(`${name} `)) ?? "";
  const [, inode = "", text = ""] = line.split(" ");
  return inode === "new" ? undefined : { inode, text };
}

/** The directory where a build of this image has left the layer with this file in it. */
function keptFile(text: string): string {
  const kept = join(bench.home, "kept");
  const paths = readdirSync(kept, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith("tree/in/file"),
  );
  return join(kept, paths.find((path) => readFileSync(join(kept, path), "utf8") === `${text}\n`)!);
}

interface Entry {
  readonly digest: string;
  readonly annotations: Record<string, string>;
}

let count = 0;
/** What a build gives that knows of no earlier one. */
async function coldId(buildpacks: readonly string[], options: Partial<BuildOptions> = {}): Promise<string> {
  count += 1;
  const outcome = await bench.build(buildpacks, { image: `cold-${count}`, ...options });
  expect(outcome.fault).toBeUndefined();
  return outcome.report!.imageId;
}

describe.each(["namespace", "host"] as const)("warm builds in the sandbox %s", (sandbox) => {
  // Host paths end up in images: only the standard paths give the same image under two names.
  const isPortable = sandbox === "namespace";
  const build = (buildpacks: readonly string[], image: string, options: Partial<BuildOptions> = {}) =>
    bench.build(buildpacks, { image: `${image}-${sandbox}`, sandbox, ...options });

  it("find the layers of the build before, untouched, and give the same image", async () => {
    const bp = bench.buildpack({ id: `warm/${sandbox}`, build: `${layer("l", both)}\n${layer("c", "cache=true")}` });
    const first = await build([bp], "same");
    const [second, third] = [await build([bp], "same"), await build([bp], "same")];
    expect(found(first, "l")).toBeUndefined();
    for (const name of ["l", "c"]) {
      expect(found(second, name)?.text).toBe(name);
      expect(found(third, name)).toEqual(found(second, name));
    }
    expect(third.report!.imageId).toBe(first.report!.imageId);
    expect(third.report!.layers.map(({ id, size }) => [id, size])).toEqual(
      first.report!.layers.map(({ id, size }) => [id, size]),
    );
    expect(third.report!.layers.every((item) => item.action === "reuse")).toBe(true);
    if (isPortable) expect(await coldId([bp], { sandbox })).toBe(first.report!.imageId);
  });

  it("write no cache when it is what it was", async () => {
    const bp = bench.buildpack({ id: `cache/${sandbox}`, build: layer("l", both) });
    await build([bp], "quiet");
    const { events } = await build([bp], "quiet");
    expect(events.filter((event) => event.type === "layer" && event.action === "cache")).toHaveLength(1);
    // A blob that is written again is another file.
    const cache = () => {
      const { manifests } = JSON.parse(bench.read("home/store/index.json")) as { manifests: Entry[] };
      const name = `pack.local/cache/${keyOf(`quiet-${sandbox}`, hostPath(bench.app))}:build`;
      const { digest } = manifests.find((entry) => Object.values(entry.annotations).includes(name))!;
      return lstatSync(join(bench.home, "store/blobs", digest.replace(":", "/"))).ctimeMs;
    };
    const before = cache();
    await build([bp], "quiet");
    expect(cache()).toBe(before);
    bench.buildpack({ id: `cache/${sandbox}`, build: `${layer("l", both)}\n${layer("new", "cache=true")}` });
    await build([bp], "quiet");
    expect(cache()).not.toBe(before);
  });

  it("see what a buildpack has changed under the same size and time", async () => {
    const spoil =
      'touch -r "$l/in/file" "$l/stamp"; printf "X\\n" > "$l/in/file"; touch -r "$l/stamp" "$l/in/file"; rm "$l/stamp"';
    const id = `spoil/${sandbox}`;
    const first = await build([bench.buildpack({ id, build: layer("l", both) })], "spoil");
    const spoiled = () => bench.buildpack({ id, build: layer("l", both, spoil) });
    const second = await build([spoiled()], "spoil");
    expect(second.report!.imageId).not.toBe(first.report!.imageId);
    const third = await build([bench.buildpack({ id, build: layer("l", both) })], "spoil");
    expect(found(third, "l")?.text).toBe("X");
    expect(third.report!.imageId).toBe(second.report!.imageId);
    if (isPortable) expect(await coldId([spoiled()], { sandbox })).toBe(second.report!.imageId);
  });

  it("use nothing that somebody has changed in between, but the tar", async () => {
    const bp = bench.buildpack({ id: `meddle/${sandbox}`, build: layer(`m${sandbox}`, both) });
    const name = `m${sandbox}`;
    const first = await build([bp], "meddle");
    const path = keptFile(name);
    const { atime, mtime } = lstatSync(path);
    writeFileSync(path, `M${sandbox}\n`);
    utimesSync(path, atime, mtime);
    const second = await build([bp], "meddle");
    expect(found(second, name)?.text).toBe(name);
    expect(second.report!.imageId).toBe(first.report!.imageId);
    await removeTree(join(bench.home, "kept"));
    const third = await build([bp], "meddle");
    expect(found(third, name)?.text).toBe(name);
    expect(third.report!.imageId).toBe(first.report!.imageId);
  });

  it("give back after a failure what is still the same, and nothing else", async () => {
    const id = `fail/${sandbox}`;
    const good = bench.buildpack({ id, build: layer("l", both) });
    await build([good], "fail");
    const before = found(await build([good], "fail"), "l");
    expect((await build([bench.buildpack({ id, build: "exit 1" })], "fail")).fault).toBeDefined();
    bench.buildpack({ id, build: layer("l", both) });
    expect(found(await build([good], "fail"), "l")).toEqual(before);
    await build([bench.buildpack({ id, build: 'echo bad > "$CNB_LAYERS_DIR/l/in/file"; exit 1' })], "fail");
    bench.buildpack({ id, build: layer("l", both) });
    const after = found(await build([good], "fail"), "l");
    expect(after?.text).toBe("l");
    expect(after).not.toEqual(before);
  });

  it("keep directories that nobody may write, and none with files of two names", async () => {
    const id = `odd/${sandbox}`;
    const odd = `${layer("s", both, 'chmod 555 "$l"')}\n${layer("h", both, 'ln -f "$l/more" "$l/again"')}`;
    const bp = bench.buildpack({ id, build: odd });
    const first = await build([bp], "odd");
    const [second, third] = [await build([bp], "odd"), await build([bp], "odd")];
    expect(found(third, "s")).toEqual(found(second, "s"));
    expect(found(third, "h")).not.toEqual(found(second, "h"));
    expect(third.report!.imageId).toBe(first.report!.imageId);
    if (isPortable) expect(await coldId([bp], { sandbox })).toBe(first.report!.imageId);
  });

  it("forget what a cleared cache held, and layers that are cached no more", async () => {
    const bp = bench.buildpack({ id: `clear/${sandbox}`, build: layer("l", both) });
    const first = await build([bp], "clear");
    const cleared = await build([bp], "clear", { clearCache: true });
    expect(found(cleared, "l")).toBeUndefined();
    expect(cleared.report!.imageId).toBe(first.report!.imageId);
    const other = bench.buildpack({ id: `clear/${sandbox}`, build: "exit 0" });
    expect((await build([other], "clear")).fault).toBeUndefined();
    expect(readdirSync(join(bench.home, "kept", keyOf(`clear-${sandbox}`, hostPath(bench.app))))).toEqual([
      isPortable ? "source" : "app",
    ]);
  });

  it("give the image of a new copy, whatever has changed in the app or in its copy", async () => {
    const app = join(bench.root, `app-${sandbox}`);
    const write = (path: string, text: string) => writeFileSync(join(app, path), text);
    mkdirSync(join(app, "sub/deep"), { recursive: true });
    for (const path of ["a", "b", "sub/c", "sub/deep/d"]) write(path, `${path}\n`);
    symlinkSync("a", join(app, "link"));
    const meddle = `echo built > built; echo b >> b; rm -rf sub/deep; ln -sf nowhere link; chmod 700 sub`;
    const bp = bench.buildpack({ id: `app/${sandbox}`, build: `[ ! -e meddle ] || { ${meddle}; }` });
    const changes: (() => void)[] = [
      () => {},
      () => {},
      () => {
        const { atime, mtime } = lstatSync(join(app, "a"));
        write("a", "A\n");
        utimesSync(join(app, "a"), atime, mtime);
      },
      () => write("meddle", ""),
      () => {},
      () => rmSync(join(app, "meddle")),
      () => chmodSync(join(app, "sub/c"), 0o755),
      () => renameSync(join(app, "sub/c"), join(app, "c")),
      () => {
        rmSync(join(app, "b"));
        mkdirSync(join(app, "b"));
        write("b/inner", "inner\n");
      },
      () => {
        rmSync(join(app, "sub"), { recursive: true });
        symlinkSync("b", join(app, "sub"));
      },
    ];
    for (const change of changes) {
      change();
      const warm = await build([bp], "edits", { app });
      expect(warm.fault).toBeUndefined();
      if (isPortable) expect(warm.report!.imageId).toBe(await coldId([bp], { sandbox, app }));
      else {
        const cold = await build([bp], "edits", { app, clearCache: true });
        expect(warm.report!.imageId).toBe(cold.report!.imageId);
      }
    }
  });
});

describe("kept directories", () => {
  it("give other tars when the slices or the owner are others, and the files are the same", async () => {
    const sandbox = "namespace";
    const make = (slices: string) =>
      bench.buildpack({
        id: "warm/frame",
        build: `${layer("l", both)}\nprintf '${slices}' > "$CNB_LAYERS_DIR/launch.toml"`,
      });
    await bench.runImage("root-run", (config) => ({
      ...config,
      config: { ...config.config, User: "2000:2000", Env: ["CNB_USER_ID=2000", "CNB_GROUP_ID=2000"] },
    }));
    const patterns = ["", '[[slices]]\\npaths=["file.txt"]\\n', '[[slices]]\\npaths=["none"]\\n'];
    const all = ["run", "root-run"].flatMap((runImage) => patterns.map((slices) => ({ runImage, slices })));
    const seen = new Map<(typeof all)[number], string>();
    for (const one of all) {
      const options = { sandbox, runImage: one.runImage } as const;
      const first = await bench.build([make(one.slices)], { image: "frame", ...options });
      const again = await bench.build([make(one.slices)], { image: "frame", ...options });
      expect(again.report!.imageId).toBe(first.report!.imageId);
      seen.set(one, first.report!.imageId);
    }
    // Only now: a build that stores the same tars anew makes the kept directories worthless.
    for (const [{ runImage, slices }, id] of seen) expect(await coldId([make(slices)], { sandbox, runImage })).toBe(id);
    expect(new Set(seen.values()).size).toBe(6);
  });

  it("serve one sandbox after the other", async () => {
    const bp = bench.buildpack({ id: "warm/switch", build: layer("l", both) });
    const ids: string[] = [];
    for (const sandbox of ["namespace", "host", "namespace", "host"] as const) {
      const { report, fault } = await bench.build([bp], { image: "switch", sandbox });
      expect(fault).toBeUndefined();
      ids.push(report!.imageId);
    }
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
  });

  it("serve one of two builds at once, and both give the same image", async () => {
    const bp = bench.buildpack({ id: "warm/twice", build: layer("l", both) });
    const one = () => bench.build([bp], { image: "twice", sandbox: "namespace" });
    const first = await one();
    for (let round = 0; round < 2; round += 1) {
      const outcomes = await Promise.all([one(), one(), one()]);
      for (const outcome of outcomes) {
        expect(found(outcome, "l")?.text).toBe("l");
        expect(outcome.report!.imageId).toBe(first.report!.imageId);
      }
    }
  });

  it("go with their cache in a prune", async () => {
    const home = join(bench.root, "pruned");
    renameSync(bench.home, home);
    try {
      const keys = () => readdirSync(join(home, "kept"));
      const before = keys();
      expect(before.length).toBeGreaterThan(0);
      mkdirSync(join(home, "kept", "0123456789abcdef"));
      await pruneStore({ home, dryRun: true });
      expect(keys()).toContain("0123456789abcdef");
      await pruneStore({ home });
      expect(keys()).toEqual(before);
      await pruneStore({ home, caches: true });
      expect(keys()).toEqual([]);
      expect(existsSync(join(home, "store"))).toBe(true);
    } finally {
      renameSync(home, bench.home);
    }
  });
});
