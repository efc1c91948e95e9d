import { Fault } from "../std/fault.ts";
import { buildpackAbilities } from "./api.ts";
import type { Buildpack } from "./buildpack.ts";
import { defaultExecEnv, isInExecEnv } from "./exec-env.ts";
import { type Group, nameOf, type Order, type OrderEntry } from "./order-file.ts";

export type { Coordinates, Group, Order, OrderEntry } from "./order-file.ts";
export { nameOf, parseOrder } from "./order-file.ts";

/** A component of a flat group: it has scripts of its own. */
export interface Element {
  readonly buildpack: Buildpack;
  readonly optional: boolean;
  /** Set on an image extension, which is always optional. */
  readonly extension?: true;
}

/** Finds a descriptor by id and version; undefined when there is none. */
export type Lookup = (id: string, version: string) => Buildpack | undefined;

/** What `expandOrder` may be told besides the order. */
export interface Expansion {
  /** The execution environment of the build; `production` unless said. */
  readonly execEnv?: string;
  /** An order of image extensions, tried before each group. */
  readonly extensions?: { readonly order: Order; readonly lookup: Lookup };
}

/** Buildpacks that a platform puts around every group (Platform spec, "system.toml"). */
export interface System {
  readonly pre: Group;
  readonly post: Group;
}

/** The order with the system's buildpacks before and after each group, but for those whose id is in that group already. */
export function withSystem(order: Order, system: System): Order {
  return order.map((group) => {
    const isNew = (entry: OrderEntry) => group.every(({ id }) => id !== entry.id);
    return [...system.pre.filter(isNew), ...group, ...system.post.filter(isNew)];
  });
}

/**
 * Looks up all that the order names directly; throws Fault `buildpack.missing` for what is not there and
 * `api.unsupported` (exit 12) for what needs another Buildpack API.
 */
export function checkOrder(order: Order, lookup: Lookup, extensions?: Expansion["extensions"]): void {
  for (const group of order) for (const entry of group) found(entry, lookup);
  if (extensions) checkOrder(extensions.order, extensions.lookup);
}

/** Steps from one flat group to the next, and flat groups in all, before an order is called hostile. */
const limits = { steps: 100_000, groups: 100_000 } as const;

/** The composites something came out of, innermost first. */
interface Trail {
  readonly name: string;
  readonly parent: Trail | undefined;
}

/** What is still to be looked at, from left to right: an entry, or an order to choose a group from. */
type Todo = { readonly next: Todo | undefined; readonly extension: boolean; readonly trail: Trail | undefined } & (
  | { readonly entry: OrderEntry }
  | { readonly order: Order }
);

/** A flat group in the making. */
interface State {
  readonly done: readonly Element[];
  readonly todo: () => Todo | undefined;
}

/**
 * The flat groups of an order, lazily and as they are tried (Buildpack spec, "Order Resolution"): a composite gives way to
 * each of its groups in turn, depth first, what stands left changing slowest; an optional one is left out last. Of
 * several elements with one id the first stays; what is limited to other execution environments is as if it were absent.
 * Throws Fault `buildpack.missing`, `api.unsupported`, `order.cycle` or `order.size` on reaching the cause.
 */
export function* expandOrder(order: Order, lookup: Lookup, options: Expansion = {}): Generator<readonly Element[]> {
  const { execEnv = defaultExecEnv, extensions } = options;
  let steps = 0;

  /** Moves what is settled into `done`; at the first choice returns the ways to go on, best first. */
  function settle(done: Element[], first: Todo | undefined): State[] | undefined {
    for (let todo = first; todo !== undefined; todo = todo.next) {
      if (++steps > limits.steps) throw tooLarge(`more than ${limits.steps} steps to the next group`);
      if ("order" in todo) return branches(done, todo, todo.order, todo.trail, true);
      const { entry, extension } = todo;
      if (!isInExecEnv(entry.execEnv ?? [], execEnv) || has(done, entry.id, extension)) continue;
      const buildpack = found(entry, extension ? extensions!.lookup : lookup, todo.trail);
      if (buildpack.order) return branches(done, todo, buildpack.order, trailTo(entry, todo.trail), entry.optional);
      if (!isInExecEnv(buildpack.execEnv, execEnv)) continue;
      done.push({ buildpack, optional: entry.optional, ...(extension && { extension }) });
    }
    return undefined;
  }

  const start = (row: Group): Todo | undefined => {
    const next = queue(row, undefined, { extension: false, trail: undefined });
    return extensions ? { order: extensions.order, extension: true, trail: undefined, next } : next;
  };
  const open: State[] = order.map((row) => ({ done: [], todo: () => start(row) })).reverse();
  for (let groups = 1, state = open.pop(); state !== undefined; state = open.pop()) {
    const done = [...state.done];
    const ways = settle(done, state.todo());
    for (const way of ways?.reverse() ?? []) open.push(way);
    if (ways !== undefined) continue;
    if (groups++ > limits.groups) throw tooLarge(`more than ${limits.groups} groups`);
    steps = 0;
    yield done;
  }
}

function branches(
  done: readonly Element[],
  { next, extension }: Todo,
  order: Order,
  trail: Trail | undefined,
  optional: boolean,
): State[] {
  const rows = order.map((row): State => ({ done, todo: () => queue(row, next, { extension, trail }) }));
  return optional ? [...rows, { done, todo: () => next }] : rows;
}

function queue(row: Group, rest: Todo | undefined, common: Pick<Todo, "extension" | "trail">): Todo | undefined {
  return row.reduceRight<Todo | undefined>((next, entry) => ({ ...common, entry, next }), rest);
}

function has(done: readonly Element[], id: string, extension: boolean): boolean {
  return done.some((element) => element.buildpack.id === id && (element.extension ?? false) === extension);
}

function trailTo(entry: OrderEntry, parent: Trail | undefined): Trail {
  const name = nameOf(entry);
  const names = [name];
  for (let at = parent; at !== undefined; at = at.parent) {
    names.unshift(at.name);
    if (at.name === name)
      throw new Fault("order.cycle", `Cannot expand buildpack ${name}: it contains itself: ${names.join(" > ")}`);
  }
  return { name, parent };
}

function found(entry: OrderEntry, lookup: Lookup, trail?: Trail): Buildpack {
  const name = nameOf(entry);
  const buildpack = lookup(entry.id, entry.version);
  if (buildpack === undefined) {
    const asker = trail ? `the order of ${trail.name}` : "the order";
    throw new Fault("buildpack.missing", `Cannot find buildpack ${name}: ${asker} names it, but it is not there`);
  }
  buildpackAbilities(buildpack.api, name);
  return buildpack;
}

function tooLarge(what: string): Fault {
  return new Fault("order.size", `Cannot expand the order: it takes ${what}`);
}
