import { readdir, readFile, stat } from "node:fs/promises";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";

/** The files of a binding by their path in it. */
type Files = Record<string, Uint8Array>;

/** The old shape of a binding keeps its files in these directories. */
const oldFolders: readonly string[] = ["metadata", "secret"];

async function readInto(files: Files, directory: HostPath, prefix: string): Promise<void> {
  for (const name of await readdir(directory)) {
    // Kubernetes projects files as links through `..data`, a directory that is replaced as a whole; a key may begin with one dot.
    if (name.startsWith("..")) continue;
    const path = under(directory, name);
    const found = await stat(path);
    if (found.isFile()) files[prefix + name] = await readFile(path);
    else if (found.isDirectory() && prefix === "" && oldFolders.includes(name)) await readInto(files, path, `${name}/`);
  }
}

/**
 * Reads a service binding from its directory: one file for each key, links followed, what Kubernetes keeps in names with two dots left out (servicebinding.io,
 * "Well-known Secret Entries"); the old shape, with `metadata/` and `secret/`, as well. Throws Fault `binding.read`, and `binding.type` when
 * nothing tells its type.
 */
export async function readBinding(name: string, directory: HostPath): Promise<Readonly<Files>> {
  const files: Files = {};
  try {
    await readInto(files, directory, "");
  } catch (cause) {
    const found = errnoOf(cause) === "ENOENT" ? "there is no such directory" : reasonOf(cause);
    throw new Fault("binding.read", `Cannot read binding ${name} at ${directory}: ${found}`, { cause, exit: "usage" });
  }
  if ("type" in files || "metadata/kind" in files) return files;
  throw new Fault("binding.type", `Cannot read binding ${name} at ${directory}: there is no file "type"`, {
    exit: "usage",
    hint: "a binding is a directory with a file called type, and one file for each key",
  });
}
