import { mkdir } from "node:fs/promises";
import pLimit from "p-limit";
import { type Distro, parseOsRelease } from "../cnb/target.ts";
import { type Emit, logTo } from "../std/event.ts";
import { type HostPath, under } from "../std/path.ts";
import { copyKeyring, prepareApt } from "./apt.ts";
import type { BaseDefinition, BaseUser } from "./definition.ts";
import { downloadPackages } from "./download.ts";
import { furnish } from "./furnish.ts";
import { bringLists } from "./lists.ts";
import type { Machine } from "./machine.ts";
import { type Package, unpackPackage } from "./package.ts";
import { resolvePackages } from "./resolve.ts";
import { type Archive, type Mirror, planArchives, redacted } from "./suite.ts";
import { readFileAt, type Tree, treeOf } from "./tree.ts";

/** What packages are brought and laid out with. */
export interface Assembly {
  readonly definition: BaseDefinition;
  readonly user: BaseUser;
  readonly machine: Machine;
  /** Debian's name of the architecture. */
  readonly architecture: string;
  readonly mirrors: readonly Mirror[];
  readonly keyring: HostPath | undefined;
  readonly offline: boolean;
  readonly cache: HostPath;
  /** An empty directory that lasts as long as the result is used. */
  readonly directory: HostPath;
  readonly signal: AbortSignal | undefined;
}

/** A root file system made of packages, ready to be put into layers. */
export interface Assembled {
  readonly tree: Tree;
  readonly packages: readonly Package[];
  readonly archives: readonly Archive[];
  readonly distro: Distro | undefined;
}

function warnOfTrust(archives: readonly Archive[], emit: Emit): void {
  for (const { suite, uri, options } of archives)
    for (const [name, value] of options)
      if (/^(trusted|allow-)/i.test(name) && /^yes$/i.test(value))
        logTo(emit).warn(
          `${suite} at ${redacted(uri)} is taken without its signature: apt's sources say ${name}: ${value}`,
        );
}

async function unpackAll(
  packages: Awaited<ReturnType<typeof downloadPackages>>,
  assembly: Assembly,
  emit: Emit,
): Promise<Package[]> {
  const directory = under(assembly.directory, "files");
  await mkdir(directory, { mode: 0o700 });
  const limit = pLimit(2);
  let done = 0;
  return Promise.all(
    packages.map((item) =>
      limit(async () => {
        const unpacked = await unpackPackage(item, under(directory, item.name), assembly.signal);
        done++;
        emit({ type: "progress", task: "Unpacking packages", done, total: packages.length, unit: "item" });
        return unpacked;
      }),
    ),
  );
}

/** Resolves, verifies, downloads and unpacks the definition's packages and makes a system of them. Throws the Faults of its steps. */
export async function assemble(assembly: Assembly, emit: Emit): Promise<Assembled> {
  const { definition, machine, architecture, directory, cache, offline, signal } = assembly;
  const { suites, components, without, pins } = definition;
  const root = under(directory, "apt");
  await mkdir(root);
  const apt = await prepareApt(root, { architecture, without, pins, signal });
  const keyring = assembly.keyring && (await copyKeyring(apt, assembly.keyring));
  const release = definition.release ?? machine.release;
  const wish = { suites, components, architecture, release, mirrors: assembly.mirrors, keyring };
  const planned = planArchives(wish, machine.sources);
  warnOfTrust(planned, emit);
  const log = logTo(emit);
  log.info(`Resolving packages in ${[...new Set(planned.map(({ suite }) => suite))].join(", ")}`);
  const archives = await bringLists(
    apt,
    planned,
    { architecture, cache, offline, distribution: machine.distribution },
    emit,
  );
  const resolved = await resolvePackages(apt, definition, archives);
  const downloaded = await downloadPackages(apt, resolved, { cache, offline }, emit);
  log.info(`Unpacking ${downloaded.length} packages`);
  const packages = await unpackAll(downloaded, assembly, emit);
  const tree = treeOf(packages);
  await furnish(tree, packages, definition, assembly.user);
  const os = (await readFileAt(tree, "usr/lib/os-release")) ?? (await readFileAt(tree, "etc/os-release"));
  return { tree, packages, archives, distro: os === undefined ? undefined : parseOsRelease(os) };
}
