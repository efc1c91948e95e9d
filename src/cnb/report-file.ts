import { formatToml } from "../std/toml-write.ts";

/** What a build or a rebase made (Platform spec, "report.toml"). */
export interface Report {
  /** The names that were saved. */
  readonly tags: readonly string[];
  /** The image ID, for an image that went to a daemon. */
  readonly imageId?: string;
  /** The manifest's digest, for an image that went to a registry. */
  readonly digest?: string;
  /** The manifest's length in bytes. */
  readonly manifestSize?: number;
}

/** The text of `report.toml`, byte for byte as the reference writes it. */
export function formatReport(report: Report): string {
  return formatToml({
    image: {
      tags: report.tags,
      "image-id": report.imageId || undefined,
      digest: report.digest || undefined,
      "manifest-size": report.manifestSize ? BigInt(report.manifestSize) : undefined,
    },
  });
}
