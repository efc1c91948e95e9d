// What a buildpack says: its name once, then short indented lines; an error is a sentence and a hint.
import { readFileSync } from "node:fs";

const descriptor = readFileSync(new URL("../buildpack.toml", import.meta.url), "utf8");

/** A text value of this buildpack's own buildpack.toml; the first key of that name counts. */
export function ownValue(key) {
  return new RegExp(`^${key} = "(.*)"$`, "m").exec(descriptor)?.[1];
}

/** Prints the line every build begins with. */
export function title() {
  console.log(`${ownValue("name")} ${ownValue("version")}`);
}

/** Prints one line of what is being done, or why. */
export function say(line) {
  console.log(`  ${line}`);
}

/** Ends the build or the detection with an error: what cannot be done, and what the reader can do about it. */
export function giveUp(message, hint) {
  console.error(`ERROR: ${message}\n  ${hint}`);
  process.exit(1);
}

/** Why a finished spawnSync failed, in the program's own words, or undefined when it did not. */
export function failureOf({ status, signal, error, stdout, stderr }) {
  if (status === 0) return undefined;
  return (error?.message ?? `${stdout ?? ""}${stderr ?? ""}`.trim()) || `exit code ${status ?? signal}`;
}
