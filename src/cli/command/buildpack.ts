import type { Command } from "commander";
import type { Act } from "../entry.ts";
import { defineNew } from "./buildpack-new.ts";
import { definePull } from "./buildpack-pull.ts";
import { defineInspect } from "./module-inspect.ts";
import { definePackage } from "./module-package.ts";

/** Adds `pack buildpack`. */
export function define(program: Command, act: Act): void {
  const buildpack = program.command("buildpack").description("make and inspect buildpacks and their packages");
  defineNew(buildpack, act);
  definePackage(buildpack, "buildpack", act);
  defineInspect(buildpack, "buildpack", act);
  definePull(buildpack, act);
}
