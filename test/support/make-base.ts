import { readFileSync } from "node:fs";
import { createBase } from "../../src/base/create.ts";
import { parseDefinition } from "../../src/base/definition.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { hostPath, under } from "../../src/std/path.ts";
import { openLayout } from "../../src/store/layout.ts";

/*
 * A program of its own, so that it can run under another account and umask:
 * makes a base from a base.toml below a folder (store, cache, tmp) and prints its image ID.
 */
const [file, place] = process.argv.slice(2) as [string, string];
const folder = hostPath(place);
await using store = openLayout(under(folder, "store"));
const report = await createBase({
  definition: parseDefinition(readFileSync(file, "utf8"), file),
  names: [parseReference("base.example/run:other")],
  store,
  cache: under(folder, "cache"),
  temporary: under(folder, "tmp"),
  emit: () => undefined,
});
process.stdout.write(report.identity.imageId);
