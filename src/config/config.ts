import { type PullPolicy, parsePullPolicy } from "../reach/pull-policy.ts";
import { Fault } from "../std/fault.ts";
import { parseToml } from "../std/toml.ts";
import { booleanIn, requiredStringIn, stringIn, stringsIn, tableIn, tablesIn } from "../std/toml-read.ts";

/** What pack's `config.toml` says, of what means something here. */
export interface Config {
  readonly defaultBuilder?: string;
  readonly pullPolicy?: PullPolicy;
  readonly experimental: boolean;
  /** Kept for pack: no image of the lifecycle is used here. */
  readonly lifecycleImage?: string;
  /** Mirrors of run images, in the order of the file. */
  readonly runImages: readonly { readonly image: string; readonly mirrors: readonly string[] }[];
  /** Kept for pack: no builder is trusted here, and none needs to be. */
  readonly trustedBuilders: readonly string[];
  /** The name of the buildpack registry to look in. */
  readonly defaultRegistry?: string;
  readonly registries: readonly { readonly name: string; readonly type: string; readonly url: string }[];
  /** Where the images of a registry are read instead, by its host; `*` means every registry. */
  readonly registryMirrors: Readonly<Record<string, string>>;
}

/** The text of a `config.toml`. Throws Fault `toml.*`, and `usage.pull-policy` for a policy we do not know. */
export function parseConfig(text: string, place: string): Config {
  const table = parseToml(text, place);
  const optional = (name: keyof Config, key: string) => {
    const value = stringIn(table, key, place);
    return value ? { [name]: value } : {};
  };
  const policy = stringIn(table, "pull-policy", place);
  const mirrors = tableIn(table, "registry-mirrors", place) ?? {};
  return {
    ...optional("defaultBuilder", "default-builder-image"),
    ...(policy && { pullPolicy: policyOf(policy, place) }),
    experimental: booleanIn(table, "experimental", place) ?? false,
    ...optional("lifecycleImage", "lifecycle-image"),
    runImages: tablesIn(table, "run-images", place).map((item) => ({
      image: requiredStringIn(item, "image", place),
      mirrors: stringsIn(item, "mirrors", place) ?? [],
    })),
    trustedBuilders: tablesIn(table, "trusted-builders", place).map((item) => requiredStringIn(item, "name", place)),
    ...optional("defaultRegistry", "default-registry"),
    registries: tablesIn(table, "registries", place).map((item) => ({
      name: requiredStringIn(item, "name", place),
      type: stringIn(item, "type", place) || "github",
      url: requiredStringIn(item, "url", place),
    })),
    registryMirrors: Object.fromEntries(
      Object.keys(mirrors).map((registry) => [registry, requiredStringIn(mirrors, registry, place)]),
    ),
  };
}

function policyOf(text: string, place: string): PullPolicy {
  try {
    return parsePullPolicy(text);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault(cause.code, `Cannot read pull-policy at ${place}: "${text}" is not one we know`, {
      cause,
      exit: "usage",
      hint: `${cause.hint}; \`pack config pull-policy\` changes it`,
    });
  }
}

/** The mirrors of run images by image. */
export function runImageMirrorsOf({
  runImages,
}: Pick<Config, "runImages">): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(runImages.map(({ image, mirrors }) => [image, mirrors]));
}

/** The mirrors of registries as their client takes them: Docker Hub by the one name it has here. */
export function registryMirrorsOf({
  registryMirrors,
}: Pick<Config, "registryMirrors">): Readonly<Record<string, readonly string[]>> {
  const pairs = Object.entries(registryMirrors).map(([registry, mirror]) => [
    /^(index\.|registry-1\.)?docker\.io$/.test(registry) ? "docker.io" : registry,
    [mirror],
  ]);
  return Object.fromEntries(pairs);
}
