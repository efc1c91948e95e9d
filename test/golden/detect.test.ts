import { describe, expect, it } from "vitest";
import { judgeGroup } from "../../src/cnb/detection.ts";
import { attempt } from "../support/buildpack.ts";
import { vector } from "./vector.ts";

describe("the reference's console output", () => {
  it("DET-026 a group that passes is told in the same lines", () => {
    const lines = vector("creator-debug-rebuild.log").split("\n");
    const [from, to] = ["======== Output: test/bp@1.0 ========", "other   2.0"].map((line) => lines.indexOf(line));
    const attempts = [attempt("test/bp@1.0", ["+dep-a -dep-a"], "detect-out\n"), attempt("other@2.0")];
    const told = judgeGroup(attempts).lines.map(({ text }) => text.replace(/\n$/, ""));
    expect(told).toEqual(lines.slice(from, to! + 1));
  });
});
