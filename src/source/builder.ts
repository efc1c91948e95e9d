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

/** What is asked for beside the builder's order, each as a path, as `id` or `id@version` of the builder's, or as `from=builder`. */
export interface Wishes {
  readonly buildpacks?: readonly string[];
  readonly preBuildpacks?: readonly string[];
  readonly postBuildpacks?: readonly string[];
}

/** The module a text means: a path, or the one the builder has under this id and version. Throws Fault `buildpack.unknown`. */
async function pick(text: string, library: Library, others: Supply): Promise<Module> {
  if (text.startsWith("/")) return locateModule(hostPath(text), library);
  const [id, version] = text.split("@");
  const named = others.modules.filter(({ buildpack }) => buildpack.id === id);
  const found = named.filter(({ buildpack }) => buildpack.version === (version ?? buildpack.version));
  if (found.length === 1) return found[0]!;
  const versions = named.map(({ buildpack }) => buildpack.version).join(", ");
  const because = versions === "" ? "the builder does not have it" : `the builder has ${versions} of it`;
  throw new Fault("buildpack.unknown", `Cannot use buildpack ${text}: ${because}`, {
    exit: "usage",
    hint: "name one of the builder's by its id and version, or give the path of a buildpack",
  });
}

/**
 * The builder's supply with what is asked for: `buildpacks` as one group, all required, in place of the builder's order (which `from=builder`
 * stands for); else the builder's order with `preBuildpacks` before and `postBuildpacks` behind every group. A composite finds its
 * components among what is asked for or in the builder. Throws Fault `buildpack.*`.
 */
export async function chooseSupply(wishes: Wishes, library: Library, others: Supply): Promise<Supply> {
  const { buildpacks = [], preBuildpacks = [], postBuildpacks = [] } = wishes;
  const texts = buildpacks.length > 0 ? buildpacks : [...preBuildpacks, "from=builder", ...postBuildpacks];
  if (texts.length === 1 && texts[0] === "from=builder") return others;
  const chosen = await Promise.all(
    texts.map((text) => (text === "from=builder" ? undefined : pick(text, library, others))),
  );
  const order = chosen.reduce<Order>(
    (groups, module) => {
      if (module === undefined) return groups.flatMap((group) => others.order.map((more) => [...group, ...more]));
      const { id, version } = module.buildpack;
      return groups.map((group) => [...group, { id, version, optional: false }]);
    },
    [[]],
  );
  const modules = chosen.filter((module) => module !== undefined);
  const isOther = ({ buildpack }: Module) =>
    !modules.some((module) => module.buildpack.id === buildpack.id && module.buildpack.version === buildpack.version);
  return supplyOf(order, [...modules, ...others.modules.filter(isOther)]);
}
