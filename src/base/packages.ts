import { labelsOf } from "../oci/config.ts";
import { isObject, type Json, parseJson } from "../std/json.ts";
import type { StoredImage } from "../store/contract.ts";
import { parseStatus } from "./diff.ts";
import { metadataLabel, type PackageVersions } from "./image.ts";
import { readFiles } from "./peek.ts";

const status = "var/lib/dpkg/status";
/** Where images put together without dpkg keep one file for each package. */
const statusFolder = "var/lib/dpkg/status.d";

function parseLabel(text: string | undefined): PackageVersions | undefined {
  if (text === undefined) return undefined;
  let value: Json;
  try {
    value = parseJson(text, metadataLabel);
  } catch {
    // The specification leaves the label's content to its author: text that is not ours says nothing.
    return undefined;
  }
  const packages = isObject(value) ? value["packages"] : undefined;
  if (!isObject(packages) || !Object.values(packages).every((version) => typeof version === "string")) return undefined;
  return packages as PackageVersions;
}

/**
 * The Debian packages of an image: from the label our bases (and apps on them) carry, else from dpkg's status in its layers, whose names
 * are then read. Undefined when it has neither.
 */
export async function packagesOf(stored: StoredImage): Promise<PackageVersions | undefined> {
  const labelled = parseLabel(labelsOf(stored.image.config)[metadataLabel]);
  if (labelled) return labelled;
  const found = await readFiles(stored, { paths: [status], folder: statusFolder });
  const texts = [...found].filter(([path]) => !path.endsWith(".md5sums"));
  if (texts.length === 0) return undefined;
  return Object.assign({}, ...texts.map(([path, text]) => parseStatus(text, path))) as PackageVersions;
}
