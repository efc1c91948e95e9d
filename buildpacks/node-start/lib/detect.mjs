import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { giveUp } from "./output.mjs";
import { startOf } from "./start.mjs";

const fail = 100;

if (!existsSync("package.json")) {
  console.log("no package.json");
  process.exit(fail);
}
try {
  JSON.parse(readFileSync("package.json", "utf8"));
} catch (error) {
  giveUp(`Cannot read package.json: ${error.message}`, "It must be valid JSON.");
}
if (!startOf(".") && !existsSync("Procfile")) {
  console.log("no start script in package.json, no server.js, no main file and no Procfile");
  process.exit(fail);
}
writeFileSync(process.env.CNB_BUILD_PLAN_PATH ?? process.argv[3], '[[requires]]\nname = "node"\n');
