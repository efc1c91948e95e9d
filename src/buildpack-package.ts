import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { createdTime } from "./cnb/app-image.ts";
import { lintBuildpack } from "./cnb/lint.ts";
import type { ModuleKind } from "./cnb/module-descriptor.ts";
import { nameOf } from "./cnb/order-file.ts";
import { type PackageFile, parsePackageFile } from "./cnb/package-file.ts";
import type { TargetPattern } from "./cnb/target.ts";
import { expandTargets, targetParts } from "./cnb/target-text.ts";
import { type Making, type MakingOptions, openMaking, warnOfStrays } from "./making/making.ts";
import type { Digest } from "./oci/digest.ts";
import { isPlatformFor } from "./oci/platform.ts";
import { parseReference, withDefaultTag } from "./oci/reference.ts";
import { directoryPart } from "./package/directory.ts";
import { gatherParts } from "./package/gather.ts";
import { type MadePackage, makePackage } from "./package/package.ts";
import type { Part, PartSet } from "./package/part.ts";
import { type Keeper, openPlace } from "./reach/place.ts";
import { type Saved, saveImage } from "./reach/save.ts";
import { saveTargets } from "./reach/save-targets.ts";
import { logTo } from "./std/event.ts";
import { errnoOf, Fault, reasonOf } from "./std/fault.ts";
import { kindOf } from "./std/file.ts";
import { type HostPath, hostPath, under } from "./std/path.ts";

/** What is packaged, and where it goes. */
export interface PackageBuildpackOptions extends MakingOptions {
  /** The package's name; with `format: "file"` the path of the `.cnb`. May be any place an image can go. */
  readonly name: string;
  readonly tags?: readonly string[];
  /** `buildpack` unless said. */
  readonly kind?: ModuleKind;
  /** A `package.toml`. */
  readonly config?: string;
  /** The module's directory or archive, instead of a `package.toml`; `base` unless said. */
  readonly path?: string;
  /** `image` unless said. */
  readonly format?: "image" | "file";
  /** Who keeps the image; the local store unless said. */
  readonly output?: Keeper;
  /** Platforms to make it for, instead of those of `package.toml` or the descriptor. */
  readonly targets?: readonly TargetPattern[];
  /** All modules in one layer, but for these (`id@version`). */
  readonly flatten?: boolean;
  readonly flattenExclude?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  /** Also give each platform's package of several a name that ends with its platform. */
  readonly suffix?: boolean;
  /** Seconds since 1970; 1980-01-01T00:00:01Z unless said. */
  readonly creationTime?: number;
}

/** A package that was made. */
export interface PackagedImage {
  readonly target: string;
  readonly imageId: Digest;
  /** Where it stands, when each has a place of its own. */
  readonly file?: string;
}

/** What was made. */
export interface PackageReport {
  readonly id: string;
  readonly version: string;
  /** How people call it. */
  readonly names: readonly string[];
  /** Of the manifest, or of the index of several. */
  readonly digest: Digest;
  readonly images: readonly PackagedImage[];
}

interface Plan extends Pick<PackageFile, "kind" | "uri" | "dependencies" | "targets"> {
  /** Relative paths in it begin here. */
  readonly base: HostPath;
}

async function readPlan(options: PackageBuildpackOptions, base: HostPath): Promise<Plan> {
  const { config, path, kind = "buildpack" } = options;
  if (config !== undefined && path !== undefined)
    throw new Fault("package.usage", "Cannot package: both a package.toml and a path say what", {
      exit: "usage",
      hint: "give --config or --path",
    });
  if (config === undefined) return { kind, uri: resolve(base, path ?? "."), dependencies: [], targets: [], base };
  const file = hostPath(resolve(base, config));
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    const found = errnoOf(cause) === "ENOENT" ? "there is no such file" : reasonOf(cause);
    throw new Fault("package.file", `Cannot read package at ${file}: ${found}`, { exit: "usage", cause });
  }
  const plan = parsePackageFile(text, file);
  if (plan.kind === kind) return { ...plan, base: hostPath(dirname(file)) };
  throw new Fault("package.kind", `Cannot package ${file} as ${kind}: it names an ${plan.kind}`, {
    exit: "usage",
    hint: `use \`pack ${plan.kind} package\``,
  });
}

/** The module itself, for a target; one in a directory may have files for several. */
async function mainPart(plan: Plan, target: TargetPattern | undefined, making: Making): Promise<PartSet> {
  const sources = { ...making.sources, base: plan.base };
  const path = hostPath(resolve(plan.base, plan.uri));
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (isThere) return { main: await directoryPart(path, plan.kind, target), others: [] };
  return gatherParts(plan.uri, plan.kind, target, sources);
}

async function lint({ descriptor, content }: Part, making: Making): Promise<void> {
  const name = nameOf(descriptor.info);
  warnOfStrays(name, descriptor.strays, making.emit);
  if (content.kind !== "directory" || descriptor.kind !== "buildpack") return;
  const has = async (script: string) => (await kindOf(under(content.root, "bin", script))) !== undefined;
  const scripts = { hasBinBuild: await has("build"), hasBinDetect: await has("detect") };
  for (const { text } of lintBuildpack(content.descriptor.text, name, scripts))
    logTo(making.emit).warn(`${name}: ${text}`);
}

/** Platforms, each for itself; none when neither the caller nor the files say any. */
function targetsOf(options: PackageBuildpackOptions, plan: Plan, main: Part): readonly TargetPattern[] {
  const said = [options.targets ?? [], plan.targets, main.descriptor.targets].find((targets) => targets.length > 0);
  // What names no operating system is made for any, as a package that says nothing.
  return expandTargets(said ?? []).filter(({ os }) => os !== undefined);
}

/** Where only one of several can go: the one for this machine. */
function forMachine(targets: readonly TargetPattern[], making: Making): readonly TargetPattern[] {
  if (targets.length < 2) return targets;
  const fits = ({ os = "linux", arch = making.platform.architecture, variant }: TargetPattern) =>
    isPlatformFor({ os, architecture: arch, ...(variant && { variant }) }, making.platform);
  const found = targets.find(fits);
  if (found) return [found];
  throw new Fault("package.target", "Cannot choose a platform for the daemon: none of the targets is this machine's", {
    exit: "usage",
    hint: "push it to a registry, which keeps all of them",
  });
}

async function makeFor(
  target: TargetPattern | undefined,
  plan: Plan,
  options: PackageBuildpackOptions,
  making: Making,
  isFirst: boolean,
): Promise<MadePackage & { readonly main: Part }> {
  const { main, others } = await mainPart(plan, target, making);
  if (isFirst) await lint(main, making);
  const sources = { ...making.sources, base: plan.base };
  const gathered: Part[] = [...others];
  for (const text of plan.dependencies) {
    const found = await gatherParts(text, "buildpack", target, sources);
    gathered.push(found.main, ...found.others);
  }
  const { created, warning } = createdTime(options.creationTime?.toString());
  if (warning) logTo(making.emit).warn(warning);
  const made = await makePackage(
    { main, others: gathered },
    {
      target,
      labels: options.labels ?? {},
      created,
      ...(options.flatten && { flatten: { except: options.flattenExclude ?? [] } }),
    },
    making.bench,
    making.emit,
  );
  return { ...made, main };
}

/** `name.cnb` of one of several packages: `name-os-arch.cnb`, as pack calls it. */
function fileFor(name: string, target: TargetPattern | undefined, isOneOfSeveral: boolean): string {
  const file = /\.[^./]+$/.test(name) ? name : `${name}.cnb`;
  if (!isOneOfSeveral || !target) return file;
  return file.replace(/(\.[^./]+)$/, `-${targetParts(target).join("-").replaceAll("@", "-")}$1`);
}

/**
 * Packages a buildpack or extension (Distribution spec, "Buildpackage"). The same files give the same image ID, and the same `.cnb`, wherever they are
 * packaged. Throws a Fault; then no name has changed.
 */
export async function packageBuildpack(options: PackageBuildpackOptions): Promise<PackageReport> {
  const { format = "image", output = "local", name } = options;
  const isFile = format === "file";
  await using making = await openMaking(options, {
    keeper: isFile ? undefined : output,
    ...(isFile && { compression: "reference" as const }),
  });
  const { base, store, outside, platform, emit } = making;
  const log = logTo(emit);
  const plan = await readPlan(options, base);
  const first = await mainPart(plan, undefined, making).catch(() => undefined);
  const said = first ? targetsOf(options, plan, first.main) : expandTargets(options.targets ?? plan.targets);
  const targets = output === "daemon" && !isFile ? forMachine(said, making) : said;
  if (targets.length === 0)
    log.info(
      `No target is said: the package is for any ${plan.kind === "buildpack" ? "platform its files run on" : "platform"}`,
    );
  const wanted: readonly (TargetPattern | undefined)[] = targets.length > 0 ? targets : [undefined];
  const made: Awaited<ReturnType<typeof makeFor>>[] = [];
  for (const [at, target] of wanted.entries()) made.push(await makeFor(target, plan, options, making, at === 0));
  const { info } = made[0]!.main.descriptor;
  const textOf = (at: number) => targetParts(wanted[at] ?? { os: "linux", distros: [] }).join("/");
  const tags = (options.tags ?? []).map((tag) => withDefaultTag(parseReference(tag)));

  if (isFile) {
    const images: PackagedImage[] = [];
    let saved: Saved | undefined;
    for (const [at, { image, blobs }] of made.entries()) {
      const file = hostPath(resolve(base, fileFor(name, wanted[at], made.length > 1)));
      if (!file.endsWith(".cnb")) log.warn(`The file of a package should end with .cnb, and ${file} does not`);
      await using target = openPlace(`oci-archive:${file}`, store, { base, platform, compression: "reference" });
      saved = await saveImage({ image, blobs, target, tags: [], local: store, emit: () => {} });
      log.info(`Saved ${file}`);
      images.push({ target: textOf(at), imageId: saved.identity.imageId, file });
    }
    const names = images.flatMap(({ file }) => (file ? [file] : []));
    return { id: info.id, version: info.version, names, digest: saved!.identity.digest, images };
  }

  await using target = openPlace(name, store, { base, platform, outside, keeper: output });
  const suffix = options.suffix ?? false;
  const { names, digest, imageIds } = await saveTargets({
    made,
    targets: wanted,
    suffix,
    target,
    tags,
    local: store,
    emit,
  });
  const images = imageIds.map((imageId, at) => ({ target: textOf(at), imageId }));
  return { id: info.id, version: info.version, names, digest, images };
}
