import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { builderFrom, locatorFrom } from "../../../src/source/locator.ts";
import { hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";

const base = hostPath(mkdtempSync(join(tmpdir(), "plinth-locator-")));
afterAll(() => removeTree(base));
mkdirSync(join(base, "acme/buildpack"), { recursive: true });
mkdirSync(join(base, "acme/builder"));
mkdirSync(join(base, "own"));
writeFileSync(join(base, "own/builder.toml"), "");

describe("where a builder or buildpack is", () => {
  it("what is there is a path, anything else a name", () => {
    expect(locatorFrom(base, "acme/buildpack")).toBe(join(base, "acme/buildpack"));
    expect(locatorFrom(base, "acme/other@1.0.0")).toBe("acme/other@1.0.0");
    expect(locatorFrom(base, "oci:acme:latest")).toBe(`oci:${join(base, "acme")}:latest`);
  });

  it("a directory is a builder only with a builder.toml, so a folder of an image's name does not hide the image", () => {
    expect(builderFrom(base, "own")).toBe(join(base, "own/builder.toml"));
    expect(builderFrom(base, "acme/builder")).toBe("acme/builder");
    expect(builderFrom(base, "./acme/builder")).toBe(join(base, "acme/builder"));
    expect(builderFrom(base, "own/builder.toml")).toBe(join(base, "own/builder.toml"));
  });
});
