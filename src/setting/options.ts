import { homedir } from "node:os";
import { appPlace, volumeWarning } from "../cnb/app-place.ts";
import type { Config } from "../config/config.ts";
import type { Binding } from "../phase/platform.ts";
import type { PullPolicy } from "../reach/pull-policy.ts";
import type { RunImageMirrors } from "../reach/run-image.ts";
import type { Mount } from "../sandbox/contract.ts";
import { readBinding } from "../source/binding.ts";
import { readNpmSettings } from "../source/npm.ts";
import type { BuildpackRegistry } from "../source/registry.ts";
import { type Emit, logTo } from "../std/event.ts";
import { type GuestPath, guestPath, hostPath } from "../std/path.ts";
import type { CompanyOptions } from "./company.ts";
import type { Wanted } from "./ground.ts";
import type { SandboxOptions } from "./sandbox-choice.ts";

/** What `build` and `detect` both take. */
export interface SourceOptions extends SandboxOptions, CompanyOptions {
  /** The app's source directory, or a zip archive of it: an absolute path; it is only read. */
  readonly app: string;
  /** The project descriptor; the app's own `project.toml`, if it has one, unless said. */
  readonly descriptor?: string;
  /** Files that name what does not go into the build; those called `.dockerignore` follow Docker's rules, all others gitignore(5). */
  readonly ignoreFiles?: readonly string[];
  /** Whether the image remembers where its source comes from: what the project says of itself, else its git commit. */
  readonly sourceMetadata?: boolean;
  /** Where Plinth keeps images, caches and work in progress; `~/.pack` unless said. */
  readonly home?: string;
  /** The builder: the path of a `builder.toml`, an image's name, `docker-daemon:NAME`, `oci:DIR` or an archive; the bundled one unless said. */
  readonly builder?: string;
  /**
   * Buildpacks to use, all of them and in this order, instead of the builder's order: paths of directories, archives or packages (`.cnb`), URLs,
   * `docker://IMAGE`, `oci:DIR`, `urn:cnb:registry:ID`, `id` or `id@version` of one that the builder or the registry has, `from=builder` for the
   * builder's own order.
   */
  readonly buildpacks?: readonly string[];
  /** Buildpacks to try before and after those of every group of the builder's order, unless `buildpacks` says otherwise. */
  readonly preBuildpacks?: readonly string[];
  readonly postBuildpacks?: readonly string[];
  /** Image extensions to use, all of them and in this order, instead of the builder's; each as buildpacks are named. */
  readonly extensions?: readonly string[];
  /** Leave out the buildpacks the builder puts around every group. */
  readonly disableSystemBuildpacks?: boolean;
  /** Where ids of buildpacks are looked up that the builder does not have; the public registry unless said. */
  readonly buildpackRegistry?: BuildpackRegistry;
  /** The run image: a name in the local store, `oci:DIR[:tag]` or an archive; the builder's unless said. */
  readonly runImage?: string;
  /** More mirrors of run images, by image: they are tried before the builder's own. */
  readonly runImageMirrors?: RunImageMirrors;
  /** When the builder, the run image and packages are fetched from their registries. */
  readonly pullPolicy?: PullPolicy;
  /** Environment variables for the buildpacks. */
  readonly env?: Readonly<Record<string, string>>;
  /** The execution environment; `production` unless said. */
  readonly execEnv?: string;
  /** Directories of this machine that buildpacks see, by guest path; bindings go below `/platform/bindings`. */
  readonly volumes?: readonly { readonly host: string; readonly guest: string; readonly access: "ro" | "rw" }[];
  /** Service bindings for detect and build: a directory of files by name; never part of the image. */
  readonly bindings?: Readonly<Record<string, string>>;
  /** Where buildpacks and the image have the app: a directory's name, or its path from the root; `workspace` unless said. */
  readonly workspace?: string;
  /** The ids that buildpacks run under and layers belong to, instead of those the base says. */
  readonly uid?: number;
  readonly gid?: number;
  /** The environment this machine's npm reads its settings from; what is no secret of them reaches the buildpacks. */
  readonly npm?: { readonly env: Readonly<Record<string, string | undefined>> };
  /** What the user has configured, for what neither these options nor the project say; nothing unless said. */
  readonly config?: Config;
  /** Takes everything there is to say while it works. */
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

/** The bindings a user gives, and this machine's npm settings where its own Node builds. */
export async function bindingsOf(
  options: SourceOptions,
  isMachine: boolean,
): Promise<Readonly<Record<string, Binding>>> {
  const given = Object.entries(options.bindings ?? {}).map(async ([name, directory]) => {
    return [name, await readBinding(name, hostPath(directory))] as const;
  });
  return { ...(isMachine && (await npmBinding(options))), ...Object.fromEntries(await Promise.all(given)) };
}

async function npmBinding(options: SourceOptions): Promise<Record<string, Binding>> {
  const settings = options.npm && (await readNpmSettings(hostPath(homedir()), options.npm.env));
  if (!settings) return {};
  const file = settings.certificates === undefined ? {} : { "ca.pem": settings.certificates };
  const line = settings.certificates === undefined ? "" : "cafile=/platform/bindings/npmrc/ca.pem\n";
  return { npmrc: { type: "npmrc", ".npmrc": settings.text + line, ...file } };
}

/** When a run image is fetched: a builder's own default is only taken from the local store, as nobody may have published its name. */
export function pullPolicyOf(options: SourceOptions): PullPolicy {
  return options.pullPolicy ?? (options.runImage || options.builder ? "if-not-present" : "never");
}

/** The volumes as mounts, with a warning for each that is shown in a sensitive place. Throws Fault `volume.place`. */
export function volumesOf(options: SourceOptions, app: GuestPath, emit: Emit): readonly Mount[] {
  const mounts = (options.volumes ?? []).map(
    ({ host: from, guest, access }): Mount => ({ host: hostPath(from), guest: guestPath(guest), access }),
  );
  const warnings = mounts.map(({ guest }) => volumeWarning(guest, app));
  for (const warning of warnings) if (warning) logTo(emit).warn(warning);
  return mounts;
}

/** What the user wants to be otherwise than the ground says. */
export function wantedOf({ uid, gid, workspace }: SourceOptions): Wanted {
  return {
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(workspace !== undefined && { app: appPlace(workspace) }),
  };
}
