import { formatReference, type Reference } from "../../oci/reference.ts";
import { Fault, reasonOf } from "../../std/fault.ts";
import type { ImageStore, StoredImage } from "../contract.ts";

/** An image and the one of its names it was found under. */
export interface FirstImage {
  readonly name: Reference;
  readonly stored: StoredImage;
}

/**
 * The image under the first of these names that can be read (Platform spec, "Run Image Resolution"); undefined when none of them names one.
 * A name that cannot be read is passed over; when none is left, the Fault `image.unreadable` says why each of them failed.
 */
export async function readFirst(
  images: Pick<ImageStore, "read">,
  names: readonly Reference[],
): Promise<FirstImage | undefined> {
  const failures: Fault[] = [];
  for (const name of names) {
    try {
      const stored = await images.read(name);
      if (stored) return { name, stored };
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      failures.push(error);
    }
  }
  const [first, ...others] = failures;
  if (first === undefined) return undefined;
  if (names.length === 1) throw first;
  const all = [first, ...others].map(reasonOf).join("; ");
  throw new Fault("image.unreadable", `Cannot read any of ${names.map(formatReference).join(", ")}: ${all}`, {
    ...(first.hint !== undefined && { hint: first.hint }),
  });
}
