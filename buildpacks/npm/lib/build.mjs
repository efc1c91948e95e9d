import { writeEnv } from "./layer.mjs";
import { ownValue, title } from "./output.mjs";
import { provideTool } from "./tool.mjs";

title();
const major = process.versions.node.split(".")[0];
provideTool("npm", ownValue(`npm-for-node-${major}`) ?? ownValue("default-npm"));
writeEnv("npm", { "env.launch/NPM_CONFIG_UPDATE_NOTIFIER.default": "false" });
