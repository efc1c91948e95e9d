import { chmod, mkdir, mkdtemp } from "node:fs/promises";
import { normalizedTime } from "../cnb/app-image.ts";
import type { Distro } from "../cnb/target.ts";
import { documentsOf, type Identity, type Image } from "../oci/image.ts";
import type { Reference } from "../oci/reference.ts";
import type { Emit } from "../std/event.ts";
import { errnoOf, Fault } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import type { BlobSource, BlobStore, ImageStore, StoredImage } from "../store/contract.ts";
import { systemFault } from "../store/failure.ts";
import { debianArchitecture, machineArchitecture } from "./architecture.ts";
import { assemble } from "./assemble.ts";
import { type BaseDefinition, defaultUser } from "./definition.ts";
import { adopt, type Origin } from "./from.ts";
import { baseImage, type PackageVersions, suitesAnnotation, type TitledLayer, withBase } from "./image.ts";
import { planLayers, putLayer } from "./layer.ts";
import { readMachine } from "./machine.ts";
import { packagesOf } from "./packages.ts";
import type { Mirror } from "./suite.ts";
import { withTools } from "./tools.ts";

/** What a base is made from and where it goes. */
export interface BaseOptions {
  readonly definition: BaseDefinition;
  readonly names: readonly Reference[];
  readonly store: ImageStore & BlobStore;
  /** Where package lists and packages are kept between runs. */
  readonly cache: HostPath;
  /** Where a directory for temporary files is made; it is gone when the call ends. */
  readonly temporary: HostPath;
  readonly emit: Emit;
  /** Take this file system instead of packages. */
  readonly from?: Origin;
  readonly mirrors?: readonly Mirror[];
  /** Keys that mirrors must be signed with, instead of those the machine trusts for the suite. */
  readonly keyring?: HostPath;
  /** Use lists and packages of earlier runs, fetch nothing. */
  readonly offline?: boolean;
  /** The image's time as RFC 3339; 1980-01-01T00:00:01Z unless said. */
  readonly created?: string;
  readonly signal?: AbortSignal;
}

/** What has been made. */
export interface BaseReport {
  readonly image: Image;
  readonly identity: Identity;
  readonly distro: Distro | undefined;
  /** Name to version; undefined for a file system that does not say. */
  readonly packages: PackageVersions | undefined;
  /** The suites the packages were resolved in. */
  readonly suites: readonly string[];
}

type Made = Omit<BaseReport, "identity"> & { readonly blobs: BlobSource };

async function fromPackages(options: BaseOptions, directory: HostPath): Promise<Made> {
  const { store, emit, signal, created = normalizedTime } = options;
  const definition = withTools(options.definition);
  const architecture = definition.architecture ?? machineArchitecture();
  const user = definition.user ?? defaultUser;
  const { tree, packages, archives, distro } = await assemble(
    {
      definition,
      user,
      machine: await readMachine(signal),
      architecture: debianArchitecture(architecture),
      mirrors: options.mirrors ?? [],
      keyring: options.keyring,
      offline: options.offline ?? false,
      cache: options.cache,
      directory,
      signal,
    },
    emit,
  );
  const layers: TitledLayer[] = [];
  for (const plan of planLayers(tree, packages)) {
    const layer = await putLayer(store, tree, plan, { signal });
    layers.push({ title: plan.title, layer });
    emit({ type: "layer", id: plan.title, action: "add", diffId: layer.diffId, size: layer.descriptor.size });
  }
  const versions = Object.fromEntries(packages.map(({ name, version }) => [name, version]));
  const suites = [...new Set(archives.map(({ suite }) => suite))];
  const image = baseImage(layers, architecture, created, { definition, user, distro, packages: versions });
  return {
    image: { ...image, annotations: { [suitesAnnotation]: suites.join(" ") } },
    distro,
    packages: versions,
    suites,
    blobs: store,
  };
}

async function fromOrigin(options: BaseOptions, origin: Origin): Promise<Made> {
  const { definition, store, signal, created = normalizedTime } = options;
  if (definition.packages.length > 0)
    throw new Fault(
      "base.definition",
      "Cannot add packages to a root file system that is taken as it is: the definition lists some",
      {
        exit: "usage",
        hint: "leave out `packages`, or leave out --from",
      },
    );
  const architecture = definition.architecture ?? machineArchitecture();
  const { image, blobs, user, distro } = await adopt(origin, definition, store, { architecture, created, signal });
  const stored: StoredImage = { image, blobs, ...documentsOf(image) };
  const packages = await packagesOf(stored);
  const config = withBase(image.config.config, { definition, user, distro, packages });
  return { image: { ...image, config: { ...image.config, created, config } }, blobs, distro, packages, suites: [] };
}

async function withDirectory<T>(parent: HostPath, work: (directory: HostPath) => Promise<T>): Promise<T> {
  await mkdir(parent, { recursive: true });
  const directory = hostPath(await mkdtemp(`${parent}/base-`));
  try {
    // As root apt fetches under an account of its own, which must be able to pass.
    await chmod(directory, 0o711);
    return await work(directory);
  } finally {
    await removeTree(directory);
  }
}

/**
 * Makes a run image, or a build image, from Debian packages or from a file system that is there, and stores it under `names`. The same packages and the
 * same definition give the same image ID wherever and whenever it is made. Throws a Fault; then no name has changed and
 * nothing is left in `temporary`.
 */
export async function createBase(options: BaseOptions): Promise<BaseReport> {
  const { definition, from, store, names } = options;
  if (!from && definition.packages.length + definition.tools.length === 0)
    throw new Fault("base.definition", "Cannot make a base: the definition lists no packages", {
      hint: 'add packages = ["base-files", "libc6", …], or take a root file system with --from',
    });
  try {
    const made = from
      ? await fromOrigin(options, from)
      : await withDirectory(options.temporary, (directory) => fromPackages(options, directory));
    options.signal?.throwIfAborted();
    const { blobs, ...report } = made;
    const identity = await store.write(made.image, names, blobs);
    return { ...report, identity };
  } catch (error) {
    throw errnoOf(error) === undefined ? error : systemFault("make base", options.temporary, error);
  }
}
