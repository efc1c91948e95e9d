// How a Node.js app starts.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The command that starts the app in a directory, `{ command, source }`; undefined when nothing says how. */
export function startOf(directory) {
  const manifest = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const { prestart, start, poststart } = manifest.scripts ?? {};
  if (start) {
    const hooked = [prestart, start, poststart].filter(Boolean);
    const plain = hooked.length === 1 && isPlain(start);
    return { command: plain ? start.trim().split(/\s+/) : ["bash", "-c", hooked.join(" && ")], source: "start script" };
  }
  if (existsSync(join(directory, "server.js"))) return { command: ["node", "server.js"], source: "server.js" };
  if (manifest.main && existsSync(join(directory, manifest.main))) {
    return { command: ["node", manifest.main], source: "main of package.json" };
  }
  return undefined;
}

/** Words only: nothing a shell would expand, redirect, split at or assign. */
function isPlain(script) {
  return /^[\w@%+:,./-]+(\s+[\w@%+=:,./-]+)*$/.test(script.trim());
}
