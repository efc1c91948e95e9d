import { describe, expect, it } from "vitest";
import type { Package } from "../../../src/base/package.ts";
import { treeOf } from "../../../src/base/tree.ts";
import { byteString } from "../../../src/tar/name.ts";
import { faultOf } from "../../support/fault.ts";
import { pack } from "./pack.ts";

/** The tree in the form `pack` takes. */
function shown(...packages: Package[]): string[] {
  return [...treeOf(packages)].map(([path, node]) => {
    if (node.type === "symlink") return `${path} -> ${node.link}`;
    return node.type === "directory" ? `${path}/` : path;
  });
}

describe("packages laid over each other", () => {
  it("land below /usr, wherever they say", () => {
    const found = shown(pack("a", "bin/x", "lib64/ld.so", "sbin/", "lib/x86/libc.so"));
    expect(found).toContain("usr/bin/x");
    expect(found).toContain("usr/lib64/ld.so");
    expect(found).toContain("usr/lib/x86/libc.so");
    expect(found).toEqual(
      expect.arrayContaining(["bin -> usr/bin", "sbin -> usr/sbin", "lib -> usr/lib", "lib64 -> usr/lib64"]),
    );
    expect(found).not.toContain("lib32 -> usr/lib32");
  });

  it("meet systems that are merged already", () => {
    const found = shown(pack("base-files", "bin -> usr/bin", "usr/", "usr/bin/"), pack("old", "bin/sh -> dash"));
    expect(found.filter((line) => line.startsWith("bin"))).toEqual(["bin -> usr/bin"]);
    expect(found).toContain("usr/bin/sh -> dash");
  });

  it("leave out a link that would lead to itself", () => {
    const found = shown(pack("a", "usr/lib/y", "lib/y -> /usr/lib/y"));
    expect(found).toContain("usr/lib/y");
    expect(found.some((line) => line.startsWith("usr/lib/y ->"))).toBe(false);
  });

  it("are followed through links of other packages, and to /run", () => {
    const found = shown(
      pack("a", "etc/ssl/certs/", "usr/lib/ssl/certs -> /etc/ssl/certs"),
      pack("b", "usr/lib/ssl/certs/x.pem", "var/run/b/"),
    );
    expect(found).toContain("etc/ssl/certs/x.pem");
    expect(found).toContain("run/b/");
    expect(found).toContain("usr/lib/ssl/certs -> /etc/ssl/certs");
  });

  it("are the same whatever order they come in, base-files first in the modes of directories", () => {
    const packages = [pack("b", "etc/", "etc/b"), pack("base-files", "etc/"), pack("a", "etc/", "opt/a")];
    const entries = (items: Package[]) =>
      [...treeOf(items)].map(([path, { owner, type }]) => [path, owner, type]).sort();
    expect(entries(packages)).toEqual(entries([...packages].reverse()));
    const etc = treeOf(packages).get(byteString("etc"));
    expect(etc).toMatchObject({ mode: 0o700, owner: "base-files" });
  });

  it("are refused where links go round or a directory is a file", () => {
    expect(faultOf(() => treeOf([pack("a", "x -> y", "y -> x", "x/file")])).code).toBe("base.link");
    expect(faultOf(() => treeOf([pack("a", "etc/x"), pack("b", "etc/x/y")])).code).toBe("base.conflict");
  });
});
