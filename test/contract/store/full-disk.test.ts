import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, type TestContext } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { Fault, reasonOf } from "../../../src/std/fault.ts";
import { type HostPath, under } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { inFolder } from "./place.ts";
import { sampleImage } from "./sample.ts";

/** Runs `work` in a file system of its own with room for 2 MB; skips the test where this user may not mount one. */
async function onSmallDisk(test: TestContext, work: (disk: HostPath) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const disk = under(folder, "disk");
    mkdirSync(disk);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], { stdio: "pipe" });
    } catch (error) {
      const reason = `a small file system cannot be mounted here: ${reasonOf(error).trim()}`;
      console.log(`skipped: ${reason}`);
      test.skip(reason);
    }
    try {
      await work(disk);
    } finally {
      execFileSync("umount", [disk]);
    }
  });
}

/** Leaves `free` bytes on the disk. */
function fill(disk: HostPath, free: number): void {
  rmSync(join(disk, "ballast"), { force: true });
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(join(disk, "ballast"), Buffer.alloc(Math.max(0, bavail * bsize - free)));
}

const levels = [0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 120].map((pages) => pages * 1024);

it("a full disk leaves the layout as it was, wherever the write meets the end", (test) =>
  onSmallDisk(test, async (disk) => {
    const root = under(disk, "store");
    const first = sampleImage();
    {
      await using layout = openLayout(root);
      await layout.write(first.image, [parseReference("app:first")], first.blobs);
    }
    const outcomes = new Set<string>();
    for (const free of levels) {
      fill(disk, free);
      const next = sampleImage({ files: [Buffer.alloc(20_000, String(free)), Buffer.alloc(9_000, `b${free}`)] });
      await using layout = openLayout(root);
      const name = parseReference(`app:n${free}`);
      const fault = await layout.write(next.image, [name], next.blobs).then(
        () => undefined,
        (error) => error,
      );
      if (fault !== undefined) {
        expect(fault).toBeInstanceOf(Fault);
        expect(fault.message, String(free)).toMatch(/^Cannot .* at .*: no space is left on the device$/);
        expect(await layout.read(name)).toBeUndefined();
      }
      outcomes.add(fault ? "refused" : "written");
      await layout[Symbol.asyncDispose]();
      expect((await layout.verify()).problems).toEqual([]);
      expect(await layout.read(parseReference("app:first"))).toBeDefined();
      expect(readdirSync(root).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
      await layout.prune();
    }
    expect([...outcomes].sort()).toEqual(["refused", "written"]);
  }));

it.for(["docker", "oci"] as const)("a full disk leaves the archive as it was: %s", (form, test) =>
  onSmallDisk(test, async (disk) => {
    const path = under(disk, "image.tar");
    const first = sampleImage();
    const name = parseReference("app:one");
    {
      await using archive = openArchive(path, { form });
      await archive.write(first.image, [name], first.blobs);
    }
    for (const free of levels.slice(0, 6)) {
      fill(disk, free);
      const next = sampleImage({ files: [Buffer.alloc(200_000, String(free))] });
      await using archive = openArchive(path, { form, compression: "none" });
      await expect(archive.write(next.image, [name], next.blobs)).rejects.toThrow(/no space is left on the device$/);
      const { image, blobs } = (await archive.sole())!;
      for (const layer of image.layers) await collect(blobs.open(layer.descriptor));
      expect(image.config).toEqual(first.image.config);
      expect(readdirSync(disk).sort()).toEqual(["ballast", "image.tar"]);
    }
  }),
);
