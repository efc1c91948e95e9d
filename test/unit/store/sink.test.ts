import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Sink } from "../../../src/store/layout/sink.ts";
import { inFolder } from "../../contract/store/place.ts";

const mebibyte = 1 << 20;

/** Bytes in pieces that all lie in the same memory, as a producer may give them. */
function* lent(size: number, pieceSize: number): Generator<Uint8Array> {
  const memory = Buffer.alloc(pieceSize);
  for (let at = 0; at < size; at += pieceSize) {
    const piece = memory.subarray(0, Math.min(pieceSize, size - at));
    piece.fill(at / pieceSize + 1);
    yield piece;
    memory.fill(0);
  }
}

function withFile<T>(path: string, work: (file: { fd: number; path: string }) => Promise<T>): Promise<T> {
  const fd = openSync(path, "w");
  return work({ fd, path }).finally(() => closeSync(fd));
}

function copies(size: number, pieceSize: number): Buffer[] {
  const found: Buffer[] = [];
  for (const piece of lent(size, pieceSize)) found.push(Buffer.from(piece));
  return found;
}
describe("what goes into a sink", () => {
  const sizes = [
    0,
    1,
    mebibyte - 1,
    mebibyte,
    3 * mebibyte,
    4 * mebibyte,
    4 * mebibyte + 1,
    9 * mebibyte,
    9.5 * mebibyte,
  ];
  it.each(sizes)("comes out whole and under its digest: %i bytes", (size) =>
    inFolder(async (folder) => {
      await using sink = new Sink();
      for (const pieceSize of [70_001, mebibyte, 2.5 * mebibyte]) {
        const whole = Buffer.concat(copies(size, pieceSize));
        const path = join(folder, `${pieceSize}`);
        const written = await withFile(path, (file) => sink.write(file, lent(size, pieceSize), "sha256"));
        expect(written).toEqual({ hex: createHash("sha256").update(whole).digest("hex"), size });
        expect(readFileSync(path).equals(whole)).toBe(true);
      }
    }),
  );
});

describe("a sink", () => {
  const long = 7 * mebibyte;
  const digest = createHash("sha256")
    .update(Buffer.concat(copies(long, mebibyte)))
    .digest("hex");

  it("takes several files at once, and more after those that failed", () =>
    inFolder(async (folder) => {
      await using sink = new Sink();
      const write = (name: string, bytes: Iterable<Uint8Array>) =>
        withFile(join(folder, name), (file) => sink.write(file, bytes, "sha256"));
      function* broken() {
        yield* lent(6 * mebibyte, mebibyte);
        throw new Error("the source has ended");
      }
      const names = ["a", "b", "c", "d", "e", "f"];
      const results = await Promise.allSettled([
        ...names.map((name) => write(name, lent(long, mebibyte))),
        write("broken", broken()),
      ]);
      expect(results.slice(0, -1)).toEqual(
        names.map(() => ({ status: "fulfilled", value: { hex: digest, size: long } })),
      );
      expect(results.at(-1)).toEqual({ status: "rejected", reason: new Error("the source has ended") });
      expect(await write("later", lent(long, 100_000))).toMatchObject({ size: long });
    }));

  it.each([10, long])("says that no space is left, wherever it writes (%i bytes)", async (size) => {
    await using sink = new Sink();
    const write = (path: string) => withFile(path, (file) => sink.write(file, lent(size, mebibyte), "sha256"));
    await expect(write("/dev/full")).rejects.toMatchObject({
      code: "store.system",
      message: "Cannot write blob at /dev/full: no space is left on the device",
    });
    expect(await write("/dev/null")).toMatchObject({ size });
  });
});
