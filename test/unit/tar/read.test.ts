import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collect } from "../../../src/std/byte.ts";
import { encodeHeader } from "../../../src/tar/header.ts";
import { readTar } from "../../../src/tar/read.ts";
import { peer } from "../../support/peer.ts";
import { archive, end, entriesOf, extension, headerOf, patched, pieces, temporary } from "./archive.ts";

const block = (name: string) => encodeHeader(headerOf({ name }));
const namesOf = async (bytes: Uint8Array) => (await entriesOf([bytes])).map(({ header }) => header.name);

describe("readTar", () => {
  it("gives headers and contents, in whatever pieces the bytes come", async () => {
    const bytes = archive([
      { name: "dir/" },
      { name: "dir/a", content: "abc" },
      { name: `/${"x".repeat(300)}`, content: "y".repeat(1000) },
      { name: "l", link: "dir/a" },
    ]);
    const whole = await entriesOf([bytes]);
    expect(whole.map(({ header, content }) => [header.name.length, header.type, content.length])).toEqual([
      [4, "directory", 0],
      [5, "file", 3],
      [301, "file", 1000],
      [1, "symlink", 0],
    ]);
    for (const size of [1, 7, 512, 513, 4096]) expect(await entriesOf(pieces(bytes, size))).toEqual(whole);
  });

  it("passes over content nobody reads", async () => {
    const bytes = archive([
      { name: "a", content: "x".repeat(5000) },
      { name: "b", content: "yy" },
      { name: "c", content: "z" },
    ]);
    const names: string[] = [];
    for await (const { header, content } of readTar(pieces(bytes, 1000))) {
      names.push(header.name);
      if (header.name === "b") for await (const part of content) if (part.length > 0) break;
    }
    expect(names).toEqual(["a", "b", "c"]);
  });

  it("refuses to give content that has been passed over", async () => {
    const bytes = archive([{ name: "a", content: "x" }, { name: "b" }]);
    const entries = [];
    for await (const entry of readTar([bytes])) entries.push(entry);
    await expect(collect(entries[0]!.content)).rejects.toThrow(RangeError);
  });

  it("takes all bytes, those behind the end too, so that a producer can verify them", async () => {
    async function* verified() {
      yield archive([{ name: "a" }]);
      yield Buffer.alloc(9000);
      throw new Error("digest differs");
    }
    await expect(entriesOf(verified())).rejects.toThrow("digest differs");
  });

  it("tells the producer when the reader stops early", async () => {
    let closed = false;
    async function* producer() {
      try {
        for (;;) yield block("a");
      } finally {
        closed = true;
      }
    }
    for await (const { header } of readTar(producer())) if (header.name === "a") break;
    expect(closed).toBe(true);
  });

  it("reads long names of GNU tar, cut at their NUL", async () => {
    const name = "n".repeat(150);
    const target = "t".repeat(170);
    const link = encodeHeader(headerOf({ name: "short", link: "short" }));
    const bytes = [extension("L", `${name}\0`), extension("K", `${target}\0`), link, end];
    expect((await entriesOf(bytes))[0]!.header).toMatchObject({ name, link: target, type: "symlink" });
  });

  it("lets records of an entry go before those of the archive, and empty ones take them back", async () => {
    const bytes = Buffer.concat([
      extension("g", "15 path=global\n11 uid=100\n"),
      block("own"),
      extension("x", "14 path=local\n"),
      block("own"),
      extension("x", "8 path=\n"),
      block("own"),
      end,
    ]);
    expect((await entriesOf([bytes])).map(({ header }) => [header.name, header.uid])).toEqual([
      ["global", 100],
      ["local", 100],
      ["own", 100],
    ]);
  });

  it("rounds fractions of a second down, before 1970 too", async () => {
    const at = async (mtime: string) => {
      const record = `mtime=${mtime}\n`;
      const bytes = [extension("x", `${record.length + 3} ${record}`), block("a"), end];
      return (await entriesOf(bytes))[0]!.header.mtime;
    };
    expect(await at("1700000000.999")).toBe(1_700_000_000);
    expect(await at("-1.5")).toBe(-2);
  });

  it("reads numbers in GNU's form, negative ones too", async () => {
    const large = patched(block("a"), { 108: "\u0080\0\0\0\u003f\u00ff\u00ff\u00ff", 116: "\u00ff".repeat(8) });
    expect((await entriesOf([large, end]))[0]!.header).toMatchObject({ uid: 0x3fffffff, gid: -1 });
  });

  it("reads tars from before ustar: a name that ends with a slash is a directory", async () => {
    const old = patched(block("d").fill(0, 257), { 0: "d/", 156: "\0", 100: "   755 \0" });
    expect((await entriesOf([old, end]))[0]!.header).toMatchObject({ name: "d/", type: "directory", mode: 0o755 });
  });

  it("takes owners' names, the longer part of a path and device numbers only from the forms that have them", async () => {
    const fields = { 265: "user", 297: "group", 329: "0000003", 337: "0000004", 345: "before" };
    const headerWith = async (changes: Record<number, string>) =>
      (await entriesOf([patched(block("a"), changes), end]))[0]!.header;
    const named = { uname: "user", gname: "group", devMajor: 3, devMinor: 4 };
    expect(await headerWith(fields)).toMatchObject({ ...named, name: "before/a" });
    expect(await headerWith({ ...fields, 257: "ustar  \0" })).toMatchObject({ ...named, name: "a" });
    const old = await headerWith({ ...fields, 257: "\0\0\0\0\0\0\0\0" });
    expect(old).toMatchObject({ name: "a", devMajor: 0, devMinor: 0 });
    expect(Object.keys(old)).not.toContain("uname");
    expect(Object.keys(await headerWith({}))).toEqual(expect.not.arrayContaining(["uname", "gname"]));
    // star ends the prefix earlier, for it keeps two times behind it.
    const long = { 345: "p".repeat(155), 508: "tar\0" };
    expect((await headerWith(long)).name).toBe(`${"p".repeat(131)}/a`);
    expect((await headerWith({ 345: "p".repeat(155) })).name).toBe(`${"p".repeat(155)}/a`);
  });

  it("reads octal digits between spaces, and nothing behind them", async () => {
    const modeOf = async (text: string) => (await entriesOf([patched(block("a"), { 100: text }), end]))[0]!.header.mode;
    expect(await modeOf("   777 \0")).toBe(0o777);
    expect(await modeOf("0000755 ")).toBe(0o755);
    expect(await modeOf("12 34567")).toBe(0o12);
    expect(await modeOf("\0\0\0\0\0\0\0\0")).toBe(0);
    for (const text of ["000000/\0", "0000008\0"])
      await expect(modeOf(text)).rejects.toMatchObject({ code: "tar.corrupt" });
  });

  it("accepts a checksum of signed bytes, as some old programs write it", async () => {
    const bytes = patched(block("a"), { 0: "\u00e9" });
    const signed = bytes.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 32 : byte > 127 ? byte - 256 : byte), 0);
    bytes.write(signed.toString(8).padStart(6, "0"), 148, "latin1");
    expect(await namesOf(Buffer.concat([bytes, end]))).toEqual(["\u00e9"]);
  });

  it("ignores a size where there can be no content", async () => {
    const bytes = [patched(encodeHeader(headerOf({ name: "d/" })), { 124: "00000001000" }), block("a"), end];
    expect((await entriesOf(bytes)).map(({ header }) => [header.name, header.size])).toEqual([
      ["d/", 0],
      ["a", 0],
    ]);
  });

  it.for(["v7", "oldgnu", "gnu", "ustar", "posix"])("reads what GNU tar writes as %s", async (format, test) => {
    const tar = peer("tar", test);
    const root = temporary();
    const long = format === "v7" ? "a".repeat(90) : `${"d".repeat(90)}/${"f".repeat(90)}`;
    mkdirSync(join(root, "t", long.includes("/") ? "d".repeat(90) : "d"), { recursive: true });
    writeFileSync(join(root, "t", long), "content");
    symlinkSync("target", join(root, "t", "link"));
    const owner = format === "gnu" || format === "posix" ? "3000000" : "1000";
    const options = ["--numeric-owner", `--owner=${owner}`, "--group=5", "--mtime=@1000000000", "--sort=name"];
    const bytes = execFileSync(tar, ["-c", `--format=${format}`, ...options, "-C", root, "t"]);
    const entries = await entriesOf([bytes]);
    const found = new Map(entries.map((entry) => [entry.header.name as string, entry]));
    expect(found.get(`t/${long}`)).toMatchObject({
      content: "content",
      header: { uid: Number(owner), gid: 5, mtime: 1_000_000_000, type: "file" },
    });
    expect(found.get("t/link")?.header).toMatchObject({ type: "symlink", link: "target" });
    expect(found.get("t/")?.header.type).toBe("directory");
  });
});

describe("readTar, given what is no archive", () => {
  const good = archive([
    { name: "a", content: "abc" },
    { name: "n".repeat(200), content: "d" },
  ]);

  it("says of every cut archive that it is truncated", async () => {
    for (let length = 0; length < good.length - 512; length += 61)
      await expect(entriesOf([good.subarray(0, length)]), `${length}`).rejects.toMatchObject({ code: "tar.truncated" });
    // One block of the mark is enough of it.
    expect(await namesOf(good.subarray(0, good.length - 512))).toHaveLength(2);
  });

  it.each<[string, Uint8Array[], string]>([
    ["text", [Buffer.from("this is not a tar archive\n".repeat(100))], "tar.corrupt"],
    ["a wrong checksum", [Buffer.from(good).fill(1, 20, 21)], "tar.corrupt"],
    ["an entry behind a lone zero block", [Buffer.alloc(512), good], "tar.corrupt"],
    ["a number that is not octal", [patched(block("a"), { 108: "0000zz0" }), end], "tar.corrupt"],
    ["a size that no number holds", [patched(block("a"), { 124: `\u0080${"\u00ff".repeat(11)}` }), end], "tar.corrupt"],
    ["a negative size", [patched(block("a"), { 124: "\u00ff".repeat(12) }), end], "tar.corrupt"],
    ["a huge extension", [patched(block("a"), { 156: "x", 124: "00010000000" })], "tar.corrupt"],
    ["a huge long name", [patched(block("a"), { 156: "L", 124: "77777777777" })], "tar.corrupt"],
    ["an extension of negative size", [patched(block("a"), { 156: "x", 124: "\u00ff".repeat(12) })], "tar.corrupt"],
    ["a sparse file of GNU tar", [patched(block("a"), { 156: "S" }), end], "tar.unsupported"],
    ["a sparse file by records", [extension("x", "22 GNU.sparse.major=1\n"), block("a"), end], "tar.unsupported"],
    ["an unknown kind of entry", [patched(block("a"), { 156: "Q" }), end], "tar.unsupported"],
    ["content that is not there", [encodeHeader({ ...headerOf({ name: "a" }), size: 2 ** 40 }), end], "tar.truncated"],
  ])("refuses %s", async (_, bytes, code) => {
    await expect(entriesOf(bytes)).rejects.toMatchObject({ name: "Fault", code });
  });

  it.each([
    "path=a\n",
    "9 path=ab\n",
    "99 path=a\n",
    "0 path=a\n",
    "10 path=ab",
    "9 pathab\n",
    "8 =abcd\n",
    "11 path=a\0\n",
    "-9 path=a\n",
    "00000000000000000009 path=a\n",
    "10 path=ab\nx",
    "11 size=-1\n",
    "12 uid=1e10\n",
    "29 size=99999999999999999999\n",
    "13 mtime=now\n",
  ])("refuses the record %j", async (record) => {
    await expect(entriesOf([extension("x", record), block("a"), end])).rejects.toMatchObject({ code: "tar.corrupt" });
  });

  it("shows a name without what a terminal would obey", async () => {
    const bytes = [patched(block("a"), { 0: "\u001b[2Jevil", 156: "Q" }), end];
    await expect(entriesOf(bytes)).rejects.toThrow("Cannot extract \\x1b[2Jevil: ");
  });

  it("keeps no more than a megabyte of what extensions say", async () => {
    let peak = 0;
    const start = process.memoryUsage().arrayBuffers;
    function* endless() {
      const record = "x".repeat(1_000_000);
      const text = `comment=${record}\n`;
      const whole = extension("g", `${text.length + 8} ${text}`);
      for (let i = 0; i < 200; i++) {
        peak = Math.max(peak, process.memoryUsage().arrayBuffers - start);
        yield whole;
      }
      yield end;
    }
    expect(await entriesOf(endless())).toEqual([]);
    expect(peak).toBeLessThan(64 << 20);
  });
});
