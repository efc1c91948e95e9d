import type { Command } from "commander";
import type { Act } from "../entry.ts";
import { defineCreate } from "./builder-create.ts";
import { defineInspect } from "./builder-inspect.ts";

/** Adds `pack builder`. */
export function define(program: Command, act: Act): void {
  const builder = program.command("builder").description("make and inspect builders");
  defineCreate(builder, act);
  defineInspect(builder, act);
}
