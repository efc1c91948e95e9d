import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collect } from "../../../src/std/byte.ts";
import { guestPath, type HostPath, under } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";
import { extractTar } from "../../../src/tar/extract.ts";
import { directoryLayer } from "../../../src/tar/layer.ts";
import { archive, type Sketch, temporary } from "./archive.ts";

const guest = guestPath("/layers/bp/x");
const modeOf = (path: string) => lstatSync(path).mode & 0o7777;

/** Extracts the entries as the layer `x`; gives where it is. */
async function extractTo(host: HostPath, sketches: readonly Sketch[]): Promise<void> {
  await extractTar([archive(sketches)], { host, guest });
}

async function restored(sketches: readonly Sketch[]): Promise<string> {
  const host = under(temporary(), "x");
  await extractTo(host, sketches);
  return host;
}

describe("extractTar", () => {
  it("writes what is at or below the layer, and passes over the directories above it", async () => {
    const host = await restored([
      { name: "/" },
      { name: "/layers", type: "directory", mode: 0 },
      { name: "/layers/bp", type: "directory" },
      { name: "/layers/bp/x", type: "directory", mode: 0o750 },
      { name: "/layers/bp/x/a", type: "directory" },
      { name: "/layers/bp/x/a/file", content: "abc", mode: 0o640 },
      { name: "/layers/bp/x/link", link: "/nowhere" },
    ]);
    expect(readFileSync(join(host, "a/file"), "utf8")).toBe("abc");
    expect([modeOf(host), modeOf(join(host, "a")), modeOf(join(host, "a/file"))]).toEqual([0o750, 0o755, 0o640]);
    expect(readlinkSync(join(host, "link"))).toBe("/nowhere");
  });

  it("takes relative names, and such with dots, as the same", async () => {
    const host = await restored([{ name: "./layers/bp/./x//file", content: "abc" }]);
    expect(readFileSync(join(host, "file"), "utf8")).toBe("abc");
  });

  it("gives every mode exactly, whatever the umask: also setuid, setgid, sticky and none at all", async () => {
    const before = process.umask(0o077);
    try {
      const host = await restored([
        { name: "layers/bp/x/setuid", content: "abc", mode: 0o4755 },
        { name: "layers/bp/x/setgid", content: "abc", mode: 0o2755 },
        { name: "layers/bp/x/open", content: "abc", mode: 0o666 },
        { name: "layers/bp/x/none", content: "abc", mode: 0 },
        { name: "layers/bp/x/sticky/", mode: 0o1777 },
        { name: "layers/bp/x/missing/parent", content: "" },
      ]);
      const modes = ["setuid", "setgid", "open", "none", "sticky", "missing"].map((name) => modeOf(join(host, name)));
      expect(modes).toEqual([0o4755, 0o2755, 0o666, 0, 0o1777, 0o755]);
    } finally {
      process.umask(before);
    }
  });

  it("BUILD-016 fills directories nobody may write in, and closes them afterwards", async () => {
    const host = await restored([
      { name: "layers/bp/x/a/", mode: 0o555 },
      { name: "layers/bp/x/a/b/", mode: 0o500 },
      { name: "layers/bp/x/a/b/file", content: "abc", mode: 0o444 },
      { name: "layers/bp/x/a/none/", mode: 0 },
      { name: "layers/bp/x/a/none/file", content: "abc" },
    ]);
    expect([modeOf(join(host, "a")), modeOf(join(host, "a/b")), modeOf(join(host, "a/none"))]).toEqual([
      0o555, 0o500, 0,
    ]);
    expect(readFileSync(join(host, "a/b/file"), "utf8")).toBe("abc");
    await removeTree(host);
    expect(lstatSync(host, { throwIfNoEntry: false })).toBeUndefined();
  });

  it("BUILD-016 a layer that is exported, restored and exported again is the same", async () => {
    const root = temporary();
    const first = under(root, "first");
    mkdirSync(join(first, "closed"), { recursive: true });
    writeFileSync(join(first, "closed", "file"), "x");
    writeFileSync(join(first, "setuid"), "x");
    writeFileSync(Buffer.concat([Buffer.from(`${first}/`), Buffer.from([0xff])]), "odd");
    symlinkSync("closed/file", join(first, "link"));
    chmodSync(join(first, "setuid"), 0o6755);
    chmodSync(join(first, "closed", "file"), 0o444);
    chmodSync(join(first, "closed"), 0o555);
    const layerOf = (host: HostPath) =>
      directoryLayer({ place: { host, guest }, parents: [], owner: { uid: 1, gid: 1 } });
    const second = under(root, "second");
    await extractTar(layerOf(first).open(), { host: second, guest });
    expect((await collect(layerOf(second).open())).equals(await collect(layerOf(first).open()))).toBe(true);
  });

  it("leaves directories that are there as they are, and replaces files", async () => {
    const host = under(temporary(), "x");
    mkdirSync(join(host, "a"), { recursive: true });
    chmodSync(join(host, "a"), 0o711);
    writeFileSync(join(host, "a/file"), "before");
    writeFileSync(join(host, "a/other"), "other");
    await extractTo(host, [
      { name: "layers/bp/x/a/", mode: 0o700 },
      { name: "layers/bp/x/a/file", content: "after" },
    ]);
    expect(modeOf(join(host, "a"))).toBe(0o711);
    expect(readFileSync(join(host, "a/file"), "utf8")).toBe("after");
    expect(readFileSync(join(host, "a/other"), "utf8")).toBe("other");
  });

  it.each<[string, Sketch]>([
    ["a hard link", { name: "layers/bp/x/b", type: "hardlink", link: "layers/bp/x/a" }],
    ["a pipe", { name: "layers/bp/x/b", type: "fifo" }],
    ["a device", { name: "layers/bp/x/b", type: "char", devMajor: 1, devMinor: 3 }],
  ])("refuses %s, as the reference does", async (_, sketch) => {
    await expect(restored([sketch])).rejects.toMatchObject({ code: "tar.unsupported" });
  });

  it.each<[string, readonly Sketch[]]>([
    [
      "a link on a link",
      [
        { name: "layers/bp/x/a", link: "1" },
        { name: "layers/bp/x/a", link: "2" },
      ],
    ],
    ["a directory on a file", [{ name: "layers/bp/x/a" }, { name: "layers/bp/x/a/" }]],
    ["a directory on a link", [{ name: "layers/bp/x/a", link: "." }, { name: "layers/bp/x/a/" }]],
    ["a file on a directory", [{ name: "layers/bp/x/a/" }, { name: "layers/bp/x/a" }]],
    ["a file below a file", [{ name: "layers/bp/x/a" }, { name: "layers/bp/x/a/b" }]],
    ["a name too long for any disk", [{ name: `layers/bp/x/${"n".repeat(300)}` }]],
    ["a link to nothing", [{ name: "layers/bp/x/a", type: "symlink" }]],
  ])("refuses %s", async (_, sketches) => {
    await expect(restored(sketches)).rejects.toMatchObject({ code: "tar.write" });
  });

  it("stops when it is told to", async () => {
    const host = under(temporary(), "x");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(extractTar([archive([{ name: "layers/bp/x/a" }])], { host, guest }, { signal })).rejects.toThrow(
      "enough",
    );
    expect(readdirSync(host)).toEqual([]);
  });
});

describe("extractTar, given an archive that would leave its place", () => {
  const evil = "layers/bp/x/";

  /** A root with a layer's place and something beside it that must stay as it is. */
  function scene() {
    const root = temporary();
    mkdirSync(join(root, "outside"));
    writeFileSync(join(root, "outside/file"), "untouched");
    return { root, host: under(root, "x") };
  }

  it.each<[string, readonly Sketch[]]>([
    ["goes up", [{ name: `${evil}../../../outside/file`, content: "evil" }]],
    ["goes up after going down", [{ name: `${evil}a/../../outside/file`, content: "evil" }]],
    ["goes up at its end", [{ name: `${evil}a/..`, type: "directory", mode: 0 }]],
    ["names another layer", [{ name: "/layers/bp/y/file", content: "evil" }]],
    ["names a neighbour with the same beginning", [{ name: "/layers/bp/xy", content: "evil" }]],
    ["names a file of the machine", [{ name: "/etc/passwd", content: "evil" }]],
    ["makes a file of a directory above", [{ name: "/layers/bp", content: "evil" }]],
    ["makes a link of a directory above", [{ name: "/layers", link: "/tmp" }]],
    ["makes a link of the layer itself", [{ name: "/layers/bp/x", link: "../outside" }]],
    ["makes a file of the layer itself", [{ name: "/layers/bp/x", content: "evil" }]],
    [
      "goes through a link of its own",
      [
        { name: `${evil}a`, link: "../outside" },
        { name: `${evil}a/file`, content: "evil" },
      ],
    ],
    [
      "goes through a link within",
      [{ name: `${evil}d/` }, { name: `${evil}a`, link: "d" }, { name: `${evil}a/f`, content: "evil" }],
    ],
    [
      "goes through two links",
      [{ name: `${evil}a`, link: "b" }, { name: `${evil}b`, link: "../outside" }, { name: `${evil}a/file` }],
    ],
    [
      "makes a link in a link",
      [
        { name: `${evil}a`, link: "../outside" },
        { name: `${evil}a/l`, link: "/etc" },
      ],
    ],
    ["makes a directory in a link", [{ name: `${evil}a`, link: "../outside" }, { name: `${evil}a/d/` }]],
  ])("refuses one that %s", async (_, sketches) => {
    const { root, host } = scene();
    await expect(extractTo(host, sketches)).rejects.toMatchObject({
      code: "tar.escape",
      message: expect.stringContaining(sketches.at(-1)!.name),
    });
    expect(readdirSync(join(root, "outside"))).toEqual(["file"]);
    expect(readFileSync(join(root, "outside/file"), "utf8")).toBe("untouched");
    expect(readdirSync(root).sort()).toEqual(["outside", "x"]);
  });

  it("replaces a link by a file instead of writing through it", async () => {
    const { root, host } = scene();
    await extractTo(host, [
      { name: `${evil}a`, link: "../outside/file" },
      { name: `${evil}a`, content: "new" },
    ]);
    expect(readFileSync(join(root, "outside/file"), "utf8")).toBe("untouched");
    expect(readFileSync(join(host, "a"), "utf8")).toBe("new");
  });

  it("does not follow links that were there before", async () => {
    const { root, host } = scene();
    mkdirSync(host);
    symlinkSync("../outside", join(host, "a"));
    await expect(extractTo(host, [{ name: `${evil}a/file`, content: "evil" }])).rejects.toMatchObject({
      code: "tar.escape",
    });
    await expect(extractTo(under(host, "a"), [{ name: `${evil}file`, content: "evil" }])).rejects.toMatchObject({
      code: "tar.escape",
    });
    expect(readFileSync(join(root, "outside/file"), "utf8")).toBe("untouched");
  });
});
