import type { Descriptor } from "../../oci/descriptor.ts";
import type { DiffId, Digest } from "../../oci/digest.ts";
import type { Image } from "../../oci/image.ts";
import type { Repository } from "./repository.ts";

interface Known {
  readonly blobs: Set<Digest>;
  readonly layers: Map<DiffId, Descriptor>;
}

/**
 * What this process has seen to be in the repositories of one registry. A manifest proves that its blobs are there, and with its config which
 * compressed layer holds which tar.
 */
export class Presence {
  readonly #repositories = new Map<string, Known>();

  /** Remembers an image that stands in a repository. */
  saw(at: Repository, image: Image): void {
    const { blobs, layers } = this.#of(at.name);
    for (const { diffId, descriptor } of image.layers) {
      blobs.add(descriptor.digest);
      layers.set(diffId, descriptor);
    }
  }

  /** Remembers a blob. */
  sawBlob(at: Repository, digest: Digest): void {
    this.#of(at.name).blobs.add(digest);
  }

  /** Whether the blob was seen in the repository. */
  has(at: Repository, digest: Digest): boolean {
    return this.#repositories.get(at.name)?.blobs.has(digest) ?? false;
  }

  /** Another repository the blob was seen in. */
  elsewhere(at: Repository, digest: Digest): string | undefined {
    for (const [name, known] of this.#repositories) if (name !== at.name && known.blobs.has(digest)) return name;
    return undefined;
  }

  /** The layer of the repository that holds this tar. */
  layerOf(at: Repository, diffId: DiffId): Descriptor | undefined {
    return this.#repositories.get(at.name)?.layers.get(diffId);
  }

  /** Whether anything was seen in the repository. */
  isKnown(at: Repository): boolean {
    return this.#repositories.has(at.name);
  }

  /** Forgets what was seen in a repository: it turned out to be gone. */
  forget(at: Repository): void {
    this.#repositories.delete(at.name);
  }

  #of(name: string): Known {
    const known = this.#repositories.get(name) ?? { blobs: new Set(), layers: new Map() };
    this.#repositories.set(name, known);
    return known;
  }
}
