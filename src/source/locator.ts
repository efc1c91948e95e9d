import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { HostPath } from "../std/path.ts";

/**
 * Where a builder or buildpack is, whatever directory it is looked for from: paths, also those of layouts and archives, begin at `base` and
 * become absolute; names, ids and URLs stay. What could be either is a path when there is something at it.
 */
export function locatorFrom(base: HostPath, text: string): string {
  const image = /^((?:oci|oci-archive|docker-archive):)([^:]+)(.*)$/s.exec(text);
  if (image) return `${image[1]}${resolve(base, image[2]!)}${image[3]}`;
  if (/^[a-z][a-z0-9+.-]*:|^from=builder/i.test(text)) return text;
  const path = resolve(base, text);
  return /^[./]|\.(toml|cnb|tgz|tar|tar\.gz)$/.test(text) || existsSync(path) ? path : text;
}

/** As `locatorFrom`, for builders: a directory is meant only when it holds a `builder.toml`, or is written as a path. */
export function builderFrom(base: HostPath, text: string): string {
  const found = locatorFrom(base, text);
  const stats = found.startsWith("/") ? statSync(found, { throwIfNoEntry: false }) : undefined;
  if (!stats?.isDirectory()) return found;
  const file = resolve(found, "builder.toml");
  return existsSync(file) ? file : /^[./]/.test(text) ? found : text;
}
