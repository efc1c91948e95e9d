import type { EnvFile } from "../cnb/environment.ts";
import { namesIn } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";
import { leftKind, readLeft } from "./left.ts";

/** The files of an `env` directory below `root`, none when it is not there; directories in it are skipped, links to files are followed. */
export async function readEnvDirectory(root: HostPath, directory: HostPath): Promise<EnvFile[]> {
  const files: EnvFile[] = [];
  if ((await leftKind(root, directory)) !== "directory") return files;
  for (const name of await namesIn(directory)) {
    const path = under(directory, name);
    if ((await leftKind(root, path)) !== "file") continue;
    files.push({ name, content: (await readLeft(root, path)) ?? "" });
  }
  return files;
}
