import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Bytes, collect } from "../../../src/std/byte.ts";
import { decompress, gzip, hasZstd, sniffCompression, zstd } from "../../../src/tar/gzip.ts";
import { peer } from "../../support/peer.ts";
import { pieces } from "./archive.ts";

/** Bytes that compress a little, the same ones each time. */
function sample(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    bytes[i] = 97 + ((state >>> 16) % 23);
  }
  return bytes;
}

const unzip = (bytes: Bytes) => collect(decompress(bytes, "gzip"));
const mebibyte = 1 << 20;

describe("gzip", () => {
  it.each([0, 1, 1000, mebibyte - 1, mebibyte, mebibyte + 1, 5 * mebibyte + 17])(
    "%i bytes come back",
    async (length) => {
      const bytes = sample(length);
      const zipped = await collect(gzip([bytes]));
      expect((await unzip([zipped])).equals(bytes)).toBe(true);
      expect(zlib.gunzipSync(zipped).equals(bytes)).toBe(true);
    },
  );

  it("GNU gzip finds nothing wrong with it", async (test) => {
    const program = peer("gzip", test);
    const bytes = sample(3 * mebibyte + 5);
    const zipped = await collect(gzip([bytes]));
    const unzipped = execFileSync(program, ["-dc"], {
      input: zipped,
      maxBuffer: 1 << 24,
      stdio: ["pipe", "pipe", "inherit"],
    });
    expect(unzipped.equals(bytes)).toBe(true);
  });

  it("is the same in whatever pieces its bytes come, and names neither time nor system", async () => {
    const bytes = sample(3 * mebibyte + 1000);
    const whole = await collect(gzip([bytes]));
    for (const size of [999, 65_536, mebibyte, mebibyte + 1, 2 * mebibyte])
      expect((await collect(gzip(pieces(bytes, size)))).equals(whole)).toBe(true);
    expect(whole.subarray(0, 8).toString("hex")).toBe("1f8b080000000000");
    expect(whole[9]).toBe(255);
  });

  it("does not need a piece any more once it has asked for the next one", async () => {
    const bytes = sample(6 * mebibyte + 1000);
    async function* lent() {
      const memory = Buffer.alloc(300_000);
      for (let at = 0; at < bytes.length; at += memory.length) {
        yield memory.subarray(0, bytes.copy(memory, 0, at));
        memory.fill(0);
        // Members that are still in work would read what is there now.
        await new Promise(setImmediate);
      }
    }
    expect((await unzip(gzip(lent()))).equals(bytes)).toBe(true);
  });

  it("compresses harder when it is told to", async () => {
    const bytes = sample(mebibyte);
    const lengths = await Promise.all([1, 9].map(async (level) => (await collect(gzip([bytes], { level }))).length));
    expect(lengths[1]).toBeLessThan(lengths[0]!);
  });

  it("reads on only as what it made is taken", async () => {
    let given = 0;
    function* source() {
      for (; given < 100; given++) yield Buffer.alloc(mebibyte);
    }
    const zipped = gzip(source());
    await zipped.next();
    expect(given).toBeLessThan(8);
    await zipped.return(undefined);
  });

  it("fails as its source does", async () => {
    function* source() {
      yield Buffer.alloc(2 * mebibyte);
      throw new Error("source failed");
    }
    await expect(collect(gzip(source()))).rejects.toThrow("source failed");
  });
});

describe("decompress", () => {
  const bytes = sample(300_000);
  const zipped = zlib.gzipSync(bytes);

  it("reads one member after the other, and passes over zeros behind them", async () => {
    const two = Buffer.concat([zipped, zipped, Buffer.alloc(512)]);
    for (const size of [1000, two.length])
      expect((await unzip(pieces(two, size))).equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });

  it("passes on what is not compressed", async () => {
    expect((await collect(decompress([bytes], "none"))).equals(bytes)).toBe(true);
  });

  it.each<[string, Buffer, string]>([
    ["no bytes", Buffer.alloc(0), "gzip.truncated"],
    ["half of them", zipped.subarray(0, zipped.length >> 1), "gzip.truncated"],
    ["all but the last", zipped.subarray(0, -1), "gzip.truncated"],
    ["a second member that ends early", Buffer.concat([zipped, zipped.subarray(0, 30)]), "gzip.truncated"],
    ["something else", Buffer.from("not gzip at all"), "gzip.corrupt"],
    ["something else behind", Buffer.concat([zipped, Buffer.from("more")]), "gzip.corrupt"],
    ["a wrong sum", Buffer.from(zipped).fill(1, zipped.length - 8, zipped.length - 4), "gzip.corrupt"],
  ])("refuses %s", async (_, bad, code) => {
    await expect(unzip(pieces(bad, 5000))).rejects.toMatchObject({ name: "Fault", code });
  });

  it("fails as its source does, with the source's own error", async () => {
    async function* source() {
      yield zipped.subarray(0, 1000);
      throw Object.assign(new Error("connection reset"), { code: "ECONNRESET" });
    }
    await expect(collect(decompress(source(), "gzip"))).rejects.toMatchObject({ code: "ECONNRESET" });
  });

  it("tells its source when the reader stops early", async () => {
    let closed = false;
    async function* source() {
      try {
        for (;;) yield zipped;
      } finally {
        closed = true;
      }
    }
    for await (const part of decompress(source(), "gzip")) if (part.length > 0) break;
    expect(closed).toBe(true);
  });

  it("gives a bomb piece by piece", async () => {
    const bomb = zlib.gzipSync(Buffer.alloc(50 * mebibyte));
    for await (const part of decompress([bomb], "gzip")) {
      expect(part.length).toBeLessThanOrEqual(mebibyte);
      break;
    }
  });
});

describe("zstd", () => {
  const bytes = sample(300_000);

  it.skipIf(hasZstd())("says which Node to use where this one has none", async () => {
    await expect(collect(zstd([bytes]))).rejects.toMatchObject({ code: "zstd.missing" });
    await expect(collect(decompress([Buffer.from("28b52ffd", "hex")], "zstd"))).rejects.toMatchObject({
      code: "zstd.missing",
      hint: "use Node 22.15 or later",
    });
  });

  it.runIf(hasZstd())("comes back, frame after frame, past frames to be skipped", async () => {
    const frame = await collect(zstd(pieces(bytes, 10_000)));
    expect(sniffCompression(frame)).toBe("zstd");
    const skippable = Buffer.from("502a4d18030000006162635f2a4d1800000000", "hex");
    const many = Buffer.concat([skippable, frame, frame, skippable, frame]);
    for (const size of [777, many.length]) {
      const back = await collect(decompress(pieces(many, size), "zstd"));
      expect(createHash("sha256").update(back).digest("hex")).toBe(
        createHash("sha256").update(bytes).update(bytes).update(bytes).digest("hex"),
      );
    }
  });

  it.runIf(hasZstd())("is refused where it ends early or is broken", async () => {
    const checked = { params: { [(zlib.constants as Record<string, number>)["ZSTD_c_checksumFlag"]!]: 1 } };
    const compress = (zlib as unknown as { zstdCompressSync(bytes: Buffer, options: object): Buffer }).zstdCompressSync;
    const frame = compress(bytes, checked);
    for (const length of [0, 3, 4, 5, 9, 100, frame.length - 5, frame.length - 1])
      await expect(collect(decompress([frame.subarray(0, length)], "zstd")), `${length}`).rejects.toMatchObject({
        code: "zstd.truncated",
      });
    const broken = Buffer.from(frame);
    broken[broken.length - 1]! ^= 1;
    for (const bad of [broken, Buffer.concat([frame, Buffer.from("more")])])
      await expect(collect(decompress([bad], "zstd"))).rejects.toMatchObject({ code: "zstd.corrupt" });
  });
});

describe("sniffCompression", () => {
  it.each([
    ["1f8b08", "gzip"],
    ["28b52ffd", "zstd"],
    ["28b52f", "none"],
    ["", "none"],
    ["2f6c6179657273", "none"],
  ])("%s is %s", (hex, kind) => {
    expect(sniffCompression(Buffer.from(hex, "hex"))).toBe(kind);
  });
});
