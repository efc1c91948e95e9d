import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Makes a directory that is gone when this program ends, however it ends by itself. */
export function temporaryDirectory() {
  const directory = mkdtempSync(join(tmpdir(), "plinth-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
