import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type HostPath, under } from "../../../src/std/path.ts";
import { unpackTar } from "../../../src/tar/unpack.ts";
import { archive, type Sketch, temporary } from "./archive.ts";

const modeOf = (path: string) => lstatSync(path).mode & 0o7777;
const read = (...path: string[]) => readFileSync(join(...path), "utf8");

/** Unpacks layers, each a list of entries, one over the other. */
async function unpack(root: HostPath, ...layers: readonly (readonly Sketch[])[]): Promise<void> {
  for (const layer of layers) await unpackTar([archive(layer)], root);
}

/** All paths below a directory; a directory's end with a slash. */
function pathsIn(root: string, prefix = ""): string[] {
  return readdirSync(join(root, prefix))
    .sort()
    .flatMap((name) => {
      const path = `${prefix}${name}`;
      return lstatSync(join(root, path)).isDirectory() ? [`${path}/`, ...pathsIn(root, `${path}/`)] : [path];
    });
}

describe("unpackTar", () => {
  it("puts a layer over the ones below it: each entry replaces what it meets", async () => {
    const root = temporary();
    await unpack(
      root,
      [
        { name: "file", content: "1" },
        { name: "directory/", mode: 0o700 },
        { name: "directory/kept", content: "kept" },
        { name: "gone/" },
        { name: "gone/file" },
        { name: "link", link: "file" },
      ],
      [
        { name: "file/" },
        { name: "file/inside", content: "2" },
        { name: "directory/", mode: 0o750 },
        { name: "gone", content: "a file now" },
        { name: "link", content: "a file too" },
      ],
    );
    expect(pathsIn(root)).toEqual(["directory/", "directory/kept", "file/", "file/inside", "gone", "link"]);
    expect(modeOf(join(root, "directory"))).toBe(0o750);
    expect(read(root, "link")).toBe("a file too");
  });

  it("takes whiteouts as the removal of what layers below have", async () => {
    const root = temporary();
    await unpack(
      root,
      [{ name: "a/" }, { name: "a/file" }, { name: "a/sub/" }, { name: "a/sub/x" }, { name: "b" }, { name: "c" }],
      [{ name: "a/.wh.sub" }, { name: ".wh.b" }, { name: ".wh.never-there" }],
    );
    expect(pathsIn(root)).toEqual(["a/", "a/file", "c"]);
  });

  it("empties an opaque directory of what layers below have, and of nothing else", async () => {
    const root = temporary();
    const below = [{ name: "a/" }, { name: "a/old" }, { name: "a/sub/" }, { name: "a/sub/old" }, { name: "a/z" }];
    const layer: Sketch[] = [{ name: "a/" }, { name: "a/new" }, { name: "a/sub/" }, { name: "a/sub/new" }];
    const opaque: Sketch = { name: "a/.wh..wh..opq" };
    // The mark may come before or behind what the layer itself brings.
    for (const order of [
      [opaque, ...layer],
      [...layer, opaque],
    ]) {
      await unpack(root, below, order);
      expect(pathsIn(root)).toEqual(["a/", "a/new", "a/sub/", "a/sub/new"]);
    }
  });

  it("keeps what a layer brings under a name it also removes", async () => {
    const root = temporary();
    await unpack(root, [{ name: "a/" }, { name: "a/old" }], [{ name: "a/" }, { name: "a/new" }, { name: ".wh.a" }]);
    expect(pathsIn(root)).toEqual(["a/", "a/new"]);
  });

  it("passes over the book-keeping of the file system whiteouts come from", async () => {
    const root = temporary();
    await unpack(root, [{ name: ".wh..wh.plnk/" }, { name: ".wh..wh.aufs" }]);
    expect(readdirSync(root)).toEqual([]);
  });

  it("makes hard links one file, also to what a layer below brought", async () => {
    const root = temporary();
    await unpack(
      root,
      [{ name: "a", content: "abc", mode: 0o600 }],
      [{ name: "d/" }, { name: "d/b", type: "hardlink", link: "./a" }, { name: "c", type: "hardlink", link: "/d/b" }],
    );
    expect(lstatSync(join(root, "a")).nlink).toBe(3);
    // Replacing one name leaves the others alone.
    await unpack(root, [{ name: "a", content: "new" }]);
    expect([read(root, "a"), read(root, "d/b"), read(root, "c")]).toEqual(["new", "abc", "abc"]);
  });

  it("links to a link become links", async () => {
    const root = temporary();
    await unpack(root, [
      { name: "a", link: "/etc/passwd" },
      { name: "b", type: "hardlink", link: "a" },
    ]);
    expect(readlinkSync(join(root, "b"))).toBe("/etc/passwd");
  });

  it("a hard link to itself changes nothing", async () => {
    const root = temporary();
    await unpack(root, [
      { name: "a", content: "abc" },
      { name: "./a", type: "hardlink", link: "/a" },
    ]);
    expect(read(root, "a")).toBe("abc");
  });

  it("keeps modes and file times, and closes directories only at the end", async () => {
    const root = temporary();
    await unpack(root, [
      { name: "./", mode: 0o711 },
      { name: "a/", mode: 0o555 },
      { name: "a/setuid", content: "x", mode: 0o4711, mtime: 1_000_000_000 },
      { name: "l", link: "a", mtime: 1_000_000_000 },
    ]);
    expect([modeOf(root), modeOf(join(root, "a")), modeOf(join(root, "a/setuid"))]).toEqual([0o711, 0o555, 0o4711]);
    expect(statSync(join(root, "a/setuid")).mtimeMs).toBe(1e12);
    expect(lstatSync(join(root, "l")).mtimeMs).toBe(1e12);
    // Also into and out of what an earlier layer closed.
    await unpack(root, [{ name: "a/more" }, { name: "a/.wh.setuid" }]);
    expect([modeOf(join(root, "a")), readdirSync(join(root, "a"))]).toEqual([0o555, ["more"]]);
    await unpack(root, [{ name: ".wh.a" }]);
    expect(existsSync(join(root, "a"))).toBe(false);
  });

  it("follows links on the way to an entry as if the root were the whole file system", async () => {
    const root = temporary();
    await unpack(
      root,
      [
        { name: "usr/" },
        { name: "usr/lib/" },
        { name: "lib", link: "usr/lib" },
        { name: "opt/" },
        { name: "opt/lib", link: "/lib" },
        { name: "opt/up", link: "../usr/./lib" },
        { name: "dangling", link: "var/new" },
      ],
      [{ name: "lib/a" }, { name: "opt/lib/b" }, { name: "opt/up/c" }, { name: "dangling/d" }],
    );
    expect(pathsIn(root)).toEqual([
      "dangling",
      "lib",
      "opt/",
      "opt/lib",
      "opt/up",
      "usr/",
      "usr/lib/",
      "usr/lib/a",
      "usr/lib/b",
      "usr/lib/c",
      "var/",
      "var/new/",
      "var/new/d",
    ]);
  });

  it("makes pipes, and leaves devices out for who does not ask for owners", async () => {
    const root = temporary();
    const result = await unpackTar(
      [
        archive([
          { name: "pipe", type: "fifo", mode: 0o622 },
          { name: "null", type: "char", mode: 0o666, devMajor: 1, devMinor: 3 },
        ]),
      ],
      root,
    );
    expect(result).toEqual({ entries: 2, skipped: ["null"] });
    expect(lstatSync(join(root, "pipe")).isFIFO()).toBe(true);
    expect(modeOf(join(root, "pipe"))).toBe(0o622);
  });

  it.skipIf(process.geteuid?.() !== 0)("gives entries their owners when it is asked to", async () => {
    const root = temporary();
    const entries: Sketch[] = [
      { name: "d/", uid: 5, gid: 6, mode: 0o2755 },
      { name: "d/f", content: "x", uid: 7, gid: 8, mode: 0o6755 },
      { name: "d/l", link: "f", uid: 9, gid: 10 },
    ];
    await unpackTar([archive(entries)], root, { owners: true });
    const found = ["d", "d/f", "d/l"].map((name) => lstatSync(join(root, name)));
    expect(found.map(({ uid, gid }) => [uid, gid])).toEqual([
      [5, 6],
      [7, 8],
      [9, 10],
    ]);
    expect(found.map(({ mode }) => mode & 0o7777)).toEqual([0o2755, 0o6755, 0o777]);
  });

  it("takes any time a header can hold", async () => {
    const root = temporary();
    const times = [0, -1, 8 ** 11 - 1, 2 ** 52, -(2 ** 52)];
    await unpack(
      root,
      times.map((mtime, index) => ({ name: `f${index}`, mtime })),
      times.map((mtime, index) => ({ name: `l${index}`, link: "x", mtime })),
    );
    expect(readdirSync(root)).toHaveLength(10);
  });
});

describe("unpackTar, given an archive that would leave its root", () => {
  /** A root, and something beside it that must stay as it is. */
  function scene() {
    const parent = temporary();
    mkdirSync(join(parent, "outside/d"), { recursive: true });
    chmodSync(join(parent, "outside/d"), 0o755);
    writeFileSync(join(parent, "outside/file"), "untouched");
    const root = under(parent, "root");
    mkdirSync(root);
    const check = () => {
      expect(pathsIn(join(parent, "outside"))).toEqual(["d/", "file"]);
      expect(read(parent, "outside/file")).toBe("untouched");
      expect(lstatSync(join(parent, "outside/file")).nlink).toBe(1);
      expect(modeOf(join(parent, "outside/d"))).toBe(0o755);
      expect(readdirSync(parent).sort()).toEqual(["outside", "root"]);
    };
    return { root, outside: join(parent, "outside"), check };
  }

  it.each<[string, readonly Sketch[]]>([
    ["goes up", [{ name: "../outside/file", content: "evil" }]],
    ["goes up in its middle", [{ name: "a/../../outside/file", content: "evil" }]],
    ["goes up in an absolute name", [{ name: "/../outside/file", content: "evil" }]],
    [
      "goes up through a link",
      [
        { name: "a", link: "../outside" },
        { name: "a/file", content: "evil" },
      ],
    ],
    [
      "goes up through a link deep down",
      [{ name: "d/e/" }, { name: "d/e/a", link: "../../../outside" }, { name: "d/e/a/file" }],
    ],
    [
      "goes up through links that point to links",
      [{ name: "a", link: "b/.." }, { name: "b", link: "../outside/d" }, { name: "a/x" }],
    ],
    ["turns in a circle", [{ name: "a", link: "b" }, { name: "b", link: "a" }, { name: "a/x" }]],
    ["removes by a link", [{ name: "a", link: "../outside" }, { name: "a/.wh.file" }]],
    ["empties by a link", [{ name: "a", link: "../outside" }, { name: "a/.wh..wh..opq" }]],
    ["removes its own directory", [{ name: "a/" }, { name: "a/.wh.." }]],
    ["removes the directory above", [{ name: ".wh..." }]],
    ["removes nothing by name", [{ name: ".wh." }]],
    ["links hard to what is above", [{ name: "a", type: "hardlink", link: "../outside/file" }]],
    [
      "links hard through a link",
      [
        { name: "b", link: "../outside" },
        { name: "a", type: "hardlink", link: "b/file" },
      ],
    ],
    ["links hard to the root", [{ name: "a", type: "hardlink", link: "/" }]],
    ["makes the root a link", [{ name: "./", link: "../outside", type: "symlink" }]],
    ["makes the root a file", [{ name: ".", content: "evil" }]],
  ])("refuses one that %s", async (_, sketches) => {
    const { root, check } = scene();
    await expect(unpack(root, sketches)).rejects.toMatchObject({ code: "tar.escape" });
    check();
  });

  it("keeps absolute links inside: what they lead to is made there", async () => {
    const { root, outside, check } = scene();
    await unpack(root, [
      { name: "a", link: outside },
      { name: "a/file", content: "inside" },
      { name: "a/d/", mode: 0o700 },
      { name: "h", type: "hardlink", link: "a/file" },
    ]);
    expect(read(root, outside, "file")).toBe("inside");
    check();
  });

  it("puts directories, files and hard links in the place of links, not where these point", async () => {
    const { root, outside, check } = scene();
    for (const name of ["d", "f", "h", "s"])
      symlinkSync(name === "d" ? join(outside, "d") : join(outside, "file"), join(root, name));
    await unpack(root, [
      { name: "d/", mode: 0o700 },
      { name: "d/x" },
      { name: "f", content: "new" },
      { name: "h", type: "hardlink", link: "f" },
      { name: "s", link: "f" },
    ]);
    expect(pathsIn(root)).toEqual(["d/", "d/x", "f", "h", "s"]);
    check();
  });

  it("closes no directory behind a link that took the place of one on the way", async () => {
    const { root, outside, check } = scene();
    await unpack(root, [
      { name: "a/d/", mode: 0 },
      { name: "a", link: outside },
    ]);
    check();
  });

  it("does not write into a file that has another name outside", async () => {
    const { root, outside } = scene();
    linkSync(join(outside, "file"), join(root, "f"));
    await unpack(root, [{ name: "f", content: "evil", mode: 0o777 }]);
    expect(read(outside, "file")).toBe("untouched");
    expect(modeOf(join(outside, "file"))).not.toBe(0o777);
  });

  it("refuses a root that is not a directory", async () => {
    const { root, outside, check } = scene();
    symlinkSync(outside, join(root, "link"));
    await expect(unpack(under(root, "link"), [{ name: "x" }])).rejects.toMatchObject({ code: "tar.escape" });
    check();
  });

  it.each<[string, readonly Sketch[]]>([
    ["a hard link to nothing", [{ name: "a", type: "hardlink", link: "b" }]],
    ["a hard link to a directory", [{ name: "b/" }, { name: "a", type: "hardlink", link: "b" }]],
    [
      "a hard link to what it replaces",
      [{ name: "b/" }, { name: "b/c" }, { name: "b", type: "hardlink", link: "b/c" }],
    ],
    ["an entry below a file", [{ name: "a" }, { name: "a/b" }]],
    ["a path longer than the system takes", [{ name: `${`${"d".repeat(200)}/`.repeat(25)}f` }]],
  ])("refuses %s", async (_, sketches) => {
    const { root, check } = scene();
    await expect(unpack(root, sketches)).rejects.toMatchObject({ code: "tar.write" });
    check();
  });
});
