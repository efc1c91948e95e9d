import { parseBuildpack } from "../cnb/buildpack.ts";
import { parseExtension } from "../cnb/extension.ts";
import { type ModuleKind, parseModuleDescriptor } from "../cnb/module-descriptor.ts";
import type { TargetPattern } from "../cnb/target.ts";
import { targetParts } from "../cnb/target-text.ts";
import { Fault } from "../std/fault.ts";
import { isDirectory, kindOf, readText } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";
import type { Part } from "./part.ts";

/**
 * The directory with what belongs to a target: the deepest of `os/arch/variant/name@version` below it that is there, itself when there is none
 * (the layout of modules for several platforms).
 */
async function rootFor(directory: HostPath, target: TargetPattern | undefined): Promise<HostPath> {
  let root = directory;
  for (const part of target ? targetParts(target) : []) {
    const deeper = under(root, part);
    if (!(await isDirectory(deeper))) return root;
    root = deeper;
  }
  return root;
}

/** Which of a module's scripts stand in a directory; symbolic links count, as a package keeps them. */
async function isScript(root: HostPath, name: string): Promise<boolean> {
  const kind = await kindOf(under(root, "bin", name));
  return kind === "file" || kind === "link";
}

/**
 * The module in a directory, the files for `target` where it has some for several. Throws Fault `<kind>.missing` when there is no descriptor, and
 * those of its parsers.
 */
export async function directoryPart(directory: HostPath, kind: ModuleKind, target?: TargetPattern): Promise<Part> {
  const name = `${kind}.toml`;
  const root = await rootFor(directory, target);
  const place = (await readText(under(directory, name))) === undefined ? root : directory;
  const text = await readText(under(place, name));
  if (text === undefined)
    throw new Fault(`${kind}.missing`, `Cannot read ${kind} at ${directory}: there is no ${name}`, {
      exit: "usage",
      hint: `give the directory that holds ${name}, or an archive of it`,
    });
  const file = under(place, name);
  const descriptor = parseModuleDescriptor(text, file, kind);
  const inferred =
    kind === "buildpack"
      ? parseBuildpack(text, file, { hasBinBuild: await isScript(root, "build") })
      : parseExtension(text, file, {
          hasScripts: (await isScript(root, "detect")) || (await isScript(root, "generate")),
        });
  return {
    descriptor,
    content: { kind: "directory", root, descriptor: { name, text } },
    targets: descriptor.order.length > 0 ? [] : inferred.targets,
  };
}
