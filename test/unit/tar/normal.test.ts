import { describe, expect, it } from "vitest";
import { collect } from "../../../src/std/byte.ts";
import type { ByteString } from "../../../src/tar/name.ts";
import { normalTar } from "../../../src/tar/normal.ts";
import { archive, entriesOf, extension } from "./archive.ts";

describe("a layer of another tool, made ours", () => {
  it("has one time and no names of owners, and keeps order, owners, modes, attributes and bytes", async () => {
    const value = "\u0001\u0000\u00ff";
    const record = `SCHILY.xattr.security.capability=${value}\n`;
    const records = `${record.length + 3} ${record}`;
    const names = { uname: "me" as ByteString, gname: "us" as ByteString };
    const plain = archive([
      { name: "opt/b", mtime: 5, uid: 7, gid: 8, mode: 0o4755, content: "one", ...names },
      { name: "opt/a/", mtime: 6 },
      { name: "opt/c", link: "b", mtime: 7 },
    ]);
    const found = await entriesOf([await collect(normalTar([extension("x", records), plain]))]);
    expect(found.map(({ header, content }) => [header.name, header.type, header.mode, header.link, content])).toEqual([
      ["opt/b", "file", 0o4755, "", "one"],
      ["opt/a/", "directory", 0o755, "", ""],
      ["opt/c", "symlink", 0o644, "b", ""],
    ]);
    expect(new Set(found.map(({ header }) => header.mtime))).toEqual(new Set([315_532_801]));
    expect(found[0]!.header).toMatchObject({ uid: 7, gid: 8 });
    expect(found[0]!.header).not.toHaveProperty("uname");
    expect([...found[0]!.header.attributes!]).toEqual([["security.capability", value]]);
  });

  it("loses the empty files that engines mount over, and no others", async () => {
    const names = ["etc/hosts", "/etc/resolv.conf", "./etc/hostname", "etc/hosts.allow", "opt/etc/hosts"];
    const tar = archive([...names.map((name) => ({ name })), { name: "etc/hosts", content: "127.0.0.1 here" }]);
    const found = await entriesOf([await collect(normalTar([tar]))]);
    expect(found.map(({ header, content }) => [header.name, content])).toEqual([
      ["etc/hosts.allow", ""],
      ["opt/etc/hosts", ""],
      ["etc/hosts", "127.0.0.1 here"],
    ]);
  });
});
