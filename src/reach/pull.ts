import type { Platform } from "../oci/platform.ts";
import { formatReference, type Reference } from "../oci/reference.ts";
import { type Emit, logTo } from "../std/event.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { copyImage } from "../store/copy.ts";
import type { Layout } from "../store/layout.ts";
import { type FirstImage, readFirst } from "../store/registry/first.ts";
import type { Outside } from "./outside.ts";
import { isDue, type PullPolicy } from "./pull-policy.ts";
import type { PullRecord } from "./pull-record.ts";

/** Where to look for an image, and when to fetch it. */
export interface Search {
  readonly store: Layout;
  readonly outside: Outside;
  readonly policy: PullPolicy;
  readonly record: PullRecord;
  /** Leave it in its registry: its layers need not come here. */
  readonly leave: boolean;
  /** Of an image for several platforms the one for this; this machine's unless said. */
  readonly platform?: Platform | undefined;
  readonly emit: Emit;
}

async function findHere(names: readonly Reference[], { store, platform }: Search): Promise<FirstImage | undefined> {
  for (const name of names) {
    const stored = await store.read(name, platform).catch((error) => {
      // What is here is for other platforms.
      if (error instanceof Fault && error.code === "image.platform") return undefined;
      throw error;
    });
    if (stored) return { name, stored };
  }
  return undefined;
}

/**
 * The image under the first of these names that has one: in the local store, or in its registry when the policy wants it fetched, and then kept
 * in the local store unless it is to be left where it is. `what` says what it is for. Undefined when there is none; throws Fault
 * `image.unreachable` when no registry can tell.
 */
export async function findImage(
  what: string,
  names: readonly Reference[],
  search: Search,
): Promise<FirstImage | undefined> {
  const { policy, outside, store, record, platform, emit } = search;
  const log = logTo(emit);
  const here = await findHere(names, search);
  const leftHere = () => {
    if (here && search.leave)
      log.info(`The ${what} is in the local store: what the image's registry lacks of it is sent, which is slower`);
    return here;
  };
  if (policy === "never") return leftHere();
  if (here && policy !== "always" && !isDue(policy, await record.age(here.name))) return leftHere();
  let found: FirstImage | undefined;
  try {
    const registries = outside.images.registry;
    found = await readFirst({ read: (name) => registries.read(name, platform) }, names);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    if (here && policy !== "always") {
      log.warn(`Using the ${what} of the local store, as it cannot be fetched: ${reasonOf(cause)}`);
      return here;
    }
    const place = here ? "" : "it is not in the local store; ";
    throw new Fault(
      "image.unreachable",
      `Cannot read ${what} ${formatReference(names[0]!)}: ${place}${reasonOf(cause)}`,
      {
        cause,
        ...(cause.hint !== undefined && { hint: cause.hint }),
      },
    );
  }
  if (!found) return here;
  if (search.leave) return found;
  const isNew = found.stored.identity.imageId !== here?.stored.identity.imageId;
  if (isNew) log.info(`Pulling ${what} ${formatReference(found.name)}`);
  // Whether it is new is told by documents; layers that were lost come back in any case.
  await copyImage(found.stored, store, [found.name]);
  await record.pulled(found.name);
  const stored = await store.read(found.name, platform);
  return stored && { name: found.name, stored };
}
