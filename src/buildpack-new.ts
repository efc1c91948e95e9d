import { chmod, lstat, mkdir, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { buildpackApis, isSupported, parseApi } from "./cnb/api.ts";
import { checkCoordinates } from "./cnb/module-info.ts";
import type { TargetPattern } from "./cnb/target.ts";
import { type Emit, logTo } from "./std/event.ts";
import { Fault } from "./std/fault.ts";
import { makeDirectory, writeText } from "./std/file.ts";
import { type HostPath, hostPath, under } from "./std/path.ts";
import { formatToml } from "./std/toml-write.ts";

/** The buildpack to begin with. */
export interface NewBuildpackOptions {
  readonly id: string;
  /** A directory that is not there yet; the last part of the id unless said. */
  readonly path?: string;
  /** Relative paths begin here; the working directory unless said. */
  readonly base?: string;
  /** `1.0.0` unless said. */
  readonly version?: string;
  /** The newest Buildpack API unless said. */
  readonly api?: string;
  /** Linux on any architecture unless said: the scripts are the same everywhere. */
  readonly targets?: readonly TargetPattern[];
  readonly onEvent?: Emit;
}

const detect = `#!/usr/bin/env bash
set -euo pipefail

# Whether this buildpack has something to do for the app in the working directory.
# 0 is yes, 100 is no, anything else is an error. What it provides and requires goes to "$CNB_BUILD_PLAN_PATH".

exit 0
`;

const build = `#!/usr/bin/env bash
set -euo pipefail

# Contributes to the image of the app in the working directory: a layer is a directory below "$CNB_LAYERS_DIR" and a
# "<layer>.toml" beside it, processes stand in "$CNB_LAYERS_DIR/launch.toml".

exit 0
`;

function descriptor(id: string, version: string, api: string, targets: readonly TargetPattern[]): string {
  return formatToml({
    api,
    buildpack: { id, version },
    targets: targets.map(({ os, arch, variant, distros }) => ({
      os,
      arch,
      variant,
      distros: distros.length > 0 ? distros.map(({ name, version: at }) => ({ name, version: at })) : undefined,
    })),
  });
}

async function writeScript(path: HostPath, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o755);
}

/** Makes a buildpack of two scripts that do nothing yet; resolves to its directory. Throws Fault `buildpack.exists`, and nothing is written. */
export async function newBuildpack(options: NewBuildpackOptions): Promise<HostPath> {
  const { id, version = "1.0.0", api = buildpackApis.at(-1)!, targets = [{ os: "linux", distros: [] }] } = options;
  checkCoordinates(id, version, "the new buildpack");
  if (!isSupported(parseApi(api, "--api", "usage")))
    throw new Fault("buildpack.api", `Cannot make buildpack ${id}: Buildpack API ${api} is not known`, {
      exit: "usage",
      hint: `known are ${buildpackApis.join(", ")}`,
    });
  const root = hostPath(resolve(options.base ?? process.cwd(), options.path ?? basename(id)));
  const isThere = await lstat(root).then(
    () => true,
    () => false,
  );
  if (isThere)
    throw new Fault("buildpack.exists", `Cannot make buildpack at ${root}: the directory is there already`, {
      exit: "usage",
      hint: "name another one with --path",
    });
  const log = logTo(options.onEvent ?? (() => {}));
  await mkdir(root, { recursive: true });
  await makeDirectory(under(root, "bin"));
  await writeText(under(root, "buildpack.toml"), descriptor(id, version, api, targets));
  log.info("    create  buildpack.toml");
  for (const [name, text] of [
    ["build", build],
    ["detect", detect],
  ] as const) {
    await writeScript(under(root, "bin", name), text);
    log.info(`    create  bin/${name}`);
  }
  return root;
}
