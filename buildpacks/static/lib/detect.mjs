import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { giveUp } from "./output.mjs";
import { siteOf } from "./site.mjs";

const fail = 100;

const built = Boolean(readScripts().build);
if (!built && !siteOf(process.env.BP_STATIC_ROOT)) {
  console.log(`no index.html in ${process.env.BP_STATIC_ROOT ?? "the app, dist, build, out, _site or public"}`);
  process.exit(fail);
}
const requires = built ? ["node", "node_modules"] : ["node"];
const plan = requires.map((name) => `[[requires]]\nname = "${name}"\n`);
writeFileSync(process.env.CNB_BUILD_PLAN_PATH ?? process.argv[3], plan.join("\n"));

/** A site that a build script makes cannot be seen yet. */
function readScripts() {
  if (!existsSync("package.json")) return {};
  try {
    return JSON.parse(readFileSync("package.json", "utf8")).scripts ?? {};
  } catch (error) {
    return giveUp(`Cannot read package.json: ${error.message}`, "It must be valid JSON.");
  }
}
