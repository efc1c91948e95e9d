import type { Command } from "commander";
import type { Finding, State } from "../../doctor/diagnosis.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { outsideOptions } from "../input.ts";

interface Flags {
  readonly dockerHost?: string;
}

function markOf(state: State, { style }: Context): string {
  const marks: Record<State, string> = {
    ok: style.good("ok  "),
    warn: style.warning("warn"),
    fail: style.failure("FAIL"),
    none: style.faint("-   "),
  };
  return marks[state];
}

function show(findings: readonly Finding[], context: Context): void {
  for (const area of new Set(findings.map((finding) => finding.area))) {
    context.result(`${area}:`);
    for (const { name, state, found, hint } of findings.filter((finding) => finding.area === area)) {
      context.result(`  ${markOf(state, context)} ${name}: ${found}`);
      if (hint && state !== "ok") context.result(`       ${context.style.faint(hint)}`);
    }
  }
}

async function run(context: Context, flags: Flags): Promise<number> {
  const { doctor } = await import("../../doctor.ts");
  const { findings, isHealthy } = await doctor({ home: context.home, outside: outsideOptions(context, flags) });
  if (context.json) for (const finding of findings) context.result(JSON.stringify(finding));
  else if (context.quiet)
    show(
      findings.filter(({ state }) => state === "fail"),
      context,
    );
  else show(findings, context);
  return isHealthy ? 0 : 1;
}

/** Adds `pack doctor`. */
export function define(program: Command, act: Act): void {
  program
    .command("doctor")
    .description("show what builds depend on here, and what to do about it")
    .option("--docker-host <address>", "the Docker daemon to ask (default: as DOCKER_HOST says)")
    .addHelpText("after", "\nExits with 1 when something is in the way of builds.")
    .action((flags: Flags) => act((context) => run(context, flags)));
}
