import { readFileSync } from "node:fs";
import { writeEnv } from "./layer.mjs";
import { ownValue, title } from "./output.mjs";
import { provideTool } from "./tool.mjs";

title();
const [, format] = /^lockfileVersion: '?(\d+)/m.exec(readFileSync("pnpm-lock.yaml", "utf8")) ?? [];
provideTool("pnpm", ownValue(`pnpm-for-lockfile-${format}`) ?? ownValue("default-pnpm"));
// In the image everything is what it is: "pnpm start" must neither compare node_modules with the lockfile, nor itself
// with packageManager, and then install again.
writeEnv("pnpm", {
  "env.launch/PNPM_CONFIG_VERIFY_DEPS_BEFORE_RUN.default": "false",
  "env.launch/PNPM_CONFIG_PM_ON_FAIL.default": "ignore",
});
