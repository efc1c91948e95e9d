import { mkdir } from "node:fs/promises";
import { constants } from "node:os";
import { platformOf } from "./oci/config.ts";
import type { Digest } from "./oci/digest.ts";
import { formatPlatform, isPlatformFor, ociArchitecture } from "./oci/platform.ts";
import { homeAt } from "./reach/home.ts";
import { directoryOf, watched } from "./reach/image-files.ts";
import { openPlace } from "./reach/place.ts";
import { type Hear, startAttached } from "./sandbox/attach.ts";
import type { Mount } from "./sandbox/contract.ts";
import { prepareImage } from "./sandbox/image.ts";
import { type NamespaceKind, namespace } from "./sandbox/namespace.ts";
import { pipesIn } from "./sandbox/pipe.ts";
import { type SignalSource, type Supervision, supervise } from "./sandbox/supervise.ts";
import { claimDirectory } from "./std/claim.ts";
import type { Emit } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { kindOf } from "./std/file.ts";
import { guestPath, type HostPath, hostPath } from "./std/path.ts";
import { removeTree } from "./std/remove.ts";
import { OpenedStack } from "./std/stack.ts";
import type { StoredImage } from "./store/contract.ts";
import { type Layout, openLayout } from "./store/layout.ts";
import { unpackLayers } from "./store/unpacked.ts";

/** What a run is asked to do; only `image` is needed. */
export interface RunOptions {
  /** The image: a name in the local store, `oci:DIR[:tag]` or an archive. */
  readonly image: string;
  /** Arguments in place of the image's own (`Cmd`). */
  readonly args?: readonly string[];
  /** A program in place of the image's entrypoint and its arguments. */
  readonly entrypoint?: string;
  /** Variables beside and before those of the image. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files and directories of this machine to show, by absolute paths. */
  readonly volumes?: readonly { readonly host: string; readonly guest: string; readonly access: "ro" | "rw" }[];
  /** The working directory in place of the image's. */
  readonly workdir?: string;
  /** The user in place of the image's: a name or id, with or without a group (`user:group`). */
  readonly user?: string;
  /** The network the program sees; `host` unless said. */
  readonly network?: "host" | "none";
  /** What the program's standard input is; ours unless said. */
  readonly stdin?: "inherit" | "ignore";
  /** Takes what the program writes; it goes to our own standard streams unless said. */
  readonly onOutput?: Hear;
  /** Signals that come from here are passed on to the program; give `process` to pass on our own. */
  readonly signals?: SignalSource;
  readonly home?: string;
  /** Relative paths in image locations begin here; the working directory unless said. */
  readonly base?: string;
  readonly onEvent?: Emit;
  /** Stops the program: asked to (SIGTERM) first, killed ten seconds later. */
  readonly signal?: AbortSignal;
}

/** How a run ended. */
export interface RunReport {
  /** The program's exit code, 128 plus the signal's number when one killed it. */
  readonly exitCode: number;
}

const ours = { os: "linux", architecture: ociArchitecture(process.arch) };

function missing(image: string): Fault {
  return new Fault("run.missing", `Cannot run ${image}: there is no such image`, {
    hint: "`pack images` lists the images of the local store",
  });
}

async function checkPlatform({ image }: StoredImage, text: string): Promise<void> {
  const have = platformOf(image.config);
  if (isPlatformFor(have, ours)) return;
  // With an interpreter registered for it, the kernel starts programs of another architecture.
  if (have.os === "linux" && (await kindOf(`/proc/sys/fs/binfmt_misc/qemu-${machineOf(have.architecture)}`)) === "file")
    return;
  throw new Fault(
    "run.platform",
    `Cannot run ${text}: it is for ${formatPlatform(have)}, this machine is ${formatPlatform(ours)}`,
    {
      hint: "build it for this machine, or install qemu-user-static",
    },
  );
}

function machineOf(architecture: string): string {
  return { amd64: "x86_64", arm64: "aarch64", "386": "i386" }[architecture] ?? architecture;
}

/**
 * The directories of an image's files, bottom first: its layers, unpacked at the first run and shared with all images that have them; one for all
 * of it where the kernel lets nobody stack directories. The layers are safe from a prune while the store is open.
 */
async function unpacked(
  stored: StoredImage,
  store: Layout,
  kind: NamespaceKind,
  { image, home: homePath, onEvent = () => {} }: RunOptions,
  signal: AbortSignal,
): Promise<readonly HostPath[]> {
  const home = homeAt(homePath);
  const source = watched(stored, `Unpacking ${image}`, onEvent);
  await mkdir(home.work, { recursive: true });
  if (!(await kind.stacks(home.work))) return [await directoryOf(source, home.roots, signal)];
  const hold = (diffIds: readonly Digest[]) => store.hold(diffIds);
  return (await unpackLayers(source, { root: home.layers, hold, signal })).map(({ tree }) => tree);
}

async function volumesOf({ volumes = [] }: RunOptions): Promise<Mount[]> {
  for (const { host } of volumes) {
    if ((await kindOf(host)) !== undefined) continue;
    throw new Fault("run.volume", `Cannot mount ${host}: there is nothing at this path`, { hint: "make it first" });
  }
  return volumes.map(({ host, guest, access }) => ({ host: hostPath(host), guest: guestPath(guest), access }));
}

function codeOf(signal: string): number {
  return 128 + (constants.signals[signal as NodeJS.Signals] ?? 0);
}

/** The image, which must be there and start here. */
async function readStored(options: RunOptions, store: Layout, opened: OpenedStack): Promise<StoredImage> {
  const place = opened.use(
    openPlace(options.image, store, { base: hostPath(options.base ?? process.cwd()), platform: ours }),
  );
  const stored = await place.read();
  if (stored === undefined) throw missing(options.image);
  await checkPlatform(stored, options.image);
  return stored;
}

async function exitCodeOf(options: RunOptions, kind: NamespaceKind, supervision: Supervision): Promise<number> {
  const backend = await kind.backend();
  const volumes = await volumesOf(options);
  await using opened = new OpenedStack();
  const store = opened.use(openLayout(homeAt(options.home).store, { platform: ours }));
  const stored = await readStored(options, store, opened);
  const layers = await unpacked(stored, store, kind, options, supervision.stopped);
  const { config } = stored.image.config;
  const { image: name, user = config.User, network = "host", stdin = "inherit" } = options;
  const folder = await claimDirectory(homeAt(options.home).work, "run-");
  try {
    const image = { ...options, name, layers, config, user, network, volumes };
    await using start = await prepareImage(backend, image, folder);
    supervision.stopped.throwIfAborted();
    const container = await startAttached(start, pipesIn(folder), { stdin, hear: options.onOutput });
    supervision.attach(container);
    const exit = await container.exit;
    if (exit?.kind === "exited") return exit.code;
    // A signal may also end the program before it has begun.
    const signal = exit?.kind === "killed" ? exit.signal : supervision.last;
    if (signal !== undefined) return codeOf(signal);
    throw new Fault("run.start", `Cannot start ${name}: ${backend.name} could not set it up`, { exit: "launch" });
  } finally {
    await removeTree(folder);
  }
}

/**
 * Starts an image on this machine and waits for its end: in namespaces of its own, on the host's network, with a file system whose
 * changes are thrown away. Throws Fault for an image that is missing, made for another platform, or cannot be started.
 */
export async function run(options: RunOptions, kind: NamespaceKind = namespace): Promise<RunReport> {
  options.signal?.throwIfAborted();
  const supervision = supervise(options.signals, options.signal);
  try {
    const exitCode = await exitCodeOf(options, kind, supervision);
    options.signal?.throwIfAborted();
    return { exitCode };
  } catch (error) {
    options.signal?.throwIfAborted();
    if (supervision.stopped.aborted && supervision.last !== undefined) return { exitCode: codeOf(supervision.last) };
    throw error;
  } finally {
    supervision.end();
  }
}
