import { referenceOf } from "../cnb/run-image.ts";
import { formatReference, parseReference, withDefaultTag } from "../oci/reference.ts";
import { parsePullPolicy } from "../reach/pull-policy.ts";
import { officialRegistry } from "../source/registry.ts";
import { Fault } from "../std/fault.ts";
import type { TomlEdit } from "../std/toml-edit.ts";
import type { Config } from "./config.ts";

/** The settings that have one value: their name on the command line, and their key in the file. */
export const plainSettings = {
  "default-builder": "default-builder-image",
  "lifecycle-image": "lifecycle-image",
  "pull-policy": "pull-policy",
  experimental: "experimental",
} as const;

/** The name of a setting with one value. */
export type PlainSetting = keyof typeof plainSettings;

function refuse(found: string, hint?: string): Fault {
  return new Fault("config.change", `Cannot change configuration: ${found}`, { exit: "usage", ...(hint && { hint }) });
}

/** Sets a setting with one value; undefined takes it out. Throws Fault `usage.pull-policy`, `reference.parse` or `config.change`. */
export function setPlain(setting: PlainSetting, value: string | undefined): TomlEdit[] {
  const key = plainSettings[setting];
  if (value === undefined) return [{ do: "set", key, value }];
  if (setting === "pull-policy") parsePullPolicy(value);
  if (setting === "lifecycle-image") parseReference(value);
  if (setting !== "experimental") return [{ do: "set", key, value }];
  if (value !== "true" && value !== "false") throw refuse(`experimental is "${value}", neither true nor false`);
  return [{ do: "set", key, value: value === "true" ? true : undefined }];
}

/** Whether two texts name one image. */
function isSameImage(a: string, b: string): boolean {
  const full = (text: string) => {
    const name = referenceOf(text);
    return name ? formatReference(withDefaultTag(name)) : text;
  };
  return full(a) === full(b);
}

/** Adds mirrors of a run image. Throws Fault `reference.parse`, and `config.change` without a mirror. */
export function addRunImageMirrors(image: string, mirrors: readonly string[]): (config: Config) => TomlEdit[] {
  for (const name of [image, ...mirrors]) parseReference(name);
  if (mirrors.length === 0) throw refuse("no mirror is named", "name one with --mirror");
  return ({ runImages }) => {
    const at = runImages.findIndex((entry) => isSameImage(entry.image, image));
    const added = [...new Set([...(runImages[at]?.mirrors ?? []), ...mirrors])];
    if (at < 0) return [{ do: "add", list: "run-images", item: { image, mirrors: added } }];
    return [{ do: "set-in", list: "run-images", at, key: "mirrors", value: added }];
  };
}

/** Removes mirrors of a run image, all of them when none is named. Throws Fault `config.change` for an image that has none. */
export function removeRunImageMirrors(image: string, mirrors: readonly string[]): (config: Config) => TomlEdit[] {
  return ({ runImages }) => {
    const at = runImages.findIndex((entry) => isSameImage(entry.image, image));
    if (at < 0) throw refuse(`there are no mirrors of ${image}`);
    const left = runImages[at]!.mirrors.filter((mirror) => !mirrors.includes(mirror));
    if (mirrors.length === 0 || left.length === 0) return [{ do: "drop", list: "run-images", at }];
    return [{ do: "set-in", list: "run-images", at, key: "mirrors", value: left }];
  };
}

/** Reads the images of a registry (`*`: of every one) at a mirror; undefined takes the mirror out. Throws Fault `config.change`. */
export function setRegistryMirror(registry: string, mirror: string | undefined): (config: Config) => TomlEdit[] {
  const isHost = (text: string) => /^[\w.-]+(:\d+)?(\/[\w./-]*)?$/.test(text.replace(/^https?:\/\//, ""));
  if (registry !== "*" && !isHost(registry))
    throw refuse(`"${registry}" is no registry`, "name its host, or * for every one");
  if (mirror !== undefined && !isHost(mirror)) throw refuse(`"${mirror}" is no registry`);
  return ({ registryMirrors }) => {
    if (mirror === undefined && !(registry in registryMirrors)) throw refuse(`there is no mirror of ${registry}`);
    return [{ do: "set", table: "registry-mirrors", key: registry, value: mirror }];
  };
}

/** Lists a builder as trusted. Throws Fault `reference.parse`. */
export function trustBuilder(name: string): (config: Config) => TomlEdit[] {
  parseReference(name);
  return ({ trustedBuilders }) =>
    trustedBuilders.some((other) => isSameImage(other, name))
      ? []
      : [{ do: "add", list: "trusted-builders", item: { name } }];
}

/** Takes a builder off the list of trusted ones. Throws Fault `config.change` for one that is not there. */
export function distrustBuilder(name: string): (config: Config) => TomlEdit[] {
  return ({ trustedBuilders }) => {
    const at = trustedBuilders.findIndex((other) => isSameImage(other, name));
    if (at < 0) throw refuse(`builder ${name} is not listed as trusted`);
    return [{ do: "drop", list: "trusted-builders", at }];
  };
}

/** Adds a buildpack registry, and makes it the default when that is asked for. Throws Fault `config.change`. */
export function addRegistry(
  registry: { readonly name: string; readonly url: string; readonly type: string },
  isDefault: boolean,
): (config: Config) => TomlEdit[] {
  const { name, url, type } = registry;
  if (name === officialRegistry.name) throw refuse(`${name} is the name of the public registry`, "choose another name");
  if (type !== "git" && type !== "github") throw refuse(`"${type}" is no kind of registry`, "kinds are git and github");
  return ({ registries }) => {
    if (registries.some((other) => other.name === name)) throw refuse(`there is a registry ${name} already`);
    return [
      ...(isDefault ? setDefaultRegistry(name)({ registries: [registry] }) : []),
      { do: "add", list: "registries", item: { name, type, url } },
    ];
  };
}

/** Removes a buildpack registry; the public one is then the default. Throws Fault `config.change`. */
export function removeRegistry(name: string): (config: Config) => TomlEdit[] {
  if (name === officialRegistry.name) throw refuse(`${name} is the public registry, which is always there`);
  return ({ registries, defaultRegistry }) => {
    const at = registries.findIndex((registry) => registry.name === name);
    if (at < 0) throw refuse(`there is no registry ${name}`);
    return [
      ...(defaultRegistry === name ? setDefaultRegistry(undefined)({ registries }) : []),
      { do: "drop", list: "registries", at },
    ];
  };
}

/** Chooses the registry that ids are looked up in; undefined is the public one. Throws Fault `config.change`. */
export function setDefaultRegistry(name: string | undefined): (config: Pick<Config, "registries">) => TomlEdit[] {
  return ({ registries }) => {
    if (name !== undefined && name !== officialRegistry.name && !registries.some((other) => other.name === name))
      throw refuse(`there is no registry ${name}`, "`pack config registries add` adds one");
    return [{ do: "set", key: "default-registry", value: name }];
  };
}
