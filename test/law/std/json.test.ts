import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareBytes } from "../../../src/std/byte.ts";
import { encodeJson } from "../../../src/std/json.ts";

/** Any text: lone surrogates, what must be escaped, and what stands as it is. */
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({
    unit: fc.constantFrom(
      "a",
      " ",
      "~",
      '"',
      "\\",
      "<",
      "&",
      "\u2028",
      "\ud83d",
      "\ude00",
      "\u007f",
      "\n",
      "\ue000",
      "😀",
    ),
  }),
);

describe("text", () => {
  it("is encoded so that it reads the same, and holds nothing a page could take for markup", () => {
    fc.assert(
      fc.property(text, (value) => {
        const json = encodeJson(value);
        expect(JSON.parse(json)).toBe(Buffer.from(value).toString());
        expect(json).not.toMatch(/[<>&\u2028\u2029\n]/);
      }),
    );
  });

  it("is ordered by its bytes", () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});
