import type { Command } from "commander";
import { exitCodeOf } from "../../std/fault.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { addSettingFlags, type SettingFlags, settingOptions } from "../flag/setting.ts";
import { detectionTree, planText } from "../render/detection.ts";

/** BigInt has no place in JSON; integers of plans are written as numbers. */
const plainNumbers = (_key: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);

async function run(context: Context, flags: SettingFlags): Promise<number> {
  const { detect } = await import("../../detect.ts");
  const options = await settingOptions(context, flags);
  // The tree says it all; the reference's lines are for --verbose.
  const report = await detect({ ...options, onEvent: context.level === "debug" ? context.emit : () => {} });
  const failure = report.failure && { code: report.failure.code, message: report.failure.message };
  if (context.json) context.result(JSON.stringify({ type: "detection", ...report, failure }, plainNumbers));
  else {
    context.result(detectionTree(report, context.style));
    if (!report.failure) context.result(planText(report));
  }
  return report.failure ? exitCodeOf(report.failure) : 0;
}

/** Adds `pack detect`. */
export function define(program: Command, act: Act): void {
  addSettingFlags(program.command("detect").description("show which buildpacks would build an app, and why"))
    .addHelpText("after", "\nEnds with 20 when no group passes, 21 when a buildpack erred.")
    .action((flags: SettingFlags) => act((context) => run(context, flags)));
}
