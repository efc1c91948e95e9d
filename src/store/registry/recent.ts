import type { Digest } from "../../oci/digest.ts";
import type { StoredImage } from "../contract.ts";

/** How many images are kept: their documents seldom have more than a few hundred kilobytes. */
const limit = 16;

/** The images that were read last for their platform, by the digest of their manifest: whoever moves many images needs the same base for each. */
export class Recent {
  readonly #images = new Map<Digest, StoredImage>();

  /** The image with this manifest, when it was among the last ones. */
  recall(digest: Digest): StoredImage | undefined {
    return this.#images.get(digest);
  }

  keep(image: StoredImage): void {
    const { digest } = image.identity;
    this.#images.delete(digest);
    this.#images.set(digest, image);
    if (this.#images.size > limit) this.#images.delete(this.#images.keys().next().value!);
  }
}
