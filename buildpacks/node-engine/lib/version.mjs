// Which Node.js the app wants, and which published one serves it best.
import { existsSync, readFileSync } from "node:fs";

/** Code names of the lines with long-term support, as .nvmrc files use them. */
const codeNames = { hydrogen: "18", iron: "20", jod: "22", krypton: "24" };

/** What the app asks for, `{ range, source }`: BP_NODE_VERSION, engines.node, .nvmrc, .node-version, else `fallback`. */
export function requestedVersion(env, fallback) {
  const engines = existsSync("package.json") ? JSON.parse(readFileSync("package.json", "utf8")).engines : undefined;
  const wishes = [
    ["BP_NODE_VERSION", env.BP_NODE_VERSION],
    ["engines.node of package.json", engines?.node],
    [".nvmrc", firstLine(".nvmrc")],
    [".node-version", firstLine(".node-version")],
  ];
  const [source, text] = wishes.find(([, wish]) => wish) ?? ["default", fallback];
  return { range: rangeOf(text.trim(), fallback), source };
}

function firstLine(file) {
  if (!existsSync(file)) return undefined;
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.map((line) => line.replace(/#.*/, "").trim()).find((line) => line !== "");
}

function rangeOf(text, fallback) {
  if (text === "lts/*") return fallback;
  if (text.startsWith("lts/")) return codeNames[text.slice(4)] ?? text;
  if (["node", "current", "latest", "stable"].includes(text)) return "latest";
  return text;
}

/** The best of the versions that fit: the newest of the preferred major, else of a major with long-term support, else of all. */
export function bestVersion(versions, preferred) {
  const majorOf = ({ version }) => version.split(".")[0];
  const newest = (list) => list[list.length - 1];
  return (
    newest(versions.filter((entry) => majorOf(entry) === preferred)) ??
    newest(versions.filter((entry) => Number(majorOf(entry)) % 2 === 0)) ??
    newest(versions)
  );
}
