import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { documentsOf } from "../../../src/oci/image.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { type HostPath, under } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import { type Layout, openLayout } from "../../../src/store/layout.ts";
import { inFolder } from "./place.ts";
import { sampleImage } from "./sample.ts";

const script = fileURLToPath(new URL("writer.ts", import.meta.url));
const loader = import.meta.resolve("tsx");

/** Another process that writes images; gives the lines it says until it ends. */
function startWriter(kind: "layout" | "archive", path: HostPath, name: string, count: number) {
  const child = spawn(process.execPath, ["--import", loader, script, kind, path, name, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  return { child, lines, ended: once(child, "close") };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
}

/** Lets locks grow old at once: what they were to show, that their holder lives, they no longer do. */
function age(root: HostPath): void {
  for (const folder of [root, join(root, "lease")]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) if (name.endsWith("lock")) utimesSync(join(folder, name), 0, 0);
  }
}

/** Every image that was said to be written and not written over since is there and whole. */
async function checkAll(layout: Layout, said: ReadonlyMap<string, string>): Promise<void> {
  expect((await layout.verify()).problems).toEqual([]);
  for (const [name, imageId] of said) {
    const stored = await layout.read(parseReference(name));
    expect(stored?.identity.imageId, name).toBe(imageId);
    for (const layer of stored!.image.layers) await collect(stored!.blobs.open(layer.descriptor));
  }
}

function noteImage(line: string, said: Map<string, string>): void {
  const [kind, name = "", imageId = ""] = line.split(" ");
  if (kind === "image") said.set(`docker.io/${name}`, imageId);
}

it("two processes write to one layout while a third prunes it, and nothing is lost", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const said = new Map<string, string>();
    const writers = [startWriter("layout", root, "app:a*", 12), startWriter("layout", root, "app:b*", 12)];
    let prunes = Promise.resolve();
    const prune = async () => {
      await using layout = openLayout(root);
      await layout.prune();
    };
    try {
      for (const { lines } of writers) {
        lines.on("line", (line) => {
          noteImage(line, said);
          prunes = prunes.then(prune);
        });
      }
      await Promise.all(writers.map((writer) => writer.ended));
      await prunes;
    } finally {
      for (const { child } of writers) await stop(child);
    }
    expect(said.size).toBe(24);
    await using layout = openLayout(root);
    await checkAll(layout, said);
    expect(await layout.prune()).toEqual({ blobs: 0, bytes: 0 });
  }));

it("two processes write the same name, and one of the images stands under it", () =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const ids = new Set<string>();
    const writers = [startWriter("layout", root, "app:same", 8), startWriter("layout", root, "app:same", 8)];
    try {
      for (const { lines } of writers) lines.on("line", (line) => ids.add(line.split(" ")[2] ?? ""));
      await Promise.all(writers.map((writer) => writer.ended));
    } finally {
      for (const { child } of writers) await stop(child);
    }
    await using layout = openLayout(root);
    expect((await layout.verify()).problems).toEqual([]);
    const stored = await layout.read(parseReference("app:same"));
    expect(ids).toContain(stored?.identity.imageId);
    expect((await layout.list()).map((image) => image.names)).toEqual([["docker.io/library/app:same"]]);
  }));

// Lines the writer says before it is killed: at the first piece, within a blob, between blobs, around the index, in later images.
it.each([0, 1, 2, 4, 6, 7, 8, 9, 14, 17, 25])("kill -9 after %i steps leaves a store that reads and writes", (steps) =>
  inFolder(async (folder) => {
    const root = under(folder, "store");
    const first = sampleImage();
    {
      await using layout = openLayout(root);
      await layout.write(first.image, [parseReference("app:first")], first.blobs);
    }
    const said = new Map<string, string>();
    const { child, lines, ended } = startWriter("layout", root, "app:n*", 1000);
    let count = 0;
    lines.on("line", (line) => {
      noteImage(line, said);
      if (count++ === steps) child.kill("SIGKILL");
    });
    await ended;
    expect(child.signalCode).toBe("SIGKILL");
    await using layout = openLayout(root);
    expect(await layout.read(parseReference("app:first"))).toBeDefined();
    await checkAll(layout, said);
    age(root);
    const next = sampleImage();
    const { imageId } = await layout.write(next.image, [parseReference("app:next")], next.blobs);
    await checkAll(layout, said.set("docker.io/library/app:next", imageId));
    await layout.prune();
    await checkAll(layout, said);
    await layout[Symbol.asyncDispose]();
    expect(readdirSync(root).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
  }),
);

it.each([0, 1, 5, 6, 10, 11, 17])(
  "kill -9 after %i steps leaves an archive whole, and the next write clears up",
  (steps) =>
    inFolder(async (folder) => {
      const path = under(folder, "image.tar");
      const first = sampleImage();
      await using archive = openArchive(path, { form: "docker" });
      await archive.write(first.image, [parseReference("app:first")], first.blobs);
      const { child, lines, ended } = startWriter("archive", path, "app:n", 1000);
      let count = 0;
      lines.on("line", () => {
        if (count++ === steps) child.kill("SIGKILL");
      });
      await ended;
      expect(child.signalCode).toBe("SIGKILL");
      await using found = openArchive(path, { form: "docker" });
      const { image, blobs } = (await found.sole())!;
      for (const layer of image.layers) await collect(blobs.open(layer.descriptor));
      age(folder);
      await found.write(first.image, [parseReference("app:next")], first.blobs);
      expect((await found.sole())!.identity.imageId).toBe(documentsOf(first.image).identity.imageId);
      expect(readdirSync(folder)).toEqual(["image.tar"]);
    }),
);
