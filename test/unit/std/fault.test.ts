import { describe, expect, it } from "vitest";
import { Fault, reasonOf } from "../../../src/std/fault.ts";

describe("what was found, as the tail of a sentence", () => {
  it.each([
    [new Fault("some.code", "Cannot read a file at /x: it is not there"), "cannot read a file at /x: it is not there"],
    [new Error("The line broke."), "The line broke"],
    ["Cannot.", "Cannot"],
    [42, "42"],
  ])("%s", (error, reason) => {
    expect(reasonOf(error)).toBe(reason);
  });
});
