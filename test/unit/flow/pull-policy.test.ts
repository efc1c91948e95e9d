import { mkdtempSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { intervalOf, isDue, parsePullPolicy } from "../../../src/reach/pull-policy.ts";
import { pullRecord } from "../../../src/reach/pull-record.ts";
import { hostPath } from "../../../src/std/path.ts";
import { faultOf } from "../../support/fault.ts";

const hour = 3_600_000;

it.each([
  ["hourly", hour],
  ["daily", 24 * hour],
  ["weekly", 7 * 24 * hour],
  ["interval=2h", 2 * hour],
  ["interval=1d12h30m", 36.5 * hour],
  ["interval=0m", 0],
  ["always", undefined],
])("the policy %s has an interval of %s", (text, expected) => {
  expect(intervalOf(parsePullPolicy(text))).toBe(expected);
});

it.each(["", "sometimes", "interval=", "interval=h", "interval=5", "interval=1m2h", "Always"])(
  "%j is no policy",
  (text) => {
    expect(faultOf(() => parsePullPolicy(text))).toMatchObject({ code: "usage.pull-policy", exit: "usage" });
  },
);

it("an image that is here is fetched again when its interval is over, or when nobody knows", () => {
  expect(isDue("hourly", hour - 1)).toBe(false);
  expect(isDue("hourly", hour)).toBe(true);
  expect(isDue("daily", undefined)).toBe(true);
  expect(isDue("always", 0)).toBe(true);
  expect(isDue("if-not-present", undefined)).toBe(false);
  expect(isDue("never", undefined)).toBe(false);
});

it("remembers when a name was fetched", async () => {
  const above = mkdtempSync(join(tmpdir(), "plinth-pulls-"));
  onTestFinished(() => rmSync(above, { recursive: true }));
  const folder = hostPath(join(above, "pulls"));
  const record = pullRecord(folder);
  const name = parseReference("example.com/run");
  expect(await record.age(name)).toBeUndefined();
  await record.pulled(name);
  const fresh = await record.age(parseReference("example.com/run:latest"));
  expect(fresh).toBeGreaterThanOrEqual(0);
  expect(fresh).toBeLessThan(hour);
  expect(await record.age(parseReference("example.com/run:2"))).toBeUndefined();
  const file = join(folder, readdirSync(folder)[0]!);
  utimesSync(file, 1000, 1000);
  expect(await record.age(name)).toBeGreaterThan(hour);
  utimesSync(file, 10_000_000_000, 10_000_000_000);
  expect(await record.age(name)).toBeUndefined();
});
