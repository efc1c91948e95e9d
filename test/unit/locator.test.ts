import { describe, expect, it } from "vitest";
import { parseLocator } from "../../src/cnb/locator.ts";

const surroundings = {
  exists: async (path: string) => ["buildpack", "a/b", "./near"].includes(path),
  builder: [{ id: "acme/go", version: "1.2.3" }],
};
const parse = (text: string) => parseLocator(text, surroundings);

describe("locators", () => {
  it.each([
    ["./near", { kind: "path", path: "./near" }],
    ["buildpack", { kind: "path", path: "buildpack" }],
    ["file:///srv/a%20b.tgz", { kind: "path", path: "/srv/a b.tgz" }],
    ["https://acme.example/bp.tgz", { kind: "url", url: "https://acme.example/bp.tgz" }],
    ["docker://acme.example/bp:1", { kind: "image", name: "acme.example/bp:1" }],
    ["docker:/acme/bp", { kind: "image", name: "acme/bp" }],
    [
      "urn:cnb:registry:acme/ruby@1.0.0",
      { kind: "registry", id: { namespace: "acme", name: "ruby", version: "1.0.0" } },
    ],
    ["acme/bp:1", { kind: "image", name: "acme/bp:1" }],
  ])("BPKG-016 %s", async (text, locator) => {
    expect(await parse(text)).toEqual(locator);
  });

  it("without a scheme are a path that is there, then the builder's, then a registry's, then an image", async () => {
    expect(await parse("a/b")).toEqual({ kind: "path", path: "a/b" });
    expect(await parse("acme/go")).toEqual({ kind: "builder", id: "acme/go" });
    expect(await parse("acme/go@1.2.3")).toEqual({ kind: "builder", id: "acme/go", version: "1.2.3" });
    expect(await parse("acme/go@1.2.4")).toMatchObject({ kind: "registry" });
    expect(await parse("acme/other")).toMatchObject({ kind: "registry" });
    expect(await parse("plain")).toEqual({ kind: "image", name: "plain" });
  });

  it.each([
    ["urn:cnb:builder:acme/go@9", { kind: "builder", id: "acme/go", version: "9" }],
    ["from=builder:acme/go", { kind: "builder", id: "acme/go" }],
    ["from=builder", { kind: "builder-order" }],
  ])("%s is of the builder", async (text, locator) => {
    expect(await parse(text)).toEqual(locator);
  });

  it.each(["", "./missing", "missing.tgz", "ftp://acme.example/x", "file://far/x", "libcnb:acme/x@", "urn:x", "A B"])(
    "%j is none",
    async (text) => {
      await expect(parse(text)).rejects.toMatchObject({ code: "locator.parse", exit: "usage" });
    },
  );
});
