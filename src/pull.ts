import { formatReference } from "./oci/reference.ts";
import type { Outside } from "./outside.ts";
import type { ImagePlace } from "./place.ts";
import { type Emit, logTo } from "./std/event.ts";
import { Fault, reasonOf } from "./std/fault.ts";
import type { StoredImage } from "./store/contract.ts";
import { copyImage } from "./store/copy.ts";
import type { Layout } from "./store/layout.ts";

/** When an image is fetched from its registry: every time, when the local store does not have it, or not at all. */
export type PullPolicy = "always" | "if-not-present" | "never";

/** Where to look for a run image, and when. */
export interface Search {
  readonly store: Layout;
  readonly outside: Outside;
  readonly policy: PullPolicy;
  /** Leave it in its registry: its layers need not come here. */
  readonly publish: boolean;
  readonly emit: Emit;
}

/**
 * The run image at a place: from the local store, or from its registry as the policy says, and then kept in the local store unless the app image
 * goes to a registry anyway. Undefined when there is none; throws Fault `run-image.unreachable` (exit 32) when its registry cannot tell.
 */
export async function findRunImage(place: ImagePlace, search: Search): Promise<StoredImage | undefined> {
  const here = await place.read();
  if (place.kind !== "local" || search.policy === "never" || (here && search.policy === "if-not-present")) return here;
  const name = place.names[0]!;
  let remote: StoredImage | undefined;
  try {
    remote = await search.outside.images.registry.read(name);
  } catch (cause) {
    if (!(cause instanceof Fault)) throw cause;
    throw new Fault(
      "run-image.unreachable",
      `Cannot read run image ${place.text}: it is not in the local store, and ${reasonOf(cause)}`,
      {
        cause,
        exit: "analyze",
        hint: `make it with "pack base create ${place.text} --file base.toml", or name another one with --run-image`,
      },
    );
  }
  if (!remote || search.publish) return remote ?? here;
  logTo(search.emit).info(`Pulling run image ${formatReference(name)}`);
  await copyImage(remote, search.store, [name]);
  return search.store.read(name);
}
