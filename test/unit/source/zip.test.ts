import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unpackZip } from "../../../src/source/zip.ts";
import { hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";
import { Bench } from "../../support/flow.ts";
import { type ZipEntry, zipOf } from "../../support/zip.ts";

const root = mkdtempSync(join(tmpdir(), "plinth-test-"));
afterAll(() => removeTree(root));

async function unpacked(bytes: Buffer): Promise<string> {
  const folder = mkdtempSync(join(root, "to-"));
  writeFileSync(join(root, "a.zip"), bytes);
  await unpackZip(hostPath(join(root, "a.zip")), hostPath(folder));
  return folder;
}

describe("a zip archive", () => {
  it("becomes directories, files and links; what may run still may", async () => {
    const folder = await unpacked(
      zipOf([
        { name: "empty/", mode: 0o40755 },
        { name: "src/run.sh", content: "run", mode: 0o100755 },
        { name: "src/text", content: "text" },
        { name: "link", content: "src/text", mode: 0o120777 },
        { name: "pipe", mode: 0o010644 },
      ]),
    );
    expect(readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()).toEqual([
      "empty",
      "link",
      "src",
      "src/run.sh",
      "src/text",
    ]);
    expect(lstatSync(join(folder, "src/run.sh")).mode & 0o100).toBe(0o100);
    expect(lstatSync(join(folder, "src/text")).mode & 0o111).toBe(0);
    expect(readlinkSync(join(folder, "link"))).toBe("src/text");
    expect(readFileSync(join(folder, "src/text"), "utf8")).toBe("text");
  });

  const link = { name: "a", content: "/etc", mode: 0o120777 };
  it.each<[string, readonly ZipEntry[]]>([
    ["leads out by ..", [{ name: "../out" }]],
    ["leads out by a path from the root", [{ name: "/tmp/out" }]],
    ["writes through a link", [link, { name: "a/passwd", content: "x" }]],
    ["has one name twice", [{ name: "b" }, { name: "b" }]],
    ["has a link as long as no path is", [{ ...link, content: "x".repeat(5000) }]],
  ])("that %s is refused", async (_, entries) => {
    await expect(unpacked(zipOf(entries))).rejects.toMatchObject({ code: "app.zip", exit: "usage" });
  });

  it("that is damaged is refused", async () => {
    const good = zipOf([{ name: "file", content: "the content" }]);
    for (const bytes of [good.subarray(0, 30), good.subarray(0, -10), Buffer.concat([good, Buffer.from("more")])])
      await expect(unpacked(bytes)).rejects.toMatchObject({
        code: "app.zip",
        hint: expect.stringContaining("damaged"),
      });
  });
});

describe("an app in a zip archive", () => {
  const bench = new Bench();
  beforeAll(() => bench.runImage());
  const buildpack = () => bench.buildpack({ id: "test/list", build: "find . | sort" });

  it("is built as its directory is, to the same image, and nothing unpacked stays", async () => {
    bench.write("app/bin/run.sh", "true\n", 0o755);
    const plain = await bench.build([buildpack()]);
    const app = join(bench.root, "app.zip");
    writeFileSync(
      app,
      zipOf([
        { name: "bin/run.sh", content: "true\n", mode: 0o100755 },
        { name: "file.txt", content: "content\n" },
      ]),
    );
    const zipped = await bench.build([buildpack()], { app, image: "zipped" });
    expect(zipped.fault).toBeUndefined();
    expect(zipped.report!.imageId).toBe(plain.report!.imageId);
    expect(readdirSync(join(bench.home, "work"))).toEqual([]);
  });

  it("that is none is refused", async () => {
    const app = bench.write("app.txt", "text");
    const { fault } = await bench.build([buildpack()], { app });
    expect(fault?.message).toContain("neither a directory nor a zip archive");
  });
});
