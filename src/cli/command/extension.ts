import type { Command } from "commander";
import type { Act } from "../entry.ts";
import { defineInspect } from "./module-inspect.ts";
import { definePackage } from "./module-package.ts";

/** Adds `pack extension`. */
export function define(program: Command, act: Act): void {
  const extension = program.command("extension").description("make and inspect packages of image extensions");
  definePackage(extension, "extension", act);
  defineInspect(extension, "extension", act);
}
