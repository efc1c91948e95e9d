import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyLayer, layerPath, writeEnv, writeLayer } from "./layer.mjs";
import { giveUp, ownValue, say, title } from "./output.mjs";
import { siteOf } from "./site.mjs";

title();
const asked = process.env.BP_STATIC_ROOT;
const site = siteOf(asked);
if (!site) {
  const places = asked ?? "dist, build, out, _site, public and the app itself";
  giveUp(`Cannot find the site at ${places}: no index.html`, "Set BP_STATIC_ROOT to the directory the build writes.");
}
say(`Serving ${site === "." ? "the app's own directory" : site}`);

copyFileSync(new URL("server.mjs", import.meta.url), join(emptyLayer("server"), "server.mjs"));
writeEnv("server", { "env.launch/PORT.default": "8080" });
writeLayer("server", ["launch"], { version: ownValue("version") });

const command = ["node", join(layerPath("server"), "server.mjs"), site].map((word) => JSON.stringify(word)).join(", ");
const launch = `[[processes]]\ntype = "web"\ncommand = [${command}]\ndefault = true\n`;
writeFileSync(join(process.env.CNB_LAYERS_DIR ?? process.argv[2], "launch.toml"), launch);
