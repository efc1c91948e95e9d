import { Fault } from "../std/fault.ts";
import type { ModuleDescriptor } from "./module-descriptor.ts";
import type { Stack } from "./module-info.ts";
import { nameOf } from "./order-file.ts";

/** What a package's checks look at. */
export type Packaged = Pick<ModuleDescriptor, "info" | "stacks" | "order">;

function refuse(code: string, main: Packaged, found: string, hint?: string): never {
  throw new Fault(code, `Cannot package ${nameOf(main.info)}: ${found}`, { ...(hint !== undefined && { hint }) });
}

/**
 * Throws Fault `package.component` when an order names a buildpack that does not go with the package, or one without its version, and
 * `package.unused` for a dependency no order names.
 */
export function checkComponents(main: Packaged, others: readonly Packaged[]): void {
  const unused = new Set(others.map(({ info }) => nameOf(info)));
  const there = new Set([...unused, ...(main.order.length > 0 ? [] : [nameOf(main.info)])]);
  for (const { info, order } of [main, ...others]) {
    for (const { id, version } of order.flat()) {
      if (version === undefined)
        refuse("package.component", main, `the order of ${nameOf(info)} names ${id} without a version`);
      const name = nameOf({ id, version });
      if (!there.has(name))
        refuse(
          "package.component",
          main,
          `the order of ${nameOf(info)} names ${name}, which is not there`,
          "add it to [[dependencies]] of package.toml",
        );
      unused.delete(name);
    }
  }
  const [first] = unused;
  if (first !== undefined)
    refuse(
      "package.unused",
      main,
      `nothing in it uses ${first}`,
      "take it out of [[dependencies]], or put it in an order",
    );
}

function mixinsOf(...stacks: readonly Stack[]): readonly string[] {
  return [...new Set(stacks.flatMap(({ mixins }) => mixins ?? []))].sort();
}

/** The stacks two sets have in common, each with the mixins both need; `*` has every stack. */
export function mergeStacks(a: readonly Stack[], b: readonly Stack[]): readonly Stack[] {
  const hasAny = (stacks: readonly Stack[]) => stacks.some(({ id }) => id === "*");
  if (hasAny(a)) return hasAny(b) ? [{ id: "*" }] : b;
  if (hasAny(b)) return a;
  return b.flatMap((stack): Stack[] => {
    const other = a.find(({ id }) => id === stack.id);
    if (other === undefined) return [];
    const mixins = mixinsOf(other, stack);
    return [{ id: stack.id, ...(mixins.length > 0 && { mixins }) }];
  });
}

/**
 * The stacks all of a package's buildpacks run on, each once, with all mixins they need (Distribution spec, "Buildpackage"). A buildpack that knows
 * targets only runs on any, a composite has none of its own. Throws Fault `package.stacks` when there is none.
 */
export function packageStacks(main: Packaged, others: readonly Packaged[]): readonly Stack[] {
  const own = ({ stacks, order }: Packaged): readonly Stack[] =>
    stacks.length > 0 || order.length > 0 ? stacks : [{ id: "*" }];
  const known = [main, ...others].map(own).filter((stacks) => stacks.length > 0);
  const merged = known.length === 0 ? [] : known.reduce(mergeStacks);
  if (merged.length === 0) refuse("package.stacks", main, "its buildpacks have no stack in common");
  return merged;
}
