import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { Fault } from "../../../src/std/fault.ts";
import { hostPath, under } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { openRegistry } from "../../../src/store/registry.ts";
import { quickClock } from "../../support/clock.ts";
import { onSmallDisk } from "../../support/disk.ts";
import { startRegistry } from "../../support/registry.ts";
import { sampleImage } from "./sample.ts";

const levels = [0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 120].map((pages) => pages * 1024);

it("a full disk leaves the layout as it was, wherever the write meets the end", (test) =>
  onSmallDisk(test, 2 << 20, async ({ path: disk, leave }) => {
    const root = under(hostPath(disk), "store");
    const first = sampleImage();
    {
      await using layout = openLayout(root);
      await layout.write(first.image, [parseReference("app:first")], first.blobs);
    }
    const outcomes = new Set<string>();
    for (const free of levels) {
      leave(free);
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
  onSmallDisk(test, 2 << 20, async ({ path: disk, leave }) => {
    const path = under(hostPath(disk), "image.tar");
    const first = sampleImage();
    const name = parseReference("app:one");
    {
      await using archive = openArchive(path, { form });
      await archive.write(first.image, [name], first.blobs);
    }
    for (const free of levels.slice(0, 6)) {
      leave(free);
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

it("a full disk in a registry is one clear fault, and the tag stays as it was until there is room", (test) =>
  onSmallDisk(test, 2 << 20, async ({ path, leave }) => {
    await using running = await startRegistry(test, { data: path });
    const name = parseReference(`${running.host}/full/app:v1`);
    await using registry = openRegistry({ compression: "none", clock: quickClock() });
    const first = sampleImage();
    const { digest } = await registry.write(first.image, [name], first.blobs);
    leave(64 * 1024);
    const next = sampleImage({ files: [randomBytes(500_000)] });
    const fault = await registry.write(next.image, [name], next.blobs).catch((error) => error);
    expect(fault).toBeInstanceOf(Fault);
    expect(fault.message).toMatch(/^Cannot push to registry .*: it replied 5\d\d/);
    expect((await registry.read(name))?.identity.digest).toBe(digest);
    leave(1_500_000);
    await registry.write(next.image, [name], next.blobs);
    const stored = (await registry.read(name))!;
    for (const layer of stored.image.layers) await collect(stored.blobs.open(layer.descriptor));
  }));
