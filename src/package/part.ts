import type { ModuleDescriptor } from "../cnb/module-descriptor.ts";
import type { PackageMetadata } from "../cnb/package-label.ts";
import type { TargetPattern } from "../cnb/target.ts";
import type { Layer } from "../oci/image.ts";
import type { HostPath } from "../std/path.ts";
import type { BlobSource } from "../store/contract.ts";

/** Where the files of a module are before it stands in an image. */
export type PartContent =
  /** A directory of this machine; its descriptor may stand in another, common to several platforms. */
  | {
      readonly kind: "directory";
      readonly root: HostPath;
      readonly descriptor: { readonly name: string; readonly text: string };
    }
  /** A layer of a package, which other modules may share. */
  | { readonly kind: "layer"; readonly layer: Layer; readonly blobs: BlobSource };

/** A buildpack or extension on its way into a package or builder. */
export interface Part {
  readonly descriptor: ModuleDescriptor;
  readonly content: PartContent;
  /** What it runs on, inferred where the descriptor does not say; empty for anything. */
  readonly targets: readonly TargetPattern[];
}

/** A module and those that come with it. */
export interface PartSet {
  readonly main: Part;
  readonly others: readonly Part[];
  /** What the package they came in says of itself; absent for a module that is in none. */
  readonly about?: PackageMetadata;
}
