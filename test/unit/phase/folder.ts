import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { type HostPath, hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";

/** A folder for a test file, removed when its tests are done. */
export function testFolder(): HostPath {
  const folder = hostPath(mkdtempSync(join(tmpdir(), "plinth-kept-")));
  afterAll(() => removeTree(folder));
  return folder;
}
