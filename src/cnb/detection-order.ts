import { encodeJson, type JsonObject } from "../std/json.ts";
import type { Coordinates, OpenEntry, OpenOrder } from "./order-file.ts";

/** A place in a tree of what is tried: a module, a group, or a composite with one of its groups. */
export interface OrderNode {
  /** Absent for a group of the order itself. */
  readonly module?: OpenEntry;
  /** Stands above itself, so it is not opened again. */
  readonly isCyclic: boolean;
  /** What the group holds; absent for a module that is not opened. */
  readonly group?: readonly OrderNode[];
}

/** A module that may be a composite. */
export interface Composite extends Coordinates {
  readonly order: OpenOrder;
}

/** The most places a tree may have: an order of a stranger may open into more than anybody reads. */
const limit = 10_000;

/**
 * An order with its composites opened, to a depth (0 for the order alone, below 0 for all), as pack shows it: a composite stands once for each of its groups.
 * Stops opening when the tree grows beyond what can be read.
 */
export function detectionOrder(order: OpenOrder, modules: readonly Composite[], depth = -1): readonly OrderNode[] {
  let count = 0;
  const find = ({ id, version }: OpenEntry): Composite | undefined => {
    const versions = modules.filter((one) => one.id === id);
    if (version === undefined) return versions.length === 1 ? versions[0] : undefined;
    return versions.find((one) => one.version === version);
  };
  const groupsOf = (of: OpenOrder, module: OpenEntry | undefined, level: number, seen: ReadonlySet<string>) =>
    of.map((entries): OrderNode => {
      const inside = new Set(seen);
      const group = entries.flatMap((entry) => nodesOf(entry, level, inside));
      return { ...(module && { module }), isCyclic: false, group };
    });
  const nodesOf = (entry: OpenEntry, level: number, seen: Set<string>): readonly OrderNode[] => {
    count += 1;
    const key = encodeJson([entry.id, entry.version ?? ""]);
    const isCyclic = seen.has(key);
    seen.add(key);
    const composite = find(entry);
    const opens = !isCyclic && (depth < 0 || level < depth) && count < limit;
    if (!opens || !composite || composite.order.length === 0) return [{ module: entry, isCyclic }];
    return groupsOf(composite.order, entry, level + 1, seen);
  };
  return groupsOf(order, undefined, 0, new Set());
}

/** A tree as pack's machine formats have it: a group has only `buildpacks`. */
export function detectionOrderJson(nodes: readonly OrderNode[]): readonly JsonObject[] {
  return nodes.map(({ module, isCyclic, group }) => ({
    ...(module && { id: module.id, version: module.version || undefined, optional: module.optional || undefined }),
    cyclic: isCyclic || undefined,
    buildpacks: group && group.length > 0 ? detectionOrderJson(group) : undefined,
  }));
}
