import { closeOrder } from "../cnb/builder.ts";
import type { Buildpack } from "../cnb/buildpack.ts";
import { type Coordinates, type Lookup, nameOf, type Order, withSystem } from "../cnb/order.ts";
import { type Choice, planOrder } from "../cnb/order-choice.ts";
import type { HostPath } from "../std/path.ts";
import type { OpenBuilder } from "./builder.ts";
import { findModules, type Searching } from "./find.ts";
import type { Module } from "./module.ts";

/** Buildpacks at hand and the order to try them in. */
export interface Supply {
  readonly order: Order;
  /** Those that scripts see only when they are mounted. */
  readonly modules: readonly Module[];
  readonly lookup: Lookup;
  /** The directory of one of the buildpacks that `lookup` gives; undefined for one that stands in the builder's own root. */
  rootOf(buildpack: Buildpack): HostPath | undefined;
}

/** What is asked for besides the builder, each by a locator. */
export interface Wishes {
  readonly buildpacks?: readonly string[];
  readonly pre?: readonly string[];
  readonly post?: readonly string[];
  /** Leave out the buildpacks the builder puts around every group. */
  readonly withoutSystem?: boolean;
}

/** Modules by name; of several with one name the first counts. */
function byName(modules: readonly Module[]): ReadonlyMap<string, Module> {
  return new Map(modules.toReversed().map((module) => [nameOf(module.buildpack), module]));
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
  const available: readonly Coordinates[] = [...modules.values()].map(({ buildpack }) => buildpack);
  const isOther = (one: Coordinates) => !modules.has(nameOf(one));
  const all = [...available, ...builder.buildpacks.filter(isOther)];
  const order = closeOrder(planOrder(builder.order, choices), all);
  return {
    order: wishes.withoutSystem ? order : withSystem(order, builder.system),
    modules: [...modules.values()],
    lookup: (id, version) => modules.get(nameOf({ id, version }))?.buildpack ?? builder.image?.lookup(id, version),
    rootOf: (buildpack) => {
      const module = modules.get(nameOf(buildpack));
      return module?.buildpack === buildpack ? module.root : undefined;
    },
  };
}
