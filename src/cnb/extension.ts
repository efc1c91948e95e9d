import { Fault } from "../std/fault.ts";
import { parseToml } from "../std/toml.ts";
import { stringIn, tableIn } from "../std/toml-read.ts";
import { parseApi } from "./api.ts";
import { type Buildpack, parseInfo } from "./buildpack.ts";
import { parseOrder } from "./order-file.ts";
import { parseTargets, type TargetPattern } from "./target.ts";

/**
 * The text of an `extension.toml` to the shape of a buildpack's (Image Extension spec, "extension.toml"); throws as `parseBuildpack` does, and Fault
 * `extension.order` for an order. `hasScripts` says whether there is a `bin/detect` or `bin/generate`, from which targets are inferred.
 */
export function parseExtension(text: string, place: string, scripts: { readonly hasScripts: boolean }): Buildpack {
  const table = parseToml(text, place);
  const api = parseApi(stringIn(table, "api", place) ?? "", place);
  const info = tableIn(table, "extension", place);
  if (info === undefined)
    throw new Fault("extension.missing", `Cannot read extension at ${place}: there is no table [extension]`);
  if (parseOrder(table, place).length > 0)
    throw new Fault("extension.order", `Cannot read extension at ${place}: an extension has no [[order]]`);
  const targets = parseTargets(table, place);
  const inferred: TargetPattern = scripts.hasScripts ? { os: "linux", distros: [] } : { distros: [] };
  return { ...parseInfo(info, api, place), sbomFormats: [], targets: targets.length > 0 ? targets : [inferred] };
}
