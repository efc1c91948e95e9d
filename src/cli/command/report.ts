import type { Command } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";

async function run(context: Context, flags: { explicit?: boolean }): Promise<number> {
  const { report } = await import("../../report.ts");
  const found = await report({ home: context.home, explicit: Boolean(flags.explicit) });
  if (context.json) {
    context.result(JSON.stringify({ type: "report", ...found }));
    return 0;
  }
  const config = found.config?.trimEnd() ?? "(no config file)";
  context.result(`Pack:
  Version:  ${found.version}
  OS/Arch:  ${found.machine}
  Node.js:  ${found.node}

Supported Platform APIs:   ${found.platformApi}
Supported Buildpack APIs:  ${found.buildpackApis.join(", ")}

Config:
${config.replaceAll(/^(?=.)/gm, "  ")}`);
  return 0;
}

/** Adds `pack report`. */
export function define(program: Command, act: Act): void {
  program
    .command("report")
    .description("print what those who help need to know; texts of the configuration are struck out")
    .option("-e, --explicit", "the configuration as it is")
    .action((flags: { explicit?: boolean }) => act((context) => run(context, flags)));
}
