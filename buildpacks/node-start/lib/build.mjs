import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { say, title } from "./output.mjs";
import { startOf } from "./start.mjs";

title();
const start = startOf(".");
if (start) {
  say(`Process web: ${start.command.join(" ")} (${start.source})`);
  const command = start.command.map((word) => JSON.stringify(word)).join(", ");
  const launch = `[[processes]]\ntype = "web"\ncommand = [${command}]\ndefault = true\n`;
  writeFileSync(join(process.env.CNB_LAYERS_DIR ?? process.argv[2], "launch.toml"), launch);
} else {
  say("No start script: processes are left to the Procfile");
}
