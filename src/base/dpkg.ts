import { compareBytes } from "../std/byte.ts";
import type { Package } from "./package.ts";
import { fieldOf, formatParagraph } from "./paragraph.ts";
import { directoryNode, fileNode, put, type Tree } from "./tree.ts";

/** The package's paragraph in dpkg's status file. */
function statusOf({ control, conffiles }: Package): string {
  const fields = [...control];
  const isOneOf =
    (...names: string[]) =>
    ([name]: readonly [string, string]) =>
      names.includes(name.toLowerCase());
  const head = fields.filter(isOneOf("package", "essential"));
  const tail = fields.filter(isOneOf("description", "homepage"));
  const files = conffiles.map(({ path, md5 }) => `\n ${path} ${md5}`).join("");
  return formatParagraph([
    ...head,
    ["Status", "install ok installed"],
    ...fields.filter((field) => !head.includes(field) && !tail.includes(field)),
    ...(files === "" ? [] : ([["Conffiles", files]] as const)),
    ...tail,
  ]);
}

/**
 * Writes what dpkg would know of these packages: the status file, and for each package its list of files, their MD5 sums and
 * its conffiles. Scanners find the packages there, and dpkg can go on from it; maintainer scripts are not kept.
 */
export function installDatabase(tree: Tree, packages: readonly Package[]): void {
  const sorted = [...packages].sort((a, b) => compareBytes(a.name, b.name));
  const home = "var/lib/dpkg";
  for (const name of ["alternatives", "info", "parts", "triggers", "updates"])
    put(tree, `${home}/${name}`, directoryNode(0o755));
  put(tree, `${home}/status`, fileNode(sorted.map(statusOf).join("")));
  for (const name of ["available", "diversions", "statoverride"]) put(tree, `${home}/${name}`, fileNode(""));
  put(tree, `${home}/info/format`, fileNode("1\n"));
  for (const item of sorted) {
    const isShared = fieldOf(item.control, "Multi-Arch") === "same";
    const base = `${home}/info/${item.name}${isShared ? `:${item.architecture}` : ""}`;
    const add = (kind: string, text: string | Buffer) =>
      put(tree, `${base}.${kind}`, { ...fileNode(text), owner: item.name });
    add("list", Buffer.from(item.listing.map((path) => `${path}\n`).join(""), "latin1"));
    if (item.md5sums !== undefined) add("md5sums", item.md5sums);
    if (item.conffiles.length > 0) add("conffiles", item.conffiles.map(({ path }) => `${path}\n`).join(""));
  }
}
