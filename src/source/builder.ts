import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Builder, checkModule, closeOrder, parseBuilder } from "../cnb/builder.ts";
import type { Buildpack } from "../cnb/buildpack.ts";
import type { Lookup, Order } from "../cnb/order.ts";
import { withSystem } from "../cnb/order.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { type Library, locateModule } from "./locate.ts";
import type { Module } from "./module.ts";

/** Buildpacks at hand and the order to try them in. */
export interface Supply {
  readonly order: Order;
  readonly modules: readonly Module[];
  readonly lookup: Lookup;
  /** The directory of one of the buildpacks that `lookup` gives. */
  rootOf(buildpack: Buildpack): HostPath;
}

function supplyOf(order: Order, modules: readonly Module[]): Supply {
  return {
    order,
    modules,
    lookup: (id, version) =>
      modules.find(({ buildpack }) => buildpack.id === id && buildpack.version === version)?.buildpack,
    rootOf: (buildpack) => modules.find((module) => module.buildpack === buildpack)!.root,
  };
}

async function readDescriptor(path: HostPath): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const found = errnoOf(cause) === "ENOENT" ? "there is no such file" : reasonOf(cause);
    throw new Fault("builder.missing", `Cannot read builder at ${path}: ${found}`, {
      cause,
      exit: "usage",
      hint: "give the path of a builder.toml",
    });
  }
}

/** The path behind a `uri` of a builder: relative ones begin where the builder.toml is. Throws Fault `builder.uri` for what is not on this machine. */
function pathOf(uri: string, base: string, place: string): HostPath {
  if (/^file:\/\//.test(uri)) return hostPath(new URL(uri).pathname);
  if (/^[a-z][a-z0-9+.-]*:/i.test(uri)) {
    throw new Fault("builder.uri", `Cannot read builder at ${place}: ${uri} is not a path on this machine`, {
      exit: "usage",
      hint: "give the directory or archive of the buildpack",
    });
  }
  return hostPath(resolve(base, uri));
}

/** Reads a `builder.toml` and every buildpack it names. Throws the parsers' faults, and those of what it names. */
export async function readBuilder(path: HostPath, library: Library): Promise<{ builder: Builder; supply: Supply }> {
  const builder = parseBuilder(await readDescriptor(path), path);
  if (builder.extensions.length > 0 || builder.orderExtensions.length > 0) {
    throw new Fault(
      "builder.extensions",
      `Cannot use builder at ${path}: it has image extensions, which need a builder image`,
      { exit: "usage" },
    );
  }
  const modules = await Promise.all(
    builder.buildpacks.map(async (reference) => {
      const module = await locateModule(pathOf(reference.uri, dirname(path), path), library);
      checkModule(reference, module.buildpack);
      return module;
    }),
  );
  const order = closeOrder(
    builder.order,
    modules.map(({ buildpack }) => buildpack),
  );
  return { builder, supply: supplyOf(withSystem(order, builder.system), modules) };
}

/**
 * The buildpacks named by hand as one group, all required, in place of the builder's order; a composite among them finds its
 * components among the others or in `others`.
 */
export async function chooseBuildpacks(paths: readonly HostPath[], library: Library, others: Supply): Promise<Supply> {
  const chosen = await Promise.all(paths.map((path) => locateModule(path, library)));
  const group = chosen.map(({ buildpack }) => ({ id: buildpack.id, version: buildpack.version, optional: false }));
  const isOther = ({ buildpack }: Module) =>
    !chosen.some((module) => module.buildpack.id === buildpack.id && module.buildpack.version === buildpack.version);
  return supplyOf([group], [...chosen, ...others.modules.filter(isOther)]);
}
