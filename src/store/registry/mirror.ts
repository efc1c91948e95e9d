import { type Reference, withDefaultTag } from "../../oci/reference.ts";

/** Where a registry's images may be read too, in order: `host[:port][/prefix]` by registry, `*` meaning every registry. */
export type Mirrors = Readonly<Record<string, readonly string[]>>;

/** The names an image may have in mirrors, in the order to try them. */
export function mirrorsOf(name: Reference, mirrors: Mirrors): Reference[] {
  const places = mirrors[name.registry] ?? mirrors["*"] ?? [];
  return places.map((place) => {
    const [registry = "", ...prefix] = place
      .replace(/^https?:\/\//, "")
      .replace(/\/+$/, "")
      .split("/");
    return { ...withDefaultTag(name), registry, repository: [...prefix, name.repository].join("/") };
  });
}
