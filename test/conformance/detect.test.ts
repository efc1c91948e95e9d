import { describe, expect, it } from "vitest";
import { type Attempt, detectionFailure, judgeGroup, type Outcome, outcomeOf } from "../../src/cnb/detection.ts";
import { execEnvName, isInExecEnv } from "../../src/cnb/exec-env.ts";
import { formatGroup, groupOf, parseGroup } from "../../src/cnb/group-file.ts";
import { parsePlan } from "../../src/cnb/plan.ts";
import { formatRun, parseRun } from "../../src/cnb/run-file.ts";
import { exitCodeOf, Fault } from "../../src/std/fault.ts";
import { attempt, buildpack } from "../support/buildpack.ts";
import { faultOf } from "../support/fault.ts";

const no: Outcome = { kind: "fail" };
const exit = (code: number): Outcome => outcomeOf({ kind: "exited", code }, () => []);
const names = (attempts: readonly Attempt[]) => judgeGroup(attempts).participants.map((one) => one.buildpack.id);
const linesOf = (attempts: readonly Attempt[]) =>
  judgeGroup(attempts).lines.map(({ level, text }) => `${level} ${text}`);
const asExtension = (one: Attempt): Attempt => ({ ...one, element: { ...one.element, extension: true } });

describe("detection", () => {
  it.each([
    [0, "pass"],
    [100, "fail"],
    [1, "error"],
    [101, "error"],
    [255, "error"],
  ])("DET-002 exit %i is %s", (code, kind) => {
    expect(exit(code).kind).toBe(kind);
    expect(exit(code)).toMatchObject(kind === "error" ? { code } : {});
  });

  it("DET-003 a required element that does not pass loses the group", () => {
    expect(judgeGroup([attempt("a"), attempt("b", no)]).verdict).toBe("fail");
    expect(judgeGroup([attempt("a"), attempt("b", exit(1))]).verdict).toBe("error");
    expect(judgeGroup([attempt("a", no), attempt("b?", exit(1))]).verdict).toBe("error");
  });

  it("DET-004 DET-008 an optional element that does not pass is dropped, the others keep their order", () => {
    expect(names([attempt("c"), attempt("b?", no), attempt("a"), attempt("d?", exit(3))])).toEqual(["c", "a"]);
  });

  it("DET-005 at least one buildpack has to pass", () => {
    expect(judgeGroup([attempt("a?", no), attempt("b?", no)])).toMatchObject({
      verdict: "fail",
      reason: "no viable buildpacks in group",
    });
    expect(judgeGroup([asExtension(attempt("x?")), attempt("a?", no)]).verdict).toBe("fail");
    expect(names([asExtension(attempt("x?")), attempt("a")])).toEqual(["x", "a"]);
  });

  it("DET-007 API-014 without a group detection fails with 20 and says where to look", () => {
    const { lines, fault } = detectionFailure(false);
    expect(lines).toEqual([
      { level: "error", text: "No buildpack groups passed detection." },
      { level: "error", text: "Please check that you are running against the correct path." },
    ]);
    expect([exitCodeOf(fault), fault.message]).toEqual([
      20,
      "Cannot detect buildpacks for the app: no buildpacks participating",
    ]);
  });

  it("DET-007 API-014 when a buildpack erred it fails with 21", () => {
    const { lines, fault } = detectionFailure(true);
    expect(lines).toEqual([{ level: "error", text: "No buildpack groups passed detection." }]);
    expect([exitCodeOf(fault), fault.message]).toEqual([
      21,
      "Cannot detect buildpacks for the app: buildpack(s) failed with err",
    ]);
  });

  it("DET-022 the name of an execution environment holds no slash, and is production unless said", () => {
    expect(faultOf(() => execEnvName("a/b")).code).toBe("exec-env.name");
    expect([execEnvName(""), execEnvName("test")]).toEqual(["production", "test"]);
  });

  it("DET-023 no limit and * mean every execution environment", () => {
    expect(isInExecEnv([], "production")).toBe(true);
    expect(isInExecEnv(["test", "*"], "production")).toBe(true);
    expect(isInExecEnv(["test"], "production")).toBe(false);
  });

  it("DET-024 a plan that is no TOML is an error without an exit code", () => {
    const outcome = outcomeOf({ kind: "exited", code: 0 }, () => parsePlan("{{", "the plan of a@1"));
    expect(outcome).toEqual({ kind: "error", because: 'Cannot parse TOML at the plan of a@1:1:1: unexpected "{"' });
    expect(judgeGroup([attempt("a", outcome)]).verdict).toBe("error");
  });

  it("DET-024 only faults of the plan become outcomes", () => {
    const act = () => outcomeOf({ kind: "exited", code: 0 }, () => [][1]!["x"]);
    expect(act).toThrow(TypeError);
    expect(
      outcomeOf({ kind: "exited", code: 100 }, () => {
        throw new Fault("x", "y");
      }),
    ).toEqual(no);
  });

  it("DET-026 output is for debugging when an element says yes or no, and for everyone when it errs", () => {
    const attempts = [
      attempt("good", [""], "hello\n"),
      attempt("bad?", no, "nothing here\n"),
      attempt("ugly?", exit(3), "oh\n"),
      attempt("worse?", { kind: "error", because: "it was ended by SIGKILL" }),
      attempt("silent?", no, ""),
    ];
    expect(linesOf(attempts)).toEqual([
      "debug ======== Output: good@1 ========",
      "debug hello\n",
      "debug ======== Output: bad@1 ========",
      "debug nothing here\n",
      "info ======== Output: ugly@1 ========",
      "info oh\n",
      "info ======== Error: worse@1 ========",
      "info it was ended by SIGKILL",
      "debug ======== Results ========",
      "debug pass: good@1",
      "debug skip: bad@1",
      "info err:  ugly@1 (3)",
      "info err:  worse@1",
      "debug skip: silent@1",
      "debug Resolving plan... (try #1)",
      "info 1 of 5 buildpacks participating",
      "info good 1",
    ]);
  });

  it("DET-026 a lost group is told from a group without buildpacks", () => {
    expect(linesOf([attempt("a", no)])).toEqual(["debug ======== Results ========", "debug fail: a@1"]);
    expect(linesOf([attempt("a?", no)])).toEqual([
      "debug ======== Results ========",
      "debug skip: a@1",
      "debug fail: no viable buildpacks in group",
    ]);
  });

  it("DET-026 participants are listed in columns, without a count when all take part", () => {
    expect(linesOf([attempt("samples/long@0.0.1"), attempt("b@22")]).slice(-2)).toEqual([
      "info samples/long 0.0.1",
      "info b            22",
    ]);
    expect(linesOf([attempt("a")]).join()).not.toContain("participating");
  });

  it("DET-027 FILE-010 FILE-011 FILE-012 group.toml names those who take part", () => {
    const homely = attempt("a/b@1.0");
    const element = { ...homely.element, buildpack: { ...homely.element.buildpack, homepage: "https://h" } };
    const { participants } = judgeGroup([asExtension(attempt("x?")), { ...homely, element }, attempt("c?")]);
    const group = groupOf(participants);
    const text = formatGroup(group);
    expect(text).toBe(
      [
        '[[group]]\n  id = "a/b"\n  version = "1.0"\n  api = "0.12"\n  homepage = "https://h"\n',
        '\n[[group]]\n  id = "c"\n  version = "1"\n  api = "0.12"\n',
        '\n[[group-extensions]]\n  id = "x"\n  version = "1"\n  api = "0.12"\n',
      ].join(""),
    );
    expect(parseGroup(text, "group.toml")).toEqual(group);
  });

  it("DET-030 a script that is killed or cannot start is an error", () => {
    const killed = outcomeOf({ kind: "killed", signal: "SIGSEGV" }, () => []);
    expect(killed).toEqual({ kind: "error", because: "it was ended by SIGSEGV" });
    const unstartable = outcomeOf({ kind: "unstartable", because: "there is no bin/detect" }, () => []);
    expect(unstartable).toEqual({ kind: "error", because: "there is no bin/detect" });
    expect(judgeGroup([attempt("a", killed)]).verdict).toBe("error");
  });
});

describe("verdicts for a person", () => {
  it("says of every element what became of it", () => {
    const { elements, verdict, reason } = judgeGroup([
      attempt("a"),
      attempt("b?", no),
      attempt("c?", exit(7)),
      attempt("d?", ["+unused"]),
    ]);
    expect([verdict, reason]).toEqual(["pass", ""]);
    expect(elements).toEqual([
      { id: "a", version: "1", optional: false, outcome: "pass", reason: "" },
      { id: "b", version: "1", optional: true, outcome: "skip", reason: "detect said no" },
      { id: "c", version: "1", optional: true, outcome: "error", reason: "exit status 7" },
      { id: "d", version: "1", optional: true, outcome: "drop", reason: "provides unused unused" },
    ]);
  });

  it("says why a group was lost", () => {
    expect(judgeGroup([attempt("a", no), attempt("b"), attempt("c@2", exit(1))]).reason).toBe("a@1, c@2 did not pass");
    expect(judgeGroup([attempt("a", ["-jdk"])])).toMatchObject({
      verdict: "fail",
      reason: "a@1 requires jdk",
      plan: ["Resolving plan... (try #1)", "fail: a@1 requires jdk"],
      participants: [],
    });
  });

  it("an error of an optional element does not make the plan's failure an error", () => {
    expect(judgeGroup([attempt("a?", exit(1)), attempt("b", ["-x"])]).verdict).toBe("fail");
  });

  it("keeps the elements themselves, whatever their homepage or targets", () => {
    const element = { buildpack: buildpack("a", { targets: [{ os: "linux", distros: [] }] }), optional: false };
    const outcome = { kind: "pass", alternatives: [{ provides: [], requires: [] }] } as const;
    expect(judgeGroup([{ element, outcome }]).participants[0]).toBe(element);
  });
});

describe("run.toml", () => {
  it("FILE-051 lists images with their mirrors, and mirrors need an image", () => {
    const images = [
      { image: "a.example/run", mirrors: ["b.example/run"] },
      { image: "c.example/run", mirrors: [] },
    ];
    const text = formatRun(images);
    expect(text).toBe(
      '[[images]]\n  image = "a.example/run"\n  mirrors = ["b.example/run"]\n\n[[images]]\n  image = "c.example/run"\n',
    );
    expect(parseRun(text, "run.toml")).toEqual(images);
    expect(formatRun([])).toBe("");
    expect(faultOf(() => parseRun('[[images]]\nmirrors = ["x"]', "run.toml")).message).toBe(
      "Cannot read images[0].image at run.toml: it is missing",
    );
  });
});
