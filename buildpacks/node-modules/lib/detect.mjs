import { existsSync, writeFileSync } from "node:fs";
import { managerOf } from "./manager.mjs";
import { readManifest } from "./project.mjs";

const fail = 100;

if (!existsSync("package.json")) {
  console.log("no package.json");
  process.exit(fail);
}
const { scripts = {}, workspaces, ...manifest } = readManifest("package.json");
const kinds = ["dependencies", "devDependencies", "optionalDependencies"];
const installs = kinds.some((kind) => Object.keys(manifest[kind] ?? {}).length > 0);
if (!installs && !workspaces && !scripts.build) {
  console.log("package.json has neither dependencies nor a build script");
  process.exit(fail);
}
const requires = ["node", managerOf(manifest).name, "node_modules"];
const plan = ['[[provides]]\nname = "node_modules"\n', ...requires.map((name) => `[[requires]]\nname = "${name}"\n`)];
writeFileSync(process.env.CNB_BUILD_PLAN_PATH ?? process.argv[3], plan.join("\n"));
