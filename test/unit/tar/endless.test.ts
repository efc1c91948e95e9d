import { describe, expect, it } from "vitest";
import { encodeHeader } from "../../../src/tar/header.ts";
import { readTar } from "../../../src/tar/read.ts";
import { end, headerOf } from "./archive.ts";

/** The most that stands in buffers while `work` runs, beside what stood there before. */
async function peakOf(work: (look: () => void) => Promise<void>): Promise<number> {
  const start = process.memoryUsage().arrayBuffers;
  let peak = 0;
  await work(() => {
    peak = Math.max(peak, process.memoryUsage().arrayBuffers - start);
  });
  return peak;
}

describe("an archive without end", () => {
  it("of two hundred thousand entries is read one at a time, in bounded memory", async () => {
    const one = encodeHeader(headerOf({ name: "a".repeat(90) }));
    const piece = Buffer.concat(Array<Buffer>(1000).fill(one));
    let count = 0;
    const peak = await peakOf(async (look) => {
      function* bytes() {
        for (let pieces = 0; pieces < 200; pieces++) {
          look();
          yield piece;
        }
        yield end;
      }
      for await (const { header } of readTar(bytes())) if (header.name.length === 90) count++;
    });
    expect(count).toBe(200_000);
    expect(peak).toBeLessThan(64 << 20);
  });

  it("of one file that claims eight pebibytes is read for as long as there are bytes", async () => {
    const size = 2 ** 53 - 1;
    const head = encodeHeader({ ...headerOf({ name: "huge" }), size });
    const piece = Buffer.alloc(1 << 20);
    let length = 0;
    const reading = async (look: () => void) => {
      function* bytes() {
        yield head;
        for (let pieces = 0; pieces < 300; pieces++) {
          look();
          yield piece;
        }
      }
      for await (const { content } of readTar(bytes())) for await (const part of content) length += part.length;
    };
    let failure: unknown;
    const peak = await peakOf((look) =>
      reading(look).catch((error) => {
        failure = error;
      }),
    );
    expect(failure).toMatchObject({ code: "tar.truncated" });
    expect(length).toBe(300 << 20);
    expect(peak).toBeLessThan(64 << 20);
  });
});
