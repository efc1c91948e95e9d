import { Fault } from "../std/fault.ts";
import type { OpenEntry, OpenOrder } from "./order-file.ts";

/** What stands in a list of buildpacks: one of them, or the builder's whole order. */
export type Choice = "builder-order" | Pick<OpenEntry, "id" | "version">;

/** The lists of buildpacks a user gives besides the builder. */
export interface Choices {
  readonly buildpacks: readonly Choice[];
  readonly pre: readonly Choice[];
  readonly post: readonly Choice[];
}

function required({ id, version }: Exclude<Choice, "builder-order">): OpenEntry {
  return { id, ...(version !== undefined && { version }), optional: false };
}

function onlyOne(choices: readonly Choice[], where: string): readonly OpenEntry[] {
  return choices.map((choice) => {
    if (choice !== "builder-order") return required(choice);
    throw new Fault("order.choice", `Cannot put the builder's order ${where} every group of it`, { exit: "usage" });
  });
}

/** The buildpacks as one group; the builder's order among them makes of it as many groups as that has. */
function listed(builder: OpenOrder, choices: readonly Choice[]): OpenOrder {
  if (choices.filter((choice) => choice === "builder-order").length > 1)
    throw new Fault("order.choice", "Cannot put the builder's order into a group more than once", { exit: "usage" });
  return choices.reduce<OpenOrder>(
    (groups, choice) => {
      if (choice !== "builder-order") return groups.map((group) => [...group, required(choice)]);
      return groups.flatMap((group) => builder.map((more) => [...group, ...more]));
    },
    [[]],
  );
}

/**
 * The order to try: the buildpacks named by hand instead of the builder's order, which may stand among them; else the builder's, with buildpacks before
 * and behind those of every group, as they were named. Throws Fault `order.choice` for the builder's order twice in a list, or around itself.
 */
export function planOrder(builder: OpenOrder, { buildpacks, pre, post }: Choices): OpenOrder {
  if (buildpacks.length > 0) return listed(builder, buildpacks);
  const [front, back] = [onlyOne(pre, "before"), onlyOne(post, "behind")];
  return builder.map((group) => [...front, ...group, ...back]);
}
