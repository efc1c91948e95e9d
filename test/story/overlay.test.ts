import { execFileSync } from "node:child_process";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, type TestContext } from "vitest";
import { namespace } from "../../src/sandbox/namespace.ts";
import type { Event } from "../../src/std/event.ts";
import { hostPath } from "../../src/std/path.ts";
import { Bench, type Outcome } from "../support/flow.ts";
import { peer } from "../support/peer.ts";

const bench = new Bench({ app: false });
const at = (path: string) => join(bench.app, path);
let count = 0;

beforeAll(() => bench.runImage());

/** Leaves the test out where this machine cannot lay directories over others. */
async function needsOverlays(test: TestContext): Promise<void> {
  if ((await namespace.probe()).usable && (await namespace.stacks(hostPath(join(bench.home, "work"))))) return;
  if (process.env["CI"] === "true") throw new Error("there are no overlays here, and under CI there must be");
  console.log("skipped: no overlays here");
  test.skip("no overlays here");
}

function fillApp(): void {
  rmSync(bench.app, { recursive: true, force: true });
  mkdirSync(at("folder/inner"), { recursive: true });
  mkdirSync(at(".git"));
  writeFileSync(at(".git/index"), "times");
  writeFileSync(at("file"), "one");
  writeFileSync(at("run"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(at("folder/inner/file"), "two");
  symlinkSync("folder/inner", at("link"));
}

async function buildWith(buildpack: string, image?: string): Promise<Outcome> {
  count += 1;
  const outcome = await bench.build([buildpack], { image: image ?? `app-${count}`, sandbox: "namespace" });
  expect(outcome.fault).toBeUndefined();
  return outcome;
}

const isLaid = (outcome: Outcome) => outcome.lines("debug").some((line) => /^Took \d+ files/.test(line));

/** Builds once on the source itself and once on a copy: a file that others may write cannot be shown as it is. */
async function bothWays(buildpack: string) {
  const laid = await buildWith(buildpack);
  expect(isLaid(laid)).toBe(true);
  chmodSync(at("file"), 0o664);
  const copied = await buildWith(buildpack);
  chmodSync(at("file"), 0o644);
  expect(isLaid(copied)).toBe(false);
  return { laid, copied };
}

/** All of a tree, with content and modes. */
function listed(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .sort()
    .map((path) => {
      const { mode } = lstatSync(join(root, path));
      return `${path} ${mode.toString(8)} ${(mode & 0o170000) === 0o100000 ? readFileSync(join(root, path), "utf8") : ""}`;
    });
}

const changes: Readonly<Record<string, string>> = {
  nothing: "true",
  "a new file": "echo new > new",
  "a file that is another": "echo other > file",
  "a file that is longer": "echo more >> folder/inner/file",
  "a file less": "rm folder/inner/file",
  "a folder less": "rm -r folder",
  "a folder anew": "rm -r folder; mkdir folder; echo x > folder/x",
  "a file in a folder's place": "rm -r folder; echo x > folder",
  "a folder in a file's place": "rm file; mkdir file; echo x > file/x",
  "a link through which a file is written": "echo x > link/file",
  "a link that leads elsewhere": "ln -sfn folder link",
  "another mode": "chmod 0600 file; chmod 0700 folder",
  "a folder that moves": "mv folder moved",
  "a version control's folder": "git=.git; mkdir $git; echo x > $git/x",
};

describe("an app that is not copied", () => {
  it.for(Object.entries(changes))(
    "makes the image a copy makes, and stays what it was: %s",
    async ([name, script], test) => {
      await needsOverlays(test);
      fillApp();
      const before = listed(bench.app);
      const bp = bench.buildpack({ id: `change/${name.replaceAll(/[^a-z]/g, "-")}`, build: script });
      const { laid, copied } = await bothWays(bp);
      expect(laid.report!.imageId).toBe(copied.report!.imageId);
      expect(listed(bench.app)).toEqual(before);
      // Once more, after the build on a copy and after one on the source.
      const again = await buildWith(bp, "again");
      expect((await buildWith(bp, "again")).report!.imageId).toBe(again.report!.imageId);
      expect(again.report!.imageId).toBe(copied.report!.imageId);
    },
  );

  it("has folders that move by mv and cannot be renamed in place, which a copy's can", async (test) => {
    await needsOverlays(test);
    peer("perl", test);
    fillApp();
    const renames = `perl -e 'print rename("folder", "moved") ? "renamed" : $!{EXDEV} ? "another device" : "$!"'`;
    const bp = bench.buildpack({ id: "change/renames", build: renames });
    const { laid, copied } = await bothWays(bp);
    expect([laid.output, copied.output]).toEqual(["another device", "renamed"]);
  });

  it("is not read again when nothing was changed, and read again when something was", async (test) => {
    await needsOverlays(test);
    fillApp();
    const bp = bench.buildpack({ id: "quiet/quiet", build: "cat file >/dev/null" });
    const first = await buildWith(bp, "quiet");
    const app = (outcome: Outcome) => outcome.report!.layers.find(({ id }) => id === "slice-1")!;
    const second = await buildWith(bp, "quiet");
    expect([app(second).action, app(second).diffId]).toEqual(["reuse", app(first).diffId]);
    writeFileSync(at("file"), "eno");
    const third = await buildWith(bp, "quiet");
    expect([app(third).action, third.lines().some((line) => line.startsWith("Building again"))]).toEqual([
      "add",
      false,
    ]);
    writeFileSync(at("file"), "one");
    expect((await buildWith(bp, "quiet")).report!.imageId).toBe(first.report!.imageId);
    // The version control's folder is none of the app's.
    writeFileSync(at(".git/index"), "other times");
    expect(app(await buildWith(bp, "quiet")).action).toBe("reuse");
  });

  it("has a layer made from the one before that is what one made anew is, also when that one was damaged", async (test) => {
    await needsOverlays(test);
    fillApp();
    for (let index = 0; index < 300; index += 1) writeFileSync(at(`folder/f${index}`), `${index}`.repeat(index));
    const bp = bench.buildpack({ id: "ahead/ahead", build: "[ ! -e meddle ] || { echo x > new; rm folder/f7; }" });
    const slice = (outcome: Outcome) => outcome.report!.layers.find(({ id }) => id === "slice-1")!;
    let last = await buildWith(bp, "ahead");
    const rounds: readonly (() => void)[] = [
      () => writeFileSync(at("folder/f150"), "changed"),
      () => rmSync(at("folder/f20")),
      () => {
        symlinkSync("f1", at("folder/f20"));
        mkdirSync(at("folder/f20-"));
        chmodSync(at("folder/f200"), 0o755);
      },
      () => {
        const tar = join(bench.home, "store/blobs", slice(last).diffId.replace(":", "/"));
        writeFileSync(tar, readFileSync(tar).fill("x", 40_000, 40_010));
        writeFileSync(at("folder/f151"), "changed");
      },
      () => writeFileSync(at("meddle"), ""),
      () => rmSync(at("meddle")),
      () => writeFileSync(at("folder/f152"), "changed"),
    ];
    for (const change of rounds) {
      change();
      last = await buildWith(bp, "ahead");
      expect([isLaid(last), slice(last).action], String(change)).toEqual([true, "add"]);
      expect(last.report!.imageId, String(change)).toBe((await buildWith(bp)).report!.imageId);
    }
  });

  const moments: Readonly<Record<string, (event: Event) => boolean>> = {
    "while buildpacks work": (event) => event.type === "phase" && event.phase === "build" && event.state === "start",
    "before its layer is made": (event) =>
      event.type === "phase" && event.phase === "export" && event.state === "start",
    "after its layer was made": (event) => event.type === "layer" && event.id === "slice-1",
  };
  it.for(Object.entries(moments))("that is changed %s is built again from a copy", async ([name, isMoment], test) => {
    await needsOverlays(test);
    fillApp();
    const bp = bench.buildpack({ id: "moment/moment", build: "cat file" });
    let isDone = false;
    const lines: string[] = [];
    const image = `moment-${name.replaceAll(" ", "-")}`;
    const { report, fault } = await bench.build([bp], {
      image,
      sandbox: "namespace",
      onEvent: (event) => {
        if (event.type === "log") lines.push(event.text);
        if (isDone || !isMoment(event)) return;
        isDone = true;
        writeFileSync(at("file"), "changed");
      },
    });
    expect(fault).toBeUndefined();
    expect(lines).toContain("Building again from a copy of the app: it was changed meanwhile");
    expect((await buildWith(bp)).report!.imageId).toBe(report!.imageId);
    expect((await buildWith(bp, image)).report!.imageId).toBe(report!.imageId);
  });

  it("is copied when a copy would be another, or something is not to be seen", async (test) => {
    await needsOverlays(test);
    const bp = bench.buildpack({ id: "plain/plain" });
    const spoil: (() => void)[] = [
      () => chmodSync(at("folder"), 0o775),
      () => chmodSync(at("run"), 0o744),
      () => writeFileSync(at("folder/closed"), "", { mode: 0o600 }),
      () => execFileSync("mkfifo", [at("pipe")]),
      () => writeFileSync(at("project.toml"), '[_]\nschema-version = "0.2"\n[io.buildpacks]\nexclude = ["run"]\n'),
    ];
    for (const change of spoil) {
      fillApp();
      change();
      expect(isLaid(await buildWith(bp)), String(change)).toBe(false);
    }
  });
});
