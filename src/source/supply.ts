import { closeOrder } from "../cnb/builder.ts";
import { type Buildpack, escapedId } from "../cnb/buildpack.ts";
import { type Coordinates, type Lookup, nameOf, type Order, withSystem } from "../cnb/order.ts";
import { type Choice, planOrder } from "../cnb/order-choice.ts";
import type { OpenEntry } from "../cnb/order-file.ts";
import { Fault } from "../std/fault.ts";
import { guestPath, type HostPath } from "../std/path.ts";
import type { OpenBuilder } from "./builder.ts";
import { findModules, type Searching } from "./find.ts";
import type { Module } from "./module.ts";

/** Buildpacks at hand and the order to try them in. */
export interface Supply {
  readonly order: Order;
  /** Those that scripts see only when they are mounted. */
  readonly modules: readonly Module[];
  readonly lookup: Lookup;
  /** Image extensions, and the order to try before each group. */
  readonly extensions: ExtensionSupply;
  /** The directory of one of the buildpacks or extensions that a lookup gives; undefined for one that stands in the builder's own root. */
  rootOf(buildpack: Buildpack): HostPath | undefined;
}

/** Image extensions at hand. */
export interface ExtensionSupply {
  readonly order: Order;
  /** Those that scripts see only when they are mounted. */
  readonly modules: readonly Module[];
  readonly lookup: Lookup;
  /** Whether one of these is meant, and no buildpack. */
  has(module: Buildpack): boolean;
  /** Where on this machine the files of an extension are; throws Fault `extension.missing` when that is no one directory. */
  directoryOf(extension: Buildpack): HostPath;
}

/** What is asked for besides the builder, each by a locator. */
export interface Wishes {
  readonly buildpacks?: readonly string[];
  readonly pre?: readonly string[];
  readonly post?: readonly string[];
  /** Image extensions, in place of the builder's order of them. */
  readonly extensions?: readonly string[];
  /** Leave out the buildpacks the builder puts around every group. */
  readonly withoutSystem?: boolean;
}

/** Modules by name; of several with one name the first counts. */
function byName(modules: readonly Module[]): ReadonlyMap<string, Module> {
  return new Map(modules.toReversed().map((module) => [nameOf(module.buildpack), module]));
}

function rootIn(modules: ReadonlyMap<string, Module>, buildpack: Buildpack): HostPath | undefined {
  const module = modules.get(nameOf(buildpack));
  return module?.buildpack === buildpack ? module.root : undefined;
}

/** The builder's extensions, or those asked for in their place; all of them are optional (Platform spec, "order.toml"). */
async function gatherExtensions(
  builder: OpenBuilder,
  texts: readonly string[],
  searching: Searching,
): Promise<ExtensionSupply> {
  const brought: Module[] = [];
  const chosen: OpenEntry[] = [];
  for (const text of texts) {
    const found = await findModules(text, { ...searching, kind: "extension", builder: builder.extensions });
    if (found.kind === "builder-order")
      throw new Fault("extension.choice", `Cannot use ${text}: it names no extension`, { exit: "usage" });
    if (found.kind === "located") brought.push(found.located.main, ...found.located.others);
    const { id, version } = found.kind === "located" ? found.located.main.buildpack : found;
    chosen.push({ id, optional: true, ...(version !== undefined && { version }) });
  }
  const modules = byName([...brought, ...builder.extensionModules]);
  const available: readonly Coordinates[] = [...modules.values()].map(({ buildpack }) => buildpack);
  const others = builder.extensions.filter((one) => !modules.has(nameOf(one)));
  const order = closeOrder(chosen.length > 0 ? [chosen] : builder.orderExtensions, [...available, ...others]);
  const lookup: Lookup = (id, version) =>
    modules.get(nameOf({ id, version }))?.buildpack ?? builder.image?.lookupExtension(id, version);
  const inImage = ({ id, version }: Coordinates) => guestPath(`/cnb/extensions/${escapedId(id)}/${version}`);
  return {
    order: order.map((group) => group.map((entry) => ({ ...entry, optional: true }))),
    modules: [...modules.values()],
    lookup,
    has: (module) => lookup(module.id, module.version) === module,
    directoryOf(extension) {
      const directory = rootIn(modules, extension) ?? builder.image?.files.directoryAt(inImage(extension));
      if (directory !== undefined) return directory;
      throw new Fault(
        "extension.missing",
        `Cannot read extension ${nameOf(extension)}: builder ${builder.name} has it in several layers`,
      );
    },
  };
}

/**
 * The builder's buildpacks, and those asked for with all they bring along, in the order that comes of both; what is brought along takes the place
 * of what the builder has under the same id and version. Throws Fault `builder.order`, `order.choice`, and those of `findModules`.
 */
export async function gatherSupply(builder: OpenBuilder, wishes: Wishes, searching: Searching): Promise<Supply> {
  const brought: Module[] = [];
  const choose = async (text: string): Promise<Choice> => {
    const found = await findModules(text, { ...searching, builder: builder.buildpacks });
    if (found.kind === "builder-order") return found.kind;
    if (found.kind === "builder") return found;
    const { main, others } = found.located;
    brought.push(main, ...others);
    return { id: main.buildpack.id, version: main.buildpack.version };
  };
  const chooseAll = (texts: readonly string[] = []) => Promise.all(texts.map(choose));
  const lists = wishes.buildpacks?.length ? { buildpacks: wishes.buildpacks } : { pre: wishes.pre, post: wishes.post };
  const choices = {
    buildpacks: await chooseAll(lists.buildpacks),
    pre: await chooseAll(lists.pre),
    post: await chooseAll(lists.post),
  };
  const modules = byName([...brought, ...builder.modules]);
  const extensions = await gatherExtensions(builder, wishes.extensions ?? [], searching);
  const available: readonly Coordinates[] = [...modules.values()].map(({ buildpack }) => buildpack);
  const isOther = (one: Coordinates) => !modules.has(nameOf(one));
  const all = [...available, ...builder.buildpacks.filter(isOther)];
  const order = closeOrder(planOrder(builder.order, choices), all);
  return {
    order: wishes.withoutSystem ? order : withSystem(order, builder.system),
    modules: [...modules.values()],
    extensions,
    lookup: (id, version) => modules.get(nameOf({ id, version }))?.buildpack ?? builder.image?.lookup(id, version),
    rootOf: (buildpack) => rootIn(modules, buildpack) ?? rootIn(byName(extensions.modules), buildpack),
  };
}
