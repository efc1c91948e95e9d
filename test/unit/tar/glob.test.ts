import { describe, expect, it } from "vitest";
import { matcher } from "../../../src/tar/glob.ts";
import { type ByteString, byteString } from "../../../src/tar/name.ts";
import { faultOf } from "../../support/fault.ts";

const matches = (pattern: string, name: string) => matcher(pattern)(byteString(name));

describe("matcher", () => {
  it.each([
    ["abc", "abc"],
    ["*", "abc"],
    ["*", ""],
    ["", ""],
    ["*c", "abc"],
    ["a*", "abc"],
    ["a*/b", "abc/b"],
    ["a*b*c*d*e*/f", "axbxcxdxe/f"],
    ["a*b*c*d*e*/f", "axbxcxdxexxx/f"],
    ["a*b?c*x", "abxbbxdbxebxczzx"],
    ["**", "abc"],
    ["a**b", "axyb"],
    ["a?c", "abc"],
    ["a?b", "a☺b"],
    ["a???b", "a☺☺☺b"],
    ["[abc]", "b"],
    ["ab[b-d]", "abc"],
    ["ab[^e-g]", "abc"],
    ["ab[^c]", "abd"],
    ["a[^a]b", "a☺b"],
    ["[a-ζ]*", "α"],
    ["[α-ω]", "β"],
    ["[\\]a]", "]"],
    ["[\\-]", "-"],
    ["[x\\-]", "x"],
    ["[x\\-]", "-"],
    ["[\\-x]", "-"],
    ["a\\*b", "a*b"],
    ["a\\b", "ab"],
    ["a[*]b", "a*b"],
    ["*ü", "grün-ü"],
    // A class may stand for a slash, as the reference has it.
    ["a[^x]b", "a/b"],
  ])("%s matches %s", (pattern, name) => {
    expect(matches(pattern, name)).toBe(true);
  });

  it.each([
    ["a*", "ab/c"],
    ["a*/b", "a/c/b"],
    ["a/**", "a/b/c"],
    ["*", "a/b"],
    ["?", "/"],
    ["a?b", "a/b"],
    ["a*b", "a/b"],
    ["abc", "abcd"],
    ["abcd", "abc"],
    ["", "a"],
    ["a", ""],
    ["ab[c]", "abd"],
    ["ab[e-g]", "abc"],
    ["ab[^b-d]", "abc"],
    ["a\\*b", "ab"],
    ["a?b", "aaab"],
    ["[a-ζ]*", "A"],
    ["a*b?c*x", "abxbbxdbxebxczzy"],
    ["a[^a][^a][^a]b", "a☺b"],
    // The first star takes as little as it can and does not come back for more.
    ["*[^x]*c", "b/c"],
    ["*x", "xxx/x"],
  ])("%s does not match %s", (pattern, name) => {
    expect(matches(pattern, name)).toBe(false);
  });

  it.each([
    "[",
    "[a",
    "[]a]",
    "[^",
    "[^]",
    "[a-",
    "[a-]",
    "[-]",
    "[x-]",
    "[-x]",
    "\\",
    "a\\",
    "a[",
    "[a\\",
    "[^bc",
    "a*[",
    "x[\\]",
    "b*[]",
  ])("refuses %s", (pattern) => {
    const fault = faultOf(() => matcher(pattern));
    expect([fault.code, fault.exit]).toEqual(["slice.pattern", "export"]);
  });

  it("takes bytes that are not UTF-8 one by one", () => {
    expect(matcher("a??b")("a\u00ff\u00feb")).toBe(true);
    expect(matcher("a?b")("a\u00c3b")).toBe(true);
    // Half of a character in UTF-8 is two bytes of their own; a whole one is one.
    expect(matcher("?")("\u00c3\u00a9")).toBe(true);
    expect(matcher("?")("\u00e2\u0098")).toBe(false);
    expect(matcher("?")("\u00ed\u00a0\u0080")).toBe(false);
    expect(matcher("?")("\u00c0\u0080")).toBe(false);
    expect(matcher("?")("\u00f0\u009f\u0098\u0080")).toBe(true);
    expect(matcher("?")("\u00f4\u0090\u0080\u0080")).toBe(false);
  });

  it("is quick about patterns made to be slow", () => {
    expect(matches(`${"a*".repeat(50)}b`, "a".repeat(2000))).toBe(false);
  });
});

describe("matcher, of bytes", () => {
  /** What `?` takes of a name: the number of question marks that match all of it. */
  const lengthOf = (name: string) => [1, 2, 3, 4, 5].filter((count) => matcher("?".repeat(count))(name as ByteString));

  it.each([
    ["the first of one byte", "\x01", 1],
    ["the last of one byte", "\x7f", 1],
    ["the first of two", "\xc2\x80", 1],
    ["the last of two", "\xdf\xbf", 1],
    ["the first of three", "\xe0\xa0\x80", 1],
    ["the last before the surrogates", "\xed\x9f\xbf", 1],
    ["the first behind them", "\xee\x80\x80", 1],
    ["the last of three", "\xef\xbf\xbf", 1],
    ["the first of four", "\xf0\x90\x80\x80", 1],
    ["the last of all", "\xf4\x8f\xbf\xbf", 1],
    ["one too long by a byte", "\xc0\x80", 2],
    ["one too long that was seven bits", "\xc1\xbf", 2],
    ["one too long by two", "\xe0\x9f\xbf", 3],
    ["one too long by three", "\xf0\x8f\xbf\xbf", 4],
    ["the first surrogate", "\xed\xa0\x80", 3],
    ["the last surrogate", "\xed\xbf\xbf", 3],
    ["one behind the last", "\xf4\x90\x80\x80", 4],
    ["a byte no character begins with", "\xf5\x80\x80\x80", 4],
    ["a lone tail", "\x80", 1],
    ["a cut character", "\xe2\x98", 2],
    ["a character whose tail is none", "\xe2a\x80", 3],
    ["a character whose end is none", "\xe2\x98a", 3],
  ])("takes %s as it would be decoded", (_title, name, length) => {
    expect(lengthOf(name)).toEqual([length]);
  });

  it.each(["[", "[a", "[a-", "[a-]", "[]", "[^", "[^]", "[-a]", "[a\\", "[\\", "a\\", "[]a]", "[x-]"])(
    "refuses %j",
    (pattern) => {
      expect(faultOf(() => matcher(pattern)).code).toBe("slice.pattern");
    },
  );

  it("takes ranges with both of their ends", () => {
    for (const name of ["b", "c", "d"]) expect(matches("[b-d]", name)).toBe(true);
    for (const name of ["a", "e", "-"]) expect(matches("[b-d]", name)).toBe(false);
    expect(matches("[^b-d]", "c")).toBe(false);
    expect(matches("[b-dx]", "x")).toBe(true);
  });
});
