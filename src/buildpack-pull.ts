import { lstat } from "node:fs/promises";
import { resolve } from "node:path";
import { parseLocator } from "./cnb/locator.ts";
import { type MakingOptions, openMaking } from "./making/making.ts";
import type { Digest } from "./oci/digest.ts";
import { familiarName, formatReference, parseReference, withDefaultTag } from "./oci/reference.ts";
import { readPackageLabels } from "./package/packaged.ts";
import type { Keeper } from "./reach/place.ts";
import { logTo } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { copyImage } from "./store/copy.ts";

/** What is fetched, and where it goes. */
export interface PullBuildpackOptions extends MakingOptions {
  /** An image, or an id of a registry. */
  readonly locator: string;
  /** The local store unless said. */
  readonly output?: Exclude<Keeper, "registry">;
}

/** What was fetched. */
export interface PulledBuildpack {
  /** The name it has here. */
  readonly name: string;
  readonly id: string;
  readonly version: string;
  readonly imageId: Digest;
}

/** Fetches a package into the local store or the daemon, under the name it has in its registry. Throws Fault `buildpack.missing`, `package.label` for another image. */
export async function pullBuildpack(options: PullBuildpackOptions): Promise<PulledBuildpack> {
  const { locator, output = "local" } = options;
  const base = options.base ?? process.cwd();
  const exists = (path: string) =>
    lstat(resolve(base, path)).then(
      () => true,
      () => false,
    );
  const parsed = await parseLocator(locator, { exists });
  if (parsed.kind !== "image" && parsed.kind !== "registry")
    throw new Fault("locator.pull", `Cannot pull ${locator}: it is no image and no id of a registry`, {
      exit: "usage",
    });
  await using making = await openMaking({ pullPolicy: "always", ...options }, { keeper: "local" });
  const text = parsed.kind === "image" ? parsed.name : (await making.sources.findInRegistry(parsed.id)).address;
  const name = withDefaultTag(parseReference(text));
  const stored = await making.findImage("buildpack", name, undefined);
  if (stored === undefined)
    throw new Fault("buildpack.missing", `Cannot pull ${formatReference(name)}: there is no such image`, {
      exit: "usage",
    });
  const { metadata } = readPackageLabels(stored.image.config, formatReference(name));
  if (output === "daemon") await copyImage(stored, making.outside.images.daemon, [name]);
  logTo(making.emit).debug(`Pulled ${formatReference(name)}`);
  const { id, version } = metadata;
  return { name: familiarName(name), id, version, imageId: stored.identity.imageId };
}
