import { type Reference, recordedRegistry, withDefaultTag } from "./reference.ts";

/**
 * Where an image is in a directory of image layouts, relative to it: `<registry>/<repository>/<tag>`, or `…/<algorithm>/<digest>` for one named by
 * its digest (Platform spec, "OCI Image Layout"); Docker Hub is `index.docker.io`, as the reference has it. Pure.
 */
export function layoutPath(reference: Reference): string {
  const { registry, repository, tag, digest } = withDefaultTag(reference);
  const end = digest ? digest.replace(":", "/") : (tag ?? "latest");
  return `${recordedRegistry(registry)}/${repository}/${end}`;
}
