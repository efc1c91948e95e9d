import { join } from "node:path";
import { layoutPath } from "../oci/layout-path.ts";
import { parseReference, type Reference } from "../oci/reference.ts";
import { Fault } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import { nameText } from "./name.ts";

/** The two forms of an image in one file: `docker save`'s, and an OCI image layout in a tar. */
export type ArchiveForm = "docker" | "oci";

/** Where an image is or goes, as a person writes it down. */
export type Location =
  /** A name, to be looked up in a store or a registry. */
  | { readonly kind: "name"; readonly name: Reference }
  /** An OCI image layout; `tag` is the text an index entry carries as its name. */
  | { readonly kind: "layout"; readonly directory: HostPath; readonly tag?: string }
  /** One file; its form shows when it is read, and without `form` it is written as the file's ending says. */
  | {
      readonly kind: "archive";
      readonly file: HostPath;
      readonly form: ArchiveForm;
      readonly isFormSaid: boolean;
      readonly tag?: string;
    };

const archiveEnd = /\.(tar|cnb|tar\.gz|tgz)$/;
const component = "[A-Za-z0-9]+(?:(?:--|[-._:@+])[A-Za-z0-9]+)*";
const tagPattern = new RegExp(`^${component}(?:/${component})*$`);
const foreign = /^(docker:\/\/|docker-daemon:|dir:|containers-storage:|ostree:|sif:|tarball:)/;

function refuse(text: string, found: string, hint: string): never {
  throw new Fault("location.parse", `Cannot understand image location "${text.slice(0, 300)}": ${found}`, {
    exit: "usage",
    hint,
  });
}

function absolute(text: string, path: string, base: HostPath): HostPath {
  if (path === "") refuse(text, "the path is missing", "write oci:DIRECTORY, docker-archive:FILE or oci-archive:FILE");
  return hostPath(path.startsWith("/") ? path : `${base}/${path}`);
}

/** Path and what follows its first colon, as skopeo cuts them. */
function cut(rest: string): { readonly path: string; readonly tag?: string } {
  const colon = rest.indexOf(":");
  return colon < 0 ? { path: rest } : { path: rest.slice(0, colon), tag: rest.slice(colon + 1) };
}

function tagOf(text: string, tag: string | undefined): { readonly tag?: string } {
  if (tag === undefined) return {};
  if (!tagPattern.test(tag)) refuse(text, `"${tag}" is not a tag`, "a tag has letters, digits and single separators");
  return { tag };
}

/**
 * Text to location: `oci:DIR[:tag]`, `layout:DIR:NAME` (a directory of layouts, one for each name), `docker-archive:FILE[:name]`, `oci-archive:FILE[:tag]`, a path that ends like an archive
 * (`.tar`, `.tar.gz`, `.tgz`: Docker's form; `.cnb`: OCI's), or else an image name. Relative paths begin at `base`.
 * Throws Fault `location.parse` or `reference.parse`, both with exit code `usage`.
 */
export function parseLocation(text: string, base: HostPath): Location {
  const tree = /^layout:(.*)$/s.exec(text);
  if (tree) {
    const { path, tag: name } = cut(tree[1]!);
    if (path === "" || !name) refuse(text, "directory or name is missing", "write layout:DIRECTORY:NAME");
    return { kind: "layout", directory: hostPath(join(absolute(text, path, base), layoutPath(parseReference(name)))) };
  }
  const transport = /^(oci|docker-archive|oci-archive):(.*)$/s.exec(text);
  if (transport) {
    const { path, tag } = cut(transport[2]!);
    const place = absolute(text, path, base);
    if (transport[1] === "oci") return { kind: "layout", directory: place, ...tagOf(text, tag) };
    if (transport[1] === "oci-archive")
      return { kind: "archive", file: place, form: "oci", isFormSaid: true, ...tagOf(text, tag) };
    const name = tag === undefined ? {} : { tag: nameText(parseReference(tag)) };
    return { kind: "archive", file: place, form: "docker", isFormSaid: true, ...name };
  }
  if (archiveEnd.test(text)) {
    const form = text.endsWith(".cnb") ? "oci" : "docker";
    return { kind: "archive", file: absolute(text, text, base), form, isFormSaid: false };
  }
  if (foreign.test(text))
    refuse(
      text,
      "this kind of place is not known",
      "a registry's image is named without docker://; others are oci:, docker-archive: and oci-archive:",
    );
  if (/^\.{0,2}\//.test(text)) refuse(text, "it is a path", "write oci:DIRECTORY for an OCI image layout");
  return { kind: "name", name: parseReference(text) };
}
