import { chmod, lstat, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { errnoOf } from "./fault.ts";

/** Whether nothing is there: the path or a folder on the way to it is missing. */
function isAbsent(error: unknown): boolean {
  const errno = errnoOf(error);
  return errno === "ENOENT" || errno === "ENOTDIR";
}

/** The text of a file, undefined when there is none. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Writes a file with mode 0644 whatever the umask: its mode is part of layers. */
export async function writeText(path: string, text: string | Uint8Array): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}

/** Makes a directory with mode 0755 whatever the umask; one that is there already is left as it is. */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return;
    throw error;
  }
  await chmod(path, 0o755);
}

/** What the path itself is, links not followed. */
export async function kindOf(path: string): Promise<"directory" | "file" | "link" | "other" | undefined> {
  try {
    const found = await lstat(path);
    if (found.isDirectory()) return "directory";
    if (found.isFile()) return "file";
    return found.isSymbolicLink() ? "link" : "other";
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Whether a path, links followed, is a directory. */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** The names in a directory in byte order; none when it is not there. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    const names = await readdir(path);
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}
