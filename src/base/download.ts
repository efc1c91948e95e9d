import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { type Emit, logTo } from "../std/event.ts";
import { errnoOf, Fault } from "../std/fault.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { type Apt, complaintsOf } from "./apt.ts";
import type { Resolved } from "./resolve.ts";
import { redacted } from "./suite.ts";

/** A package with its `.deb` on this machine, whose SHA-256 was just checked. */
export interface Downloaded extends Resolved {
  readonly path: HostPath;
}

/** The SHA-256 of a file in hex; undefined when there is no such file. */
async function sha256Of(path: HostPath): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(path), hash);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
  return hash.digest("hex");
}

const keptAt = (cache: HostPath, { sha256 }: Resolved) => under(cache, "deb", `${sha256}.deb`);

async function keep(cache: HostPath, item: Resolved, from: HostPath): Promise<void> {
  const fresh = hostPath(`${keptAt(cache, item)}.${randomUUID()}`);
  try {
    await copyFile(from, fresh);
    const found = await sha256Of(fresh);
    if (found !== item.sha256)
      throw new Fault(
        "base.corrupt",
        `Cannot take package ${item.name} ${item.version}: its SHA-256 is ${found}, the signed list has ${item.sha256}`,
        {
          hint: "the archive or a proxy gave other bytes; try again later or use another mirror",
        },
      );
    await rename(fresh, keptAt(cache, item));
  } finally {
    await rm(fresh, { force: true });
  }
}

/** apt leaves packages of `file:` archives where they are. */
const sourceOf = (apt: Apt, { uri, file }: Resolved): HostPath =>
  uri.startsWith("file:") ? hostPath(fileURLToPath(uri.replace(/^file:\/*/, "file:///"))) : under(apt.archives, file);

async function fetchPackages(
  apt: Apt,
  all: readonly Resolved[],
  missing: readonly Resolved[],
  cache: HostPath,
): Promise<void> {
  for (const item of all)
    if (!missing.includes(item)) await copyFile(keptAt(cache, item), under(apt.archives, item.file));
  const exact = all.map(({ name, version }) => `${name}=${version}`);
  const outcome = await apt.run("apt-get", ["install", "-qq", "--yes", "--download-only", "--", ...exact]);
  if (outcome.code !== 0)
    throw new Fault("base.fetch", `Cannot download packages: ${redacted(complaintsOf(outcome).join("; "))}`, {
      hint: "check the network and apt's proxy; a list that is too old names files the archive has dropped",
    });
}

/**
 * Brings every package into `<cache>/deb/<sha256>.deb`; what is there already and has that SHA-256 is not fetched again.
 * Throws Fault `base.fetch`, `base.corrupt`, or `base.offline` when something would have to be fetched.
 */
export async function downloadPackages(
  apt: Apt,
  resolved: readonly Resolved[],
  options: { readonly cache: HostPath; readonly offline: boolean },
  emit: Emit,
): Promise<Downloaded[]> {
  const { cache, offline } = options;
  await mkdir(under(cache, "deb"), { recursive: true });
  const missing: Resolved[] = [];
  for (const item of resolved) if ((await sha256Of(keptAt(cache, item))) !== item.sha256) missing.push(item);
  if (missing.length > 0) {
    if (offline)
      throw new Fault(
        "base.offline",
        `Cannot take ${missing.map(({ name }) => name).join(", ")} offline: not in the cache at ${cache}`,
        {
          hint: "run once with the network",
        },
      );
    const bytes = missing.reduce((sum, { size }) => sum + size, 0);
    logTo(emit).info(`Downloading ${missing.length} of ${resolved.length} packages (${(bytes / 1e6).toFixed(1)} MB)`);
    await fetchPackages(apt, resolved, missing, cache);
    for (const item of missing) await keep(cache, item, sourceOf(apt, item));
  }
  return resolved.map((item) => ({ ...item, path: keptAt(cache, item) }));
}
