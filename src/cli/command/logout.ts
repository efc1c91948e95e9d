import type { Command } from "commander";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { outsideOptions } from "../input.ts";

async function run(context: Context, registry: string): Promise<number> {
  const { logout } = await import("../../login.ts");
  const wasKnown = await logout({ registry, outside: outsideOptions(context, {}) });
  context.say(wasKnown ? `Logged out of ${registry}` : `You were not logged in to ${registry}`);
  return 0;
}

/** Adds `pack logout`. */
export function define(program: Command, act: Act): void {
  program
    .command("logout <registry>")
    .description("forget who you are at a registry")
    .action((registry: string) => act((context) => run(context, registry)));
}
