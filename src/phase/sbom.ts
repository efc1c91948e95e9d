import { copyFile, mkdir, readdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Buildpack } from "../cnb/buildpack.ts";
import type { BomEntry } from "../cnb/launch.ts";
import { formatLegacyBom, planRestoredSboms, planSboms, type SbomCopy } from "../cnb/sbom.ts";
import { makeDirectory, namesIn, writeText } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { buildpackPlace, type LayerOnDisk } from "./layer.ts";
import { readLeft } from "./left.ts";
import type { Workspace } from "./workspace.ts";

/** The legacy bill-of-materials entries of one buildpack. */
export interface BomContribution {
  readonly buildpack: Buildpack;
  readonly launch: readonly BomEntry[];
  readonly build: readonly BomEntry[];
}

async function makeDirectories(root: HostPath, relative: string): Promise<void> {
  let path = root;
  for (const part of relative.split("/")) {
    path = under(path, part);
    await makeDirectory(path);
  }
}

/** Copies text files with mode 0644: they become layer content. */
async function copyAll(root: HostPath, from: HostPath, to: HostPath, copies: readonly SbomCopy[]): Promise<void> {
  for (const copy of copies) {
    await makeDirectories(to, dirname(copy.to));
    const text = await readLeft(root, under(from, copy.from));
    if (text !== undefined) await writeText(under(to, copy.to), text);
  }
}

/** The part of a path of the specification below `<layers>/sbom`. */
function inSbom(copy: SbomCopy): SbomCopy {
  return { from: copy.from, to: copy.to.replace(/^sbom\//, "") };
}

/** Copies the SBOM files a buildpack wrote to where the image, the cache and the user find them (Platform spec, "SBOM"). */
export async function collectSboms(
  workspace: Workspace,
  buildpack: Buildpack,
  layers: readonly LayerOnDisk[],
): Promise<void> {
  const { host } = buildpackPlace(workspace.layers, buildpack);
  const byName = new Map(layers.map((layer) => [layer.name, layer.metadata]));
  await copyAll(
    workspace.layers.host,
    host,
    workspace.sbom.host,
    planSboms(buildpack, await namesIn(host), byName).map(inSbom),
  );
}

/** Writes `sbom.legacy.json` for launch and build, as the reference does for every build. */
export async function writeLegacyBoms(workspace: Workspace, boms: readonly BomContribution[]): Promise<void> {
  for (const kind of ["launch", "build"] as const) {
    const sources = boms.map(({ buildpack, ...bom }) => ({
      id: buildpack.id,
      version: buildpack.version,
      bom: bom[kind],
    }));
    await makeDirectories(workspace.sbom.host, kind);
    await writeText(under(workspace.sbom.host, kind, "sbom.legacy.json"), formatLegacyBom(sources));
  }
}

/** Writes bills of materials that no buildpack wrote, by their path below `<layers>/sbom`. */
export async function writeSboms(workspace: Workspace, texts: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(texts)) {
    await makeDirectories(workspace.sbom.host, dirname(path));
    await writeText(under(workspace.sbom.host, path), text);
  }
}

/** The files below a directory, their paths relative to it. */
async function filesBelow(root: HostPath): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length + 1));
}

/** Puts restored SBOM files back beside their layers, and empties the place they were restored to. */
export async function returnSboms(workspace: Workspace, group: readonly Buildpack[]): Promise<void> {
  const root = workspace.sbom.host;
  await copyAll(
    root,
    root,
    workspace.layers.host,
    planRestoredSboms(
      await filesBelow(root),
      group.map((buildpack) => buildpack.id),
    ),
  );
  for (const name of await namesIn(root)) await removeTree(under(root, name));
}

/** Copies the bills of materials for the user: `launch/…` and `build/…` below `directory`. */
export async function saveSboms(workspace: Workspace, directory: HostPath): Promise<void> {
  const root = workspace.sbom.host;
  await mkdir(directory, { recursive: true });
  for (const relative of await filesBelow(root)) {
    if (relative.startsWith("cache/")) continue;
    await makeDirectories(directory, dirname(relative));
    await copyFile(under(root, relative), under(directory, relative));
  }
}
