import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { execEnvName, isInExecEnv } from "../cnb/exec-env.ts";
import type { ProjectDescriptor } from "../cnb/project-descriptor.ts";
import type { ProjectMetadata } from "../cnb/project-file.ts";
import type { ProjectBuildpack } from "../cnb/project-group.ts";
import { type Config, runImageMirrorsOf } from "../config/config.ts";
import { homeAt } from "../reach/home.ts";
import type { Selects } from "../source/app.ts";
import { readGitSource } from "../source/git.ts";
import { writeInline } from "../source/inline.ts";
import { builderFrom, locatorFrom } from "../source/locator.ts";
import { type Project, readIgnoreFiles, readProject } from "../source/project.ts";
import { registryNamed } from "../source/registry.ts";
import { selectionOf } from "../source/selection.ts";
import { isZip, unpackZip } from "../source/zip.ts";
import { claimDirectory } from "../std/claim.ts";
import { type Emit, logTo } from "../std/event.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { makeDirectory } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import type { SourceOptions } from "./options.ts";
import { type Origin, projectVariables, settle } from "./settle.ts";

/** What the options, the project and the configuration come to. Disposing removes what was unpacked. */
export interface Source<T extends SourceOptions> extends AsyncDisposable {
  /** The options with everything filled in that the project or the configuration says; `app` is a directory. */
  readonly options: T;
  /** Which of the app's paths go in; undefined for all. */
  readonly selects: Selects | undefined;
  /** Relative paths in image locations begin here. */
  readonly base: HostPath;
  /** Where the source comes from, when that is to be remembered. */
  readonly metadata: ProjectMetadata | undefined;
}

function missing(app: HostPath, found: string, cause?: unknown): Fault {
  return new Fault("app.missing", `Cannot build app at ${app}: ${found}`, {
    exit: "usage",
    hint: "give the app's source directory, or a zip archive of it, with --path",
    cause,
  });
}

/** The app's directory: the given one, or that of a zip archive, unpacked below `work`. */
async function openApp(app: HostPath, work: HostPath, signal: AbortSignal | undefined) {
  let isFile: boolean;
  try {
    const found = await stat(app);
    if (found.isDirectory()) return { app, base: app, close: async () => {} };
    isFile = found.isFile();
  } catch (cause) {
    const isAbsent = errnoOf(cause) === "ENOENT" || errnoOf(cause) === "ENOTDIR";
    throw missing(app, isAbsent ? "there is no such directory" : reasonOf(cause), cause);
  }
  if (!isFile || !(await isZip(app))) throw missing(app, "it is neither a directory nor a zip archive");
  const claimed = await claimDirectory(work, "zip-");
  const directory = under(claimed, "app");
  const close = () => removeTree(claimed);
  try {
    await makeDirectory(directory);
    await unpackZip(app, directory, signal);
    return { app: directory, base: hostPath(dirname(app)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The texts of a project's buildpacks as `buildpacks` of the options has them. */
async function locatorsOf(
  group: readonly ProjectBuildpack[],
  project: Project,
  execEnv: string,
  modules: HostPath,
): Promise<readonly string[]> {
  return Promise.all(
    group
      .filter((buildpack) => isInExecEnv(buildpack.execEnv, execEnv))
      .map((buildpack) =>
        buildpack.kind === "inline" ? writeInline(buildpack, modules) : locatorFrom(project.base, buildpack.locator),
      ),
  );
}

async function saidBy(project: Project, execEnv: string, modules: HostPath): Promise<Partial<SourceOptions>> {
  const { builder, group, pre, post } = project.descriptor;
  const listed = (of: readonly ProjectBuildpack[]) => locatorsOf(of, project, execEnv, modules);
  return {
    ...(builder && { builder: builderFrom(project.base, builder) }),
    buildpacks: await listed(group),
    preBuildpacks: await listed(pre),
    postBuildpacks: await listed(post),
  };
}

/** What the configuration says of a build; pack labels images with their source when its experiments are on. */
function configured(config: Config): Partial<SourceOptions> {
  const { defaultBuilder, pullPolicy, runImages, registries, defaultRegistry, experimental } = config;
  return {
    ...(defaultBuilder && { builder: defaultBuilder }),
    ...(pullPolicy && { pullPolicy }),
    ...(runImages.length > 0 && { runImageMirrors: runImageMirrorsOf({ runImages }) }),
    ...(defaultRegistry && { buildpackRegistry: registryNamed(registries, undefined, defaultRegistry) }),
    ...(experimental && { sourceMetadata: true }),
  };
}

async function metadataOf(app: HostPath, project: ProjectDescriptor | undefined): Promise<ProjectMetadata | undefined> {
  const { version, sourceUrl } = project?.about ?? {};
  const said = { type: "project", version: { declared: version ?? "" }, metadata: { url: sourceUrl ?? "" } };
  const source = version || sourceUrl ? said : await readGitSource(app);
  return source && { source };
}

function logOrigins(emit: Emit, from: Readonly<Partial<Record<string, Origin>>>): void {
  for (const [key, origin] of Object.entries(from))
    if (origin !== "flag" && origin !== "default") logTo(emit).debug(`Setting ${key} comes from the ${origin}`);
}

/**
 * Reads what there is besides the options: the project descriptor, ignore files, the zip archive the app may be; and settles what holds: an
 * option, else the project's, else the default. Throws Fault `app.*`, `project.*`, `ignore-file.read`.
 */
export async function openSource<T extends SourceOptions>(written: T, emit: Emit): Promise<Source<T>> {
  const home = homeAt(written.home);
  const { app, base, close } = await openApp(hostPath(written.app), home.work, written.signal);
  try {
    const execEnv = execEnvName(written.execEnv ?? "");
    const project = await readProject(app, written.descriptor === undefined ? undefined : hostPath(written.descriptor));
    if (project) logTo(emit).debug(`Using project descriptor located at ${project.path}`);
    for (const warning of project?.descriptor.warnings ?? []) logTo(emit).warn(warning);
    const { values, from } = settle<SourceOptions>({
      flag: written,
      ...(project && { project: await saidBy(project, execEnv, home.modules) }),
      ...(written.config && { config: configured(written.config) }),
    });
    logOrigins(emit, from);
    const files = await readIgnoreFiles((written.ignoreFiles ?? []).map((path) => hostPath(path)));
    const env = { ...projectVariables(project?.descriptor, execEnv), ...written.env };
    return {
      options: { ...written, ...values, app, env },
      selects: selectionOf(project?.descriptor.files, files),
      base,
      metadata: values.sourceMetadata ? await metadataOf(app, project?.descriptor) : undefined,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
