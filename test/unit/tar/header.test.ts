import { describe, expect, it } from "vitest";
import { encodeHeader } from "../../../src/tar/header.ts";
import { faultOf } from "../../support/fault.ts";
import { headerOf, type Sketch } from "./archive.ts";

const encode = (sketch: Sketch) => encodeHeader(headerOf(sketch));
const recordsOf = (bytes: Buffer) => bytes.toString("latin1", 512, bytes.length - 512).replace(/\0+$/, "");
const nameOf = (bytes: Buffer) => bytes.toString("latin1", bytes.length - 512, bytes.length - 412).replace(/\0+$/, "");

describe("encodeHeader", () => {
  it("says the whole name again when another field needs an extension", () => {
    const name = `/${"p".repeat(99)}/${"b".repeat(99)}`;
    expect(encode({ name }).length).toBe(512);
    const bytes = encode({ name, uid: 2_097_152 });
    expect(recordsOf(bytes)).toBe(`210 path=${name}\n15 uid=2097152\n`);
    expect(nameOf(bytes)).toBe(`/${"p".repeat(99)}`);
  });

  it("orders records by the bytes of their keys", () => {
    const bytes = encode({
      name: "é",
      link: "ü",
      uid: -1,
      gid: -1,
      mtime: -1,
      uname: "ö" as never,
      gname: "ä" as never,
    });
    const keys = recordsOf(bytes)
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^\d+ |=.*$/g, ""));
    expect(keys).toEqual(["gid", "gname", "linkpath", "mtime", "path", "uid", "uname"]);
  });

  it.each([
    [95, "105 path="],
    [90, "99 path="],
    [91, "101 path="],
  ])("counts the digits of a record's length in it (%i bytes)", (length, start) => {
    const name = `${"x".repeat(length - 2)}\u00c3\u00a9`;
    const records = recordsOf(encode({ name }));
    expect(records.startsWith(start)).toBe(true);
    expect(records.length).toBe(Number.parseInt(start, 10));
  });

  it("ends a cut name before a slash, as Go does", () => {
    // In PAX form 100 bytes remain of the name; they would end with a slash.
    const name = `${"a".repeat(97)}///${"é".repeat(2)}`;
    const block = encode({ name: Buffer.from(name).toString("latin1") }).subarray(-512);
    expect(block.toString("latin1", 0, 100)).toBe(`${"a".repeat(97)}///`);
    const long = `${"a".repeat(97)}///b${"é"}`;
    const cut = encode({ name: Buffer.from(long).toString("latin1") }).subarray(-512);
    expect(cut.toString("latin1", 0, 100)).toBe(`${"a".repeat(97)}\0//`);
  });

  it.each([
    ["/a/é", "/a/PaxHeaders.0"],
    ["é", "PaxHeaders.0"],
    [`/${"b/".repeat(60)}é`, `/${"b/".repeat(49)}b`],
  ])("names the extension of %s after the entry", (name, shown) => {
    const bytes = encode({ name: Buffer.from(name).toString("latin1") });
    expect(bytes.toString("latin1", 0, 100).replace(/\0+$/, "")).toBe(shown);
  });

  it.each<[string, Sketch]>([
    ["a NUL in a name", { name: "a\0b" }],
    ["a NUL in a link", { name: "a", link: "b\0" }],
    ["a file whose name ends with a slash", { name: "a/", type: "file" }],
    ["half a second", { name: "a", mtime: 0.5 }],
    ["a mode that has no room", { name: "a", mode: 0o10000000 }],
    ["a device number that has no room", { name: "a", type: "char", devMajor: 0o10000000 }],
    ["a name longer than any reader takes", { name: "a".repeat(1_100_000) }],
  ])("refuses %s", (_, sketch) => {
    const fault = faultOf(() => encode(sketch));
    expect(fault.code).toBe("tar.header");
    expect(fault.message).toMatch(/^Cannot write archive entry "/);
    expect(fault.message.length).toBeLessThan(1000);
  });
});
