import { createHash } from "node:crypto";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { collect } from "../../../src/std/byte.ts";
import { under } from "../../../src/std/path.ts";
import type { BlobStore } from "../../../src/store/contract.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { inFolder } from "./place.ts";

const type = "application/vnd.oci.image.layer.v1.tar";
const content = Buffer.from("some bytes of a layer");
const digest = digestOf(content);

/** Runs `work` with each blob store. */
function onEach(work: (store: BlobStore, blobsFolder: string | undefined) => Promise<void>) {
  return {
    memory: () => work(memoryStore(), undefined),
    layout: () =>
      inFolder(async (folder) => {
        await using store = openLayout(under(folder, "store"));
        await work(store, under(folder, "store"));
      }),
  };
}

/** Where this process has files open, as far as the system tells. */
function openFiles(): string[] {
  if (!existsSync("/proc/self/fd")) return [];
  const pathOf = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  };
  return readdirSync("/proc/self/fd").map(pathOf);
}

describe.each(["memory", "layout"] as const)("a blob store: %s", (kind) => {
  it("gives back what it keeps, under its digest", () =>
    onEach(async (store) => {
      expect(await store.has(digest)).toBe(false);
      expect(await store.put(type, [content.subarray(0, 5), content.subarray(5)])).toEqual({
        mediaType: type,
        size: content.length,
        digest,
      });
      expect(await store.has(digest)).toBe(true);
      expect(await collect(store.open({ mediaType: type, size: content.length, digest }))).toEqual(content);
    })[kind]());

  it.each([0, 1, 4096, 1 << 20, (1 << 20) + 1, 3 << 20])("keeps %i bytes, whatever pieces they come in", (size) =>
    onEach(async (store) => {
      const bytes = createHash("sha512").update("seed").digest();
      const whole = Buffer.alloc(size, bytes);
      async function* pieces() {
        for (let at = 0, step = 1; at < size; at += step, step = (step * 3) % 1_500_007)
          yield whole.subarray(at, at + step);
      }
      const descriptor = await store.put(type, pieces());
      expect(descriptor).toEqual({ mediaType: type, size, digest: digestOf(whole) });
      expect((await collect(store.open(descriptor))).equals(whole)).toBe(true);
    })[kind](),
  );

  it.each([1, (1 << 20) - 1, 1 << 20, 3.5 * (1 << 20)])("lends %i bytes in pieces to be used at once", (size) =>
    onEach(async (store, folder) => {
      const whole = Buffer.alloc(size, createHash("sha512").update("seed").digest());
      const descriptor = await store.put(type, [whole]);
      const copies: Buffer[] = [];
      for await (const piece of store.open(descriptor, { lends: true })) copies.push(Buffer.from(piece));
      expect(Buffer.concat(copies).equals(whole)).toBe(true);
      // Who wants no more leaves nothing open behind.
      for await (const _ of store.open(descriptor, { lends: true })) break;
      expect(openFiles().filter((path) => folder && path.startsWith(`${folder}/blobs/`))).toEqual([]);
      const wrong = { ...descriptor, size: size + 1 };
      await expect(collect(store.open(wrong, { lends: true }))).rejects.toMatchObject({ code: "blob.corrupt" });
      const missing = { ...descriptor, digest: digestOf("other bytes") };
      await expect(collect(store.open(missing, { lends: true }))).rejects.toMatchObject({ code: "blob.missing" });
    })[kind](),
  );

  it("keeps nothing of bytes that are not those expected", () =>
    onEach(async (store) => {
      const other = digestOf("other bytes");
      await expect(store.put(type, [content], other)).rejects.toMatchObject({ code: "blob.corrupt" });
      expect(await store.has(other)).toBe(false);
      expect(await store.has(digest)).toBe(false);
    })[kind]());

  it("keeps bytes under the algorithm of the digest expected", () =>
    onEach(async (store) => {
      const long = `sha512:${createHash("sha512").update(content).digest("hex")}` as Digest;
      const descriptor = await store.put(type, [content], long);
      expect(descriptor.digest).toBe(long);
      expect(await collect(store.open(descriptor))).toEqual(content);
    })[kind]());

  it("keeps nothing of bytes that end with an error, and no file", () =>
    onEach(async (store, folder) => {
      async function* broken() {
        yield content;
        throw new Error("the line broke");
      }
      await expect(store.put(type, broken())).rejects.toThrow("the line broke");
      expect(await store.has(digest)).toBe(false);
      if (folder === undefined) return;
      const lease = readdirSync(`${folder}/lease`).find((name) => !name.endsWith(".lock"));
      expect(readdirSync(`${folder}/lease/${lease}`)).toEqual(["pins"]);
    })[kind]());

  it("faults at the beginning for a blob it does not have", () =>
    onEach(async (store) => {
      const bytes = store.open({ mediaType: type, size: 3, digest });
      await expect(collect(bytes)).rejects.toMatchObject({ code: "blob.missing" });
    })[kind]());

  it.each([-1, 1])("faults when the descriptor's size is off by %i", (off) =>
    onEach(async (store) => {
      const descriptor = await store.put(type, [content]);
      const bytes = store.open({ ...descriptor, size: descriptor.size + off });
      await expect(collect(bytes)).rejects.toMatchObject({ code: "blob.corrupt" });
    })[kind](),
  );

  it("takes the same bytes many times at once", () =>
    onEach(async (store) => {
      const all = await Promise.all(Array.from({ length: 8 }, () => store.put(type, [content])));
      expect(new Set(all.map((descriptor) => descriptor.digest))).toEqual(new Set([digest]));
      expect(await collect(store.open(all[0]!))).toEqual(content);
    })[kind]());
});
