import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestFrom } from "../../../src/oci/digest.ts";
import { type CopiedFile, copyApp } from "../../../src/source/app.ts";
import { guestPath, type HostPath, under } from "../../../src/std/path.ts";
import { fileTime } from "../../../src/tar/file-time.ts";
import { settledBefore, stateOfTree } from "../../../src/tar/fingerprint.ts";
import { appLayers, directoryLayer } from "../../../src/tar/layer.ts";
import { listHere, type TreeList } from "../../../src/tar/list.ts";
import { spliceLayer } from "../../../src/tar/splice.ts";
import { testFolder } from "../../unit/phase/folder.ts";

const root = testFolder();
let count = 0;

/** Everything a layer of the tree would hold, in one digest. */
async function tarOf(tree: HostPath): Promise<string> {
  const owner = { uid: 1000, gid: 1000 };
  const hash = createHash("sha256");
  const layer = directoryLayer({ place: { host: tree, guest: guestPath("/t") }, parents: [], owner });
  for await (const chunk of layer.open()) hash.update(chunk);
  return digestFrom(hash);
}

const names = ["a", "b", "d/a", "d/b", "d/e/a", "d/e"];
const name = fc.constantFrom(...names);
const text = fc.constantFrom("one", "two", "three");
const edit = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), name, text }),
  fc.record({ kind: fc.constant("disguise" as const), name, text }),
  fc.record({ kind: fc.constant("replace" as const), name, text }),
  fc.record({ kind: fc.constant("remove" as const), name }),
  fc.record({ kind: fc.constant("folder" as const), name }),
  fc.record({ kind: fc.constant("link" as const), name, text }),
  fc.record({ kind: fc.constant("hard" as const), name, to: name }),
  fc.record({ kind: fc.constant("move" as const), name, to: name }),
  fc.record({ kind: fc.constant("mode" as const), name, mode: fc.constantFrom(0o644, 0o755, 0o700, 0o600) }),
);
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

function isFile(path: string): boolean {
  return existsSync(path) && lstatSync(path).isFile();
}

/** Does an edit where it is possible. */
function apply(tree: HostPath, change: Edit): void {
  const path = under(tree, change.name);
  try {
    switch (change.kind) {
      case "write":
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, change.text);
        break;
      case "disguise": {
        if (!isFile(path)) break;
        const { atime, mtime } = lstatSync(path);
        writeFileSync(path, change.text);
        utimesSync(path, atime, mtime);
        break;
      }
      case "replace":
        if (!isFile(path)) break;
        writeFileSync(`${path}.new`, change.text);
        renameSync(`${path}.new`, path);
        break;
      case "remove":
        removeTree(path);
        break;
      case "folder":
        mkdirSync(path, { recursive: true });
        break;
      case "link":
        symlinkSync(change.text, path);
        break;
      case "hard":
        linkSync(path, under(tree, change.to));
        break;
      case "move":
        renameSync(path, under(tree, change.to));
        break;
      case "mode":
        // Folders stay open for users who are not root.
        if (!lstatSync(path).isSymbolicLink()) chmodSync(path, change.mode | (isFile(path) ? 0 : 0o700));
    }
  } catch (error) {
    // What stands in the way stays.
    if (!(error instanceof Error && "code" in error)) throw error;
  }
}

function removeTree(tree: HostPath): void {
  rmSync(tree, { recursive: true, force: true });
}

function fresh(): HostPath {
  count += 1;
  const tree = under(root, `tree-${count}`);
  mkdirSync(tree);
  return tree;
}

describe("fingerprints", () => {
  it("equal fingerprints mean equal tars, whatever happened in between", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { maxLength: 8 }), fc.array(edit, { maxLength: 3 }), async (first, second) => {
        const tree = fresh();
        for (const change of first) apply(tree, change);
        const moment = await fileTime(root);
        const before = await stateOfTree(tree);
        expect(settledBefore(moment, before.youngest) || before.youngest === Number.NEGATIVE_INFINITY).toBe(true);
        const tar = await tarOf(tree);
        for (const change of second) apply(tree, change);
        const after = await stateOfTree(tree);
        if (after.digest === before.digest) expect(await tarOf(tree)).toBe(tar);
        if ((await tarOf(tree)) !== tar) expect(after.digest).not.toBe(before.digest);
        if (second.length === 0) expect(after.digest).toBe(before.digest);
        removeTree(tree);
      }),
      { numRuns: 60 },
    );
  });
});

const owner = { uid: 1000, gid: 1000 };
const parents = [{ path: guestPath("/srv"), mode: 0o755, ...owner }];

/** The one layer of an app at `tree`. */
async function appTar(tree: HostPath): Promise<Buffer> {
  const place = { host: tree, guest: guestPath("/srv/app") };
  const [layer] = await appLayers({ place, slices: [], owner, parents });
  return buffer(layer!.open());
}

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("a layer made from the one before", () => {
  const framed = (tree: HostPath) => ({ place: { host: tree, guest: guestPath("/srv/app") }, parents, owner });
  const splice = (tree: HostPath, former: { list: TreeList; tar: Buffer }, now: TreeList, size: number) =>
    spliceLayer(
      { list: former.list, size: former.tar.length, open: () => inPieces(former.tar, size) },
      now,
      framed(tree),
    );

  it("has the bytes of one made anew, whatever was changed, and reads what was changed only", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { maxLength: 10 }),
        fc.array(edit, { maxLength: 4 }),
        fc.constantFrom(100, 512, 700, 1 << 20),
        async (first, second, size) => {
          const tree = fresh();
          // In the order of paths it comes between `d` and what is in `d`.
          writeFileSync(under(tree, "d-"), "x".repeat(600));
          writeFileSync(under(tree, `long-${"n".repeat(120)}`), "long");
          for (const change of first) apply(tree, change);
          await fileTime(root);
          const former = { list: await listHere(tree), tar: await appTar(tree) };
          for (const change of second) apply(tree, change);
          const now = await listHere(tree);
          const spliced = splice(tree, former, now, size)!;
          expect((await buffer(spliced.tar.open())).equals(await appTar(tree))).toBe(true);
          expect((await buffer(spliced.tar.lend())).equals(await appTar(tree))).toBe(true);
          if (second.length === 0) expect(spliced.fresh).toEqual([]);
          removeTree(tree);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is none when the former one has another length, or its bytes end early", async () => {
    const tree = fresh();
    apply(tree, { kind: "write", name: "a", text: "one" });
    const former = { list: await listHere(tree), tar: await appTar(tree) };
    expect(splice(tree, { ...former, tar: Buffer.concat([former.tar, Buffer.alloc(512)]) }, former.list, 512)).toBe(
      undefined,
    );
    const { tar, fresh: read } = spliceLayer(
      { list: former.list, size: former.tar.length, open: () => inPieces(former.tar.subarray(512), 512) },
      former.list,
      framed(tree),
    )!;
    expect(read).toEqual([]);
    await expect(buffer(tar.open())).rejects.toMatchObject({ code: "tar.truncated" });
  });
});

describe("copies of an app", () => {
  it("a copy brought up to date is what a new copy would be, whatever happened to either side", async () => {
    const rounds = fc.array(
      fc.record({ source: fc.array(edit, { maxLength: 4 }), copy: fc.array(edit, { maxLength: 3 }) }),
      {
        minLength: 1,
        maxLength: 4,
      },
    );
    await fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        const [source, copy] = [fresh(), fresh()];
        let known: ReadonlyMap<string, CopiedFile> | undefined;
        for (const round of all) {
          for (const change of round.source) apply(source, change);
          const moment = await fileTime(root);
          const result = await copyApp(source, copy, { known, moment });
          known = settledBefore(await fileTime(root), result.youngest) ? result.files : undefined;
          const whole = fresh();
          const again = await copyApp(source, whole);
          expect(again.files.size).toBe(0);
          expect([result.count, result.bytes]).toEqual([again.count, again.bytes]);
          expect(await tarOf(copy)).toBe(await tarOf(whole));
          removeTree(whole);
          for (const change of round.copy) apply(copy, change);
        }
        removeTree(source);
        removeTree(copy);
      }),
      { numRuns: 30 },
    );
  });

  it("what changed on neither side is not copied again", async () => {
    const [source, copy] = [fresh(), fresh()];
    for (const path of ["a", "b", "d/a", "d/e/a"]) apply(source, { kind: "write", name: path, text: "one" });
    const first = await copyApp(source, copy, { moment: await fileTime(root) });
    expect([first.copied, first.files.size]).toEqual([4, 4]);
    const inodes = () => readdirSync(copy).map((entry) => lstatSync(under(copy, entry)).ino);
    const before = inodes();
    const second = await copyApp(source, copy, { known: first.files, moment: await fileTime(root) });
    expect([second.copied, inodes()]).toEqual([0, before]);
    apply(source, { kind: "disguise", name: "d/a", text: "two" });
    apply(copy, { kind: "disguise", name: "b", text: "two" });
    const third = await copyApp(source, copy, { known: second.files, moment: await fileTime(root) });
    expect(third.copied).toBe(2);
    expect(await tarOf(copy)).toBe(await tarOf(source));
  });

  it("a source that changed after the moment is not known", async () => {
    const [source, copy] = [fresh(), fresh()];
    const moment = await fileTime(root);
    apply(source, { kind: "write", name: "a", text: "one" });
    expect((await copyApp(source, copy, { moment })).files.size).toBe(0);
  });
});
