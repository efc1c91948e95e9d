import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { collect } from "../../../src/std/byte.ts";
import { Loading } from "../../../src/store/registry/cargo.ts";
import { pauseAfter } from "../../../src/store/registry/retry.ts";
import { slots } from "../../../src/store/registry/slots.ts";

async function* inPieces(bytes: Buffer, sizes: readonly number[]) {
  let at = 0;
  for (const size of sizes) {
    yield bytes.subarray(at, at + size);
    at += size;
  }
  yield bytes.subarray(at);
}

describe("a loading", () => {
  const content = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes));
  const sizes = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 20 });

  it("hashes all, and gives what lies behind the offset, in chunks that are full but for the last", () =>
    fc.assert(
      fc.asyncProperty(
        content,
        sizes,
        fc.nat(520),
        fc.integer({ min: 1, max: 90 }),
        async (bytes, cuts, offset, limit) => {
          const loading = new Loading({ expected: undefined, open: () => inPieces(bytes, cuts) });
          await loading.skip(offset);
          const chunks: Buffer[] = [];
          while (!(await loading.isAtEnd())) chunks.push(await loading.take(limit));
          expect(Buffer.concat(chunks)).toEqual(bytes.subarray(offset));
          expect(chunks.slice(0, -1).every((chunk) => chunk.length === limit)).toBe(true);
          expect(loading.position).toBe(bytes.length);
          expect(loading.finish()).toEqual({ digest: digestOf(bytes), size: bytes.length });
        },
      ),
    ));

  it("tells an error of its source from others", async () => {
    const error = new Error("the disk is gone");
    const loading = new Loading({
      expected: undefined,
      async *open() {
        yield Buffer.from("x");
        throw error;
      },
    });
    await expect(collect(loading.all())).rejects.toBe(error);
    expect(loading.failure?.error).toBe(error);
  });
});

describe("slots", () => {
  it("let so many streams flow, and those that are left early make room", async () => {
    const flow = slots(2);
    let open = 0;
    let most = 0;
    async function* stream() {
      open += 1;
      most = Math.max(most, open);
      try {
        for (let at = 0; at < 3; at++) {
          await new Promise(setImmediate);
          yield Buffer.from("x");
        }
      } finally {
        open -= 1;
      }
    }
    const whole = Array.from({ length: 5 }, () => collect(flow(stream)));
    const early = Array.from({ length: 5 }, async () => {
      for await (const _part of flow(stream)) break;
    });
    await Promise.all([...whole, ...early]);
    expect([open, most]).toEqual([0, 2]);
  });
});

it("pauses double up to a limit, and chance spreads them", () => {
  expect([1, 2, 3, 7, 20].map((attempt) => pauseAfter(attempt, 0))).toEqual([125, 250, 500, 7500, 7500]);
  expect(pauseAfter(1, 0.999)).toBeLessThan(250);
});
