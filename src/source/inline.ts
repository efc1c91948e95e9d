import { chmod, mkdir, mkdtemp, rename, writeFile } from "node:fs/promises";
import type { ProjectBuildpack } from "../cnb/project-group.ts";
import { digestOf, hexOf } from "../oci/digest.ts";
import { errnoOf } from "../std/fault.ts";
import { isDirectory, makeDirectory, writeText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { formatToml } from "../std/toml-write.ts";

type InlineBuildpack = Extract<ProjectBuildpack, { readonly kind: "inline" }>;

/** The files of the buildpack that an inline script stands for; its detection always passes, its version is 0.0.0, as in pack. */
export function inlineFiles({ id, script }: Pick<InlineBuildpack, "id" | "script">): ReadonlyMap<string, string> {
  const { api, shell, inline } = script;
  return new Map([
    ["buildpack.toml", formatToml({ api, buildpack: { id, version: "0.0.0" }, stacks: [{ id: "*" }] })],
    ["bin/detect", `#!${shell}\n\nexit 0\n`],
    ["bin/build", `#!${shell}\n\n${inline}\n`],
  ]);
}

/** The directory of the buildpack that an inline script stands for, below `parent`: written once for each content. */
export async function writeInline(buildpack: InlineBuildpack, parent: HostPath): Promise<HostPath> {
  const files = inlineFiles(buildpack);
  const target = under(parent, `inline-${hexOf(digestOf(JSON.stringify([...files])))}`);
  if (await isDirectory(target)) return target;
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const fresh = hostPath(await mkdtemp(under(parent, ".inline-")));
  try {
    await chmod(fresh, 0o755);
    await makeDirectory(under(fresh, "bin"));
    for (const [name, text] of files) {
      if (!name.startsWith("bin/")) await writeText(under(fresh, name), text);
      else {
        await writeFile(under(fresh, name), text);
        await chmod(under(fresh, name), 0o755);
      }
    }
    await rename(fresh, target);
  } catch (error) {
    await removeTree(fresh);
    // Another build wrote the same meanwhile: its copy is as good as ours.
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
  }
  return target;
}
