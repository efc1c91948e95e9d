import { mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { copyFile } from "../../../src/source/copy-file.ts";
import { removeTree } from "../../../src/std/remove.ts";

const root = mkdtempSync(join(tmpdir(), "plinth-test-"));
afterAll(() => removeTree(root));
const at = (name: string) => join(root, name);
const bytes = (length: number) => Buffer.from(Array.from({ length }, (_, place) => (place * 7919) % 251));

describe("a copy of a file", () => {
  const lengths = { "no bytes": 0, "few bytes": 20, "as many as go at once": 256 << 10, "many bytes": (256 << 10) + 1 };
  for (const [title, length] of Object.entries(lengths)) {
    it(`of ${title} has its content, and the mode it is to have`, () => {
      const umask = process.umask(0o077);
      try {
        writeFileSync(at(`from-${length}`), bytes(length));
        copyFile(at(`from-${length}`), at(`to-${length}`), { size: length, mode: 0o755 });
      } finally {
        process.umask(umask);
      }
      expect(readFileSync(at(`to-${length}`)).equals(bytes(length))).toBe(true);
      expect(statSync(at(`to-${length}`)).mode & 0o7777).toBe(0o755);
    });

    it(`of ${title} does not go over what is there`, () => {
      writeFileSync(at(`over-${length}`), bytes(length));
      writeFileSync(at(`there-${length}`), "mine");
      const to = { size: length, mode: 0o644 };
      expect(() => copyFile(at(`over-${length}`), at(`there-${length}`), to)).toThrow("EEXIST");
      expect(readFileSync(at(`there-${length}`), "utf8")).toBe("mine");
    });
  }

  it("has what a file that has grown meanwhile holds", () => {
    writeFileSync(at("grown"), bytes(600_000));
    copyFile(at("grown"), at("grown-copy"), { size: 10, mode: 0o644 });
    expect(readFileSync(at("grown-copy")).equals(bytes(600_000))).toBe(true);
  });

  it("is not made of what has become a link meanwhile", () => {
    writeFileSync(at("elsewhere"), "secret");
    symlinkSync(at("elsewhere"), at("link"));
    expect(() => copyFile(at("link"), at("link-copy"), { size: 6, mode: 0o644 })).toThrow("ELOOP");
  });
});
