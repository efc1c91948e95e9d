import { type Buildpack, escapedId } from "../cnb/buildpack.ts";
import {
  type DockerfileArgument,
  type ExtendConfig,
  type ExtendKind,
  parseExtendConfig,
} from "../cnb/extend-config.ts";
import { type ExtensionDockerfile, parseExtensionDockerfile } from "../cnb/extension-dockerfile.ts";
import { Fault } from "../std/fault.ts";
import { type HostPath, type Place, placeUnder, under } from "../std/path.ts";
import { leftKind, readLeft } from "./left.ts";
import type { Workspace } from "./workspace.ts";

/** A Dockerfile that an extension generated, with all it is applied with. */
export interface GeneratedDockerfile extends ExtensionDockerfile {
  readonly extension: Buildpack;
  readonly kind: ExtendKind;
  readonly path: HostPath;
  /** The arguments that extend-config.toml gives it. */
  readonly given: readonly DockerfileArgument[];
  /** Where its COPY and ADD find files; undefined for the app. */
  readonly context: HostPath | undefined;
}

/** Where an extension's output is kept, `<generated>/<id>` (Platform spec, "Generated directory"). */
export function generatedPlace(workspace: Workspace, extension: Buildpack): Place {
  return placeUnder(workspace.generated, escapedId(extension.id));
}

async function contextsIn(root: HostPath, name: string): Promise<Readonly<Record<ExtendKind, HostPath | undefined>>> {
  const find = async (folder: string) => {
    const path = under(root, folder);
    return (await leftKind(root, path)) === "directory" ? path : undefined;
  };
  const [shared, build, run] = [await find("context"), await find("context.build"), await find("context.run")];
  if (shared && (build || run))
    throw new Fault(
      "generate.context",
      `Cannot use the output of ${name}: it has context beside ${build ? "context.build" : "context.run"}`,
      {
        hint: "leave one context for both images, or one for each",
      },
    );
  return { build: build ?? shared, run: run ?? shared };
}

async function readDockerfile(
  root: HostPath,
  kind: ExtendKind,
  extension: Buildpack,
  config: ExtendConfig,
): Promise<Omit<GeneratedDockerfile, "context"> | undefined> {
  const path = under(root, `${kind}.Dockerfile`);
  const text = await readLeft(root, path);
  if (text === undefined) return undefined;
  const place = `${kind}.Dockerfile of ${extension.id}@${extension.version}`;
  return { ...parseExtensionDockerfile(text, kind, place), extension, kind, path, given: config[kind] };
}

/**
 * What an extension left in its output directory, the run.Dockerfile first (Image Extension spec, "Generation"); other files mean nothing. Throws
 * the parsers' faults, `generate.context` for contexts that exclude each other, and `layer.escape` for links that lead out.
 */
export async function readGenerated(root: HostPath, extension: Buildpack): Promise<readonly GeneratedDockerfile[]> {
  const name = `${extension.id}@${extension.version}`;
  const config = parseExtendConfig(
    (await readLeft(root, under(root, "extend-config.toml"))) ?? "",
    `extend-config.toml of ${name}`,
  );
  const contexts = await contextsIn(root, name);
  const found = [
    await readDockerfile(root, "run", extension, config),
    await readDockerfile(root, "build", extension, config),
  ];
  return found.flatMap((dockerfile) => (dockerfile ? [{ ...dockerfile, context: contexts[dockerfile.kind] }] : []));
}
