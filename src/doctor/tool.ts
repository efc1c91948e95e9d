import { access, constants } from "node:fs/promises";
import { toolPath } from "../sandbox/spawn.ts";
import { areaOf, type Finding } from "./diagnosis.ts";

const finding = areaOf("tools");

async function pathOf(program: string): Promise<string | undefined> {
  for (const folder of toolPath.split(":")) {
    const path = `${folder}/${program}`;
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

const programs: readonly (readonly [string, string])[] = [
  ["bwrap", "install bubblewrap: namespaces start several times as fast"],
  ["unshare", "install util-linux"],
  ["apt-get", "`pack base create` needs a Debian or Ubuntu machine; run images can also be fetched or copied"],
  ["dpkg-deb", "`pack base create` needs it: install dpkg"],
  ["git", "builds remember the commit they come from where git is installed"],
];

/** Programs of this machine that some of our work needs. */
export async function lookAtTools(): Promise<Finding[]> {
  const found = programs.map(async ([program, hint]) => {
    const path = await pathOf(program);
    return path === undefined ? finding(program, "none", "it is not installed", hint) : finding(program, "ok", path);
  });
  const node = finding("node", "ok", `${process.version} on ${process.platform}/${process.arch}`);
  return [node, ...(await Promise.all(found))];
}
