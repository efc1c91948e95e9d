import { readFileSync } from "node:fs";
import { giveUp, ownValue, title } from "./output.mjs";
import { provideTool } from "./tool.mjs";

title();
// Yarn 2 and later write another format, which Yarn classic would silently replace.
if (/^__metadata:/m.test(readFileSync("yarn.lock", "utf8"))) {
  giveUp("Cannot install at yarn.lock: it was written by Yarn 2 or later", "Use Yarn 1, npm or pnpm for this app.");
}
provideTool("yarn", ownValue("default-yarn"));
