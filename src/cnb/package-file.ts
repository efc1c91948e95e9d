import { Fault } from "../std/fault.ts";
import { parseToml } from "../std/toml.ts";
import { stringIn, tableIn, tablesIn } from "../std/toml-read.ts";
import { type Shape, strayKeys } from "../std/toml-shape.ts";
import type { ModuleKind } from "./module-descriptor.ts";
import { parseTargets, type TargetPattern } from "./target.ts";

/** What a `package.toml` says: which module it packages, what goes with it, and for which platforms. */
export interface PackageFile {
  readonly kind: ModuleKind;
  /** Where the module is. */
  readonly uri: string;
  /** Locators of the packages and buildpacks that go with it. */
  readonly dependencies: readonly string[];
  /** Operating system of the time before targets. */
  readonly os: string;
  readonly targets: readonly TargetPattern[];
}

const shape = {
  buildpack: { uri: true },
  extension: { uri: true },
  dependencies: { uri: true, image: true },
  platform: { os: true },
  targets: {
    os: true,
    arch: true,
    variant: true,
    "arch-variant": true,
    distros: { name: true, version: true },
  },
} satisfies Shape;

function refuse(place: string, found: string, hint?: string): never {
  throw new Fault("package.file", `Cannot read package at ${place}: ${found}`, {
    exit: "usage",
    ...(hint !== undefined && { hint }),
  });
}

/** The text of a `package.toml`; throws Fault `toml.*`, and `package.file` for keys it cannot have, no module or two, and an unknown system. */
export function parsePackageFile(text: string, place: string): PackageFile {
  const table = parseToml(text, place);
  const strays = strayKeys(table, shape);
  if (strays.length > 0) refuse(place, `it has unknown keys: ${strays.join(", ")}`);
  const uriOf = (kind: ModuleKind) => {
    const own = tableIn(table, kind, place);
    return (own && stringIn(own, "uri", place)) || undefined;
  };
  const [buildpack, extension] = [uriOf("buildpack"), uriOf("extension")];
  if (buildpack && extension) refuse(place, "it names a buildpack and an extension", "make a package of each");
  const uri = buildpack ?? extension;
  if (uri === undefined) refuse(place, "buildpack.uri is missing", 'write [buildpack] and uri = "." into it');
  const platform = tableIn(table, "platform", place);
  const os = (platform && stringIn(platform, "os", place)) || "linux";
  if (os !== "linux") refuse(place, `platform.os is "${os}"`, "only packages for linux are made");
  return {
    kind: buildpack === undefined ? "extension" : "buildpack",
    uri,
    dependencies: tablesIn(table, "dependencies", place).map((item) => {
      const [at, image] = [stringIn(item, "uri", place), stringIn(item, "image", place)];
      if (at && image) refuse(place, `a dependency has both uri ("${at}") and image ("${image}")`);
      if (at) return at;
      return image ? `docker://${image}` : refuse(place, "a dependency has no uri");
    }),
    os,
    targets: parseTargets(table, place),
  };
}
