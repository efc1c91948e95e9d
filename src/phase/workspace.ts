import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { isAbandoned, markOwned } from "../std/claim.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { makeDirectory } from "../std/file.ts";
import { type GuestPath, guestPath, type HostPath, hostPath, type Place, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";

/** The directories one build works in, each seen from the host and from the sandbox (Platform spec, "Operations"). */
export interface Workspace extends AsyncDisposable {
  readonly app: Place;
  readonly layers: Place;
  readonly platform: Place;
  readonly buildConfig: Place;
  /** What becomes the layers of SBOM files and of the launcher's config; no sandbox shows them, so that no buildpack can meddle. */
  readonly sbom: Place;
  readonly config: Place;
  /** Plan files given to and taken from buildpacks. */
  readonly plans: Place;
  /** What extensions generate, a directory for each. */
  readonly generated: Place;
  readonly home: Place;
  /** Where a sandbox keeps what is its own, on the disk of the build. */
  readonly scratch: HostPath;
  /** Where kept directories wait on their way in and out; no sandbox shows it. */
  readonly aside: HostPath;
  /** Where a buildpack's or extension's own directory is seen by its scripts; `root` is where this machine has it, which nobody asks where guest paths differ. */
  modulePath(
    kind: "buildpack" | "extension",
    escapedId: string,
    version: string,
    root: HostPath | undefined,
  ): GuestPath;
}

/** Removes what builds that were killed have left behind. */
async function sweep(parent: HostPath): Promise<void> {
  for (const name of await readdir(parent)) {
    const directory = under(parent, name);
    if (await isAbandoned(directory)) await removeTree(directory);
  }
}

/** A directory that is ours from the first moment: made aside with its owner's mark, then renamed where the name must be fixed. */
async function claim(parent: HostPath, fixedName: string | undefined): Promise<HostPath> {
  const fresh = hostPath(await mkdtemp(`${parent}/build-`));
  await markOwned(fresh);
  if (fixedName === undefined) return fresh;
  try {
    await rename(fresh, under(parent, fixedName));
    return under(parent, fixedName);
  } catch (error) {
    await rm(fresh, { recursive: true });
    if (errnoOf(error) !== "ENOTEMPTY" && errnoOf(error) !== "EEXIST") throw error;
    throw new Fault(
      "workspace.busy",
      `Cannot open workspace at ${under(parent, fixedName)}: another build of this image is running`,
      {
        hint: "wait for it, or give this image another name",
        cause: error,
      },
    );
  }
}

/** Where the standard directories are seen when guest paths are not host paths. */
export interface GuestPlaces {
  readonly app: GuestPath;
  readonly layers: GuestPath;
  readonly platform: GuestPath;
}

/** Where they are unless a builder or its user says otherwise (Platform spec, "Operations"). */
export const standardPlaces: GuestPlaces = {
  app: guestPath("/workspace"),
  layers: guestPath("/layers"),
  platform: guestPath("/platform"),
};

/**
 * Opens fresh, empty directories below `parent`. With `translates`, guest paths are those of `guests` and other standard ones;
 * otherwise they are host paths below
 * `parent/<fixedName>`, a fixed name because such paths end up in the image. Disposing removes all of it.
 */
export async function openWorkspace(
  parent: HostPath,
  translates: boolean,
  fixedName: string,
  guests = standardPlaces,
): Promise<Workspace> {
  let root: HostPath;
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await sweep(parent);
    root = await claim(parent, translates ? undefined : fixedName);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault("workspace.open", `Cannot open workspace at ${parent}: ${reasonOf(cause)}`, {
      cause,
      hint: "PACK_HOME chooses another place",
    });
  }
  const place = async (name: string, guest: string): Promise<Place> => {
    const host = under(root, name);
    await makeDirectory(host);
    return { host, guest: guestPath(translates ? guest : host) };
  };
  const layers = await place("layers", guests.layers);
  return {
    app: await place("app", guests.app),
    layers,
    platform: await place("platform", guests.platform),
    buildConfig: await place("build-config", "/cnb/build-config"),
    sbom: { host: (await place("sbom", "/")).host, guest: under(layers.guest, "sbom") },
    config: { host: (await place("config", "/")).host, guest: under(layers.guest, "config") },
    plans: await place("plans", "/cnb/plans"),
    generated: await place("generated", `${guests.layers}/generated`),
    home: await place("home", "/home/cnb"),
    scratch: (await place("scratch", "/")).host,
    aside: (await place("aside", "/")).host,
    modulePath: (kind, escapedId, version, module) =>
      translates || module === undefined ? guestPath(`/cnb/${kind}s/${escapedId}/${version}`) : guestPath(module),
    [Symbol.asyncDispose]: () => removeTree(root),
  };
}
