import { Fault } from "../std/fault.ts";

/**
 * When an image is fetched from its registry: every time, when the local store does not have it, not at all, or when it was last fetched so long
 * ago; `interval=` is followed by days, hours and minutes, as in `interval=1d12h30m`.
 */
export type PullPolicy = "always" | "if-not-present" | "never" | "hourly" | "daily" | "weekly" | `interval=${string}`;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const named: Readonly<Record<string, number>> = { hourly: hour, daily: day, weekly: 7 * day };

function intervalIn(text: string): number | undefined {
  const found = /^interval=(?=\d)(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,5})m)?$/.exec(text);
  if (!found) return undefined;
  const [days, hours, minutes] = found.slice(1).map((part) => Number(part ?? 0)) as [number, number, number];
  return days * day + hours * hour + minutes * minute;
}

/** How long after a pull the next one is due, in milliseconds; undefined for policies that do not look at the time. */
export function intervalOf(policy: PullPolicy): number | undefined {
  return named[policy] ?? intervalIn(policy);
}

/** Text to policy; throws Fault `usage.pull-policy`. */
export function parsePullPolicy(text: string): PullPolicy {
  if (["always", "if-not-present", "never"].includes(text) || intervalOf(text as PullPolicy) !== undefined)
    return text as PullPolicy;
  throw new Fault("usage.pull-policy", `Cannot understand pull policy "${text}": it is not one we know`, {
    exit: "usage",
    hint: "always, if-not-present, never, hourly, daily, weekly, or interval=1d12h30m",
  });
}

/** Whether an image that is here is to be fetched again; `age` says how many milliseconds ago it was, undefined when it never was. Pure. */
export function isDue(policy: PullPolicy, age: number | undefined): boolean {
  const interval = intervalOf(policy);
  if (interval === undefined) return policy === "always";
  return age === undefined || age >= interval;
}
