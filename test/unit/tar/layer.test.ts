import { execFileSync } from "node:child_process";
import { appendFileSync, chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { extract } from "tar-stream";
import { describe, expect, it } from "vitest";
import { collect } from "../../../src/std/byte.ts";
import { guestPath, type HostPath, type Place } from "../../../src/std/path.ts";
import { appLayers, directoryLayer, launcherLayer, processTypesLayer } from "../../../src/tar/layer.ts";
import { faultOf } from "../../support/fault.ts";
import { peer } from "../../support/peer.ts";
import { entriesOf, temporary } from "./archive.ts";

const owner = { uid: 1000, gid: 1001 };
const at = (host: HostPath, guest = "/layers/bp/x"): Place => ({ host, guest: guestPath(guest) });
const layerOf = (host: HostPath, guest?: string) => directoryLayer({ place: at(host, guest), parents: [], owner });

describe("directoryLayer", () => {
  it("EXPORT-032 gives parents owners and modes of their own, everything below the owner of the build", async () => {
    const root = temporary();
    writeFileSync(join(root, "file"), "");
    const parents = [{ path: guestPath("/layers"), mode: 0o1777, uid: 5, gid: 6 }];
    const entries = await entriesOf(directoryLayer({ place: at(root), parents, owner }).open());
    expect(entries.map(({ header }) => [header.name, header.uid, header.gid])).toEqual([
      ["/layers", 5, 6],
      ["/layers/bp/x", 1000, 1001],
      ["/layers/bp/x/file", 1000, 1001],
    ]);
    expect(entries[0]!.header.mode).toBe(0o1777);
  });

  it("EXPORT-023 gives everything one time", async () => {
    const root = temporary();
    writeFileSync(join(root, "file"), "x");
    symlinkSync("file", join(root, "link"));
    const times = (await entriesOf(layerOf(root).open())).map(({ header }) => header.mtime);
    expect(new Set(times)).toEqual(new Set([315532801]));
  });

  it("EXPORT-036 keeps symbolic links as they are: absolute, dangling, to directories, of any bytes", async () => {
    const root = temporary();
    mkdirSync(join(root, "a"));
    symlinkSync("/etc/passwd", join(root, "absolute"));
    symlinkSync("a", join(root, "directory"));
    symlinkSync(Buffer.from([0xff, 0x2f, 0xfe]), join(root, "odd"));
    const links = (await entriesOf(layerOf(root).open())).filter(({ header }) => header.type === "symlink");
    expect(links.map(({ header }) => [header.link, header.mode])).toEqual([
      ["/etc/passwd", 0o777],
      ["a", 0o777],
      ["\u00ff/\u00fe", 0o777],
    ]);
  });

  it("BUILD-016 takes directories and files nobody may write", async () => {
    const root = temporary();
    mkdirSync(join(root, "closed"));
    writeFileSync(join(root, "closed", "file"), "x");
    chmodSync(join(root, "closed", "file"), 0o444);
    chmodSync(join(root, "closed"), 0o555);
    const modes = (await entriesOf(layerOf(root).open())).map(({ header }) => header.mode);
    expect(modes.slice(1)).toEqual([0o555, 0o444]);
    chmodSync(join(root, "closed"), 0o755);
  });

  it("leaves sockets out", async () => {
    const root = temporary();
    const server = createServer().listen(join(root, "socket"));
    await new Promise((resolve) => server.once("listening", resolve));
    const names = (await entriesOf(layerOf(root).open())).map(({ header }) => header.name);
    await new Promise((resolve) => server.close(resolve));
    expect(names).toEqual(["/layers/bp/x"]);
  });

  it.skipIf(process.geteuid?.() !== 0)("takes devices with their numbers", async () => {
    const root = temporary();
    try {
      execFileSync("mknod", [join(root, "device"), "b", "259", "1048575"]);
    } catch {
      // A container may forbid it even to root.
      return;
    }
    const [, device] = await entriesOf(layerOf(root).open());
    expect(device!.header).toMatchObject({ type: "block", devMajor: 259, devMinor: 1048575 });
  });

  it("comes in pieces of 1 MiB, the same ones each time, whatever the sizes of files", async () => {
    const root = temporary();
    const sizes = [0, 1, 511, 512, 513, 1 << 20, (1 << 20) - 512, (1 << 20) + 1, 3 * (1 << 20) + 77];
    for (const size of sizes) writeFileSync(join(root, String(size)), Buffer.alloc(size, size % 251));
    const layer = layerOf(root);
    const lengths: number[] = [];
    for await (const piece of layer.open()) lengths.push(piece.length);
    expect(lengths.slice(0, -1).every((length) => length === 1 << 20)).toBe(true);
    expect(lengths.at(-1)! % 512).toBe(0);
    const bytes = await collect(layer.open());
    expect((await collect(layer.open())).equals(bytes)).toBe(true);
    for (const { header, content } of await entriesOf([bytes])) {
      if (header.type === "file") expect(header.name).toBe(`/layers/bp/x/${content.length}`);
      expect(new Set(content).size).toBeLessThan(2);
    }
  });

  it("names the root of an image without a second slash", async () => {
    const root = temporary();
    writeFileSync(join(root, "file"), "");
    expect((await entriesOf(layerOf(root, "/").open())).map(({ header }) => header.name)).toEqual(["/", "/file"]);
  });

  it.each<[string, (file: string) => void]>([
    ["grows", (file) => appendFileSync(file, "more")],
    ["shrinks", (file) => truncateSync(file, 1_200_000)],
    ["becomes empty", (file) => truncateSync(file, 0)],
  ])("refuses a file that %s while the layer is made", async (_, change) => {
    const root = temporary();
    // The first pieces are out before the second file is opened.
    writeFileSync(join(root, "a"), Buffer.alloc(3 << 20));
    writeFileSync(join(root, "b"), Buffer.alloc(2 << 20));
    const layers = await appLayers({ place: at(root), slices: [], owner });
    const run = async () => {
      let first = true;
      for await (const _ of layers[0]!.open()) {
        if (first) change(join(root, "b"));
        first = false;
      }
    };
    await expect(run()).rejects.toMatchObject({ code: "tar.changed" });
  });

  it.each<[string, (file: string) => void]>([
    ["a link", (file) => symlinkSync("/etc/passwd", file)],
    ["nothing", () => undefined],
    ["a pipe", (file) => execFileSync("mkfifo", [file])],
  ])("refuses %s where a file was", async (_, put) => {
    const root = temporary();
    writeFileSync(join(root, "file"), "abc");
    const layers = await appLayers({ place: at(root), slices: [], owner });
    rmSync(join(root, "file"));
    put(join(root, "file"));
    await expect(collect(layers[0]!.open())).rejects.toMatchObject({ name: "Fault" });
  });

  it.skipIf(process.geteuid?.() === 0)("says which file it may not read, and what to do", async () => {
    const root = temporary();
    writeFileSync(join(root, "secret"), "x", { mode: 0 });
    await expect(collect(layerOf(root).open())).rejects.toMatchObject({
      code: "tar.read",
      message: `Cannot read ${root}/secret: permission denied`,
      hint: "make it readable for the user who runs the build",
    });
  });

  it("stops when it is told to, also within a large file", async () => {
    const root = temporary();
    writeFileSync(join(root, "large"), Buffer.alloc(20 << 20));
    const control = new AbortController();
    let pieces = 0;
    const run = async () => {
      for await (const _ of layerOf(root).open(control.signal)) if (++pieces === 2) control.abort(new Error("enough"));
    };
    await expect(run()).rejects.toThrow("enough");
    expect(pieces).toBe(2);
  });
});

describe("appLayers", () => {
  it("SLICE-005 SLICE-008 has parents in every layer but an empty one, which is 1024 zeros", async () => {
    const root = temporary();
    writeFileSync(join(root, "file"), "x");
    const parents = [{ path: guestPath("/home"), mode: 0o755, uid: 0, gid: 0 }];
    const layers = await appLayers({ place: at(root, "/home/app"), slices: [["file"], ["none"]], owner, parents });
    const names = await Promise.all(
      layers.map(async (layer) => (await entriesOf(layer.open())).map(({ header }) => header.name)),
    );
    expect(names).toEqual([["/home", "/home/app", "/home/app/file"], [], []]);
    expect((await collect(layers[2]!.open())).equals(Buffer.alloc(1024))).toBe(true);
  });

  it("SLICE-002 matches names that are not UTF-8", async () => {
    const root = temporary();
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), "x");
    const layers = await appLayers({ place: at(root), slices: [["?"]], owner });
    expect((await entriesOf(layers[0]!.open())).map(({ header }) => header.name)).toEqual([
      "/layers/bp/x",
      "/layers/bp/x/\u00ff",
    ]);
  });
});

describe("launcherLayer and processTypesLayer", () => {
  it("EXPORT-010 says which launcher it cannot read", async () => {
    const root = temporary();
    await expect(collect(launcherLayer(`${root}/none` as HostPath).open())).rejects.toMatchObject({
      message: `Cannot read ${root}/none: it is not there`,
    });
  });

  it.each(["", "a/b", "a>b", "a<b", "a:b", "a|b", "a&b", "a\\b"])("EXPORT-010 refuses the process type %j", (type) => {
    const fault = faultOf(() => processTypesLayer(["web", type]));
    expect([fault.code, fault.exit]).toEqual(["process.type", "export"]);
  });
});

describe("other readers of our archives", () => {
  async function sample(uid: number) {
    const root = temporary();
    mkdirSync(join(root, "d".repeat(90)));
    writeFileSync(join(root, "d".repeat(90), "f".repeat(120)), "long");
    writeFileSync(join(root, "naïve"), "x".repeat(700));
    symlinkSync("t".repeat(130), join(root, "link"));
    const layer = directoryLayer({ place: at(root), parents: [], owner: { uid, gid: 1000 } });
    return collect(layer.open());
  }

  it("GNU tar lists them without a word of complaint", async (test) => {
    const tar = peer("tar", test);
    const bytes = await sample(1_000_650_000);
    const listing = execFileSync(tar, ["-tvf", "-", "-P", "--numeric-owner", "--utc", "--quoting-style=literal"], {
      input: bytes,
      encoding: "utf8",
      stdio: ["pipe", "pipe", "inherit"],
    });
    expect(listing.trimEnd().split("\n")).toHaveLength(5);
    expect(listing).toContain(`-> ${"t".repeat(130)}\n`);
    expect(listing).toContain("1000650000/1000");
    expect(listing).toContain("/layers/bp/x/naïve\n");
    expect(listing).toContain("1980-01-01 00:00");
  });

  it("tar-stream reads what we read", async () => {
    // It takes no owner from an extension: one that needs none, then.
    const bytes = await sample(1000);
    const theirs: unknown[] = [];
    const reader = extract();
    reader.end(bytes);
    for await (const entry of reader) {
      const { name, size, mode, uid, linkname } = entry.header;
      theirs.push([name, size, mode, uid, linkname ?? "", (await collect(entry)).toString()]);
    }
    const ours = (await entriesOf([bytes])).map(({ header, content }) => [
      Buffer.from(header.name, "latin1").toString(),
      header.size,
      header.mode,
      header.uid,
      header.link,
      content,
    ]);
    expect(theirs).toEqual(ours);
  });
});
