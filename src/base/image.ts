import { labelNames } from "../cnb/label.ts";
import type { Distro } from "../cnb/target.ts";
import type { ContainerConfig } from "../oci/config.ts";
import { type Image, type Layer, withLayers } from "../oci/image.ts";
import { compareBytes } from "../std/byte.ts";
import { encodeJson } from "../std/json.ts";
import type { BaseDefinition, BaseUser } from "./definition.ts";

/** Name to version of the packages in a base. */
export type PackageVersions = Readonly<Record<string, string>>;

/** The label whose value is JSON that holds the versions of all packages, so that two bases can be compared without a layer. */
export const metadataLabel = `${labelNames.base}metadata`;

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What the parts of a base image's config are made from. */
export interface BaseConfig {
  readonly definition: BaseDefinition;
  readonly user: BaseUser;
  readonly distro: Distro | undefined;
  /** Undefined when the base has no packages we know of. */
  readonly packages: PackageVersions | undefined;
}

function sorted(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareBytes(a, b)));
}

/** The labels of a base (Platform spec, "Run Image"; `io.buildpacks.base.*`). */
function baseLabels({ definition, distro, packages }: BaseConfig): Record<string, string> {
  const { kind, about, stack, rebasable } = definition;
  return {
    ...Object.fromEntries(Object.entries(about).map(([key, value]) => [`${labelNames.base}${key}`, value])),
    ...(distro?.name && { [labelNames.distroName]: distro.name }),
    ...(distro?.version && { [labelNames.distroVersion]: distro.version }),
    ...(packages && { [metadataLabel]: encodeJson({ packages: sorted(packages) }) }),
    ...(kind === "run" && { [labelNames.rebasable]: String(rebasable) }),
    ...(stack && { [labelNames.stackId]: stack }),
  };
}

/** The environment of a base: variables it had, those of the definition, the user's ids, and a PATH in any case (Platform spec, "Run Image"). */
function baseEnv({ definition, user }: BaseConfig, env: readonly string[] = []): string[] {
  const { stack } = definition;
  const values = new Map(env.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]));
  if (!values.has("PATH")) values.set("PATH", defaultPath);
  for (const [name, value] of Object.entries(sorted(definition.env))) values.set(name, value);
  values.set("CNB_USER_ID", String(user.uid));
  values.set("CNB_GROUP_ID", String(user.gid));
  if (stack) values.set("CNB_STACK_ID", stack);
  return [...values].map(([name, value]) => `${name}=${value}`);
}

/** The container config with what makes it a base. */
export function withBase(config: ContainerConfig, base: BaseConfig): ContainerConfig {
  const { uid, gid } = base.user;
  return {
    ...config,
    User: `${uid}:${gid}`,
    Env: baseEnv(base, config.Env),
    Labels: { ...config.Labels, ...baseLabels(base) },
  };
}

/** The manifest's annotation that names the suites a base was resolved in; no part of the image ID, which is that of the packages. */
export const suitesAnnotation = "plinth.base.suites";

/** A layer of ours with the sentence that stands for it in the history. */
export interface TitledLayer {
  readonly title: string;
  readonly layer: Layer;
}

/** A base image made of our own layers alone; `created` is RFC 3339. */
export function baseImage(
  layers: readonly TitledLayer[],
  architecture: string,
  created: string,
  base: BaseConfig,
): Image {
  const image: Image = {
    family: "oci",
    config: {
      architecture,
      os: "linux",
      created,
      history: layers.map(({ title }) => ({ created, created_by: `plinth base: ${title}` })),
      diffIds: [],
      config: withBase({}, base),
    },
    layers: [],
  };
  return withLayers(
    image,
    layers.map(({ layer }) => layer),
  );
}
