import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The path of a program on this machine, undefined when it is not installed. */
function find(program: string): string | undefined {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"]) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Whether a program is on this machine. */
export function isInstalled(program: string): boolean {
  return find(program) !== undefined;
}

/** What a test context offers to leave a test out. */
interface Skippable {
  skip(note?: string): never;
}

/**
 * The path of a program that judges our output. Where it is missing the test is skipped with the reason printed; under CI it
 * fails, because there it was to be installed.
 */
export function peer(program: string, test: Skippable): string {
  const path = find(program);
  if (path !== undefined) return path;
  const reason = `${program} is not installed`;
  if (process.env["CI"] === "true") throw new Error(`${reason}, and under CI it must be`);
  console.log(`skipped: ${reason}`);
  return test.skip(reason);
}
