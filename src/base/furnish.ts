import { bareAccounts, withGroup, withUser } from "./account.ts";
import { installCertificates } from "./certificate.ts";
import type { BaseDefinition, BaseUser } from "./definition.ts";
import { installDatabase } from "./dpkg.ts";
import type { Package } from "./package.ts";
import { buildDirectories } from "./tools.ts";
import { directoryNode, fileNode, has, linkNode, put, readFileAt, type Tree } from "./tree.ts";

/*
 * What the maintainer scripts of a minimal system do that matters in an image, said as data. Nothing of a package is run.
 */

/** Directories base-files makes, with modes and groups (8 is mail). */
const directories: readonly (readonly [path: string, mode: number, gid?: number])[] = [
  ["dev", 0o755],
  ["etc/opt", 0o755],
  ["home", 0o755],
  ["media", 0o755],
  ["mnt", 0o755],
  ["opt", 0o755],
  ["proc", 0o755],
  ["root", 0o700],
  ["run", 0o755],
  ["run/lock", 0o1777],
  ["srv", 0o755],
  ["sys", 0o755],
  ["tmp", 0o1777],
  ["usr/local/bin", 0o755],
  ["usr/local/etc", 0o755],
  ["usr/local/include", 0o755],
  ["usr/local/lib", 0o755],
  ["usr/local/sbin", 0o755],
  ["usr/local/share", 0o755],
  ["usr/local/src", 0o755],
  ["var/mail", 0o2775, 8],
  ["var/opt", 0o755],
  ["var/tmp", 0o1777],
];

/** Files that packages copy from their templates. */
const copies: readonly (readonly [from: string, to: string])[] = [
  ["usr/share/base-files/dot.bashrc", "root/.bashrc"],
  ["usr/share/base-files/dot.profile", "root/.profile"],
  ["usr/share/base-files/motd", "etc/motd"],
  ["usr/share/base-files/nsswitch.conf", "etc/nsswitch.conf"],
  ["usr/share/base-files/profile", "etc/profile"],
  ["usr/share/base-passwd/group.master", "etc/group"],
  ["usr/share/base-passwd/passwd.master", "etc/passwd"],
  ["usr/share/debianutils/shells", "etc/shells"],
  ["usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"],
];

/** Links that are made where what they lead to is there. */
const links: readonly (readonly [path: string, target: string, needs: string])[] = [
  ["etc/dpkg/origins/default", "debian", "etc/dpkg/origins/debian"],
  ["etc/localtime", "/usr/share/zoneinfo/Etc/UTC", "usr/share/zoneinfo/Etc/UTC"],
  ["var/spool/mail", "../mail", "var/mail"],
];

/** Commands update-alternatives gives a name to; the first program that is there gets it. */
const alternatives: readonly (readonly [names: readonly string[], programs: readonly string[]])[] = [
  [
    ["awk", "nawk"],
    ["usr/bin/gawk", "usr/bin/mawk", "usr/bin/original-awk"],
  ],
  [["c++"], ["usr/bin/g++", "usr/bin/clang++"]],
  [["c89"], ["usr/bin/c89-gcc"]],
  [["c99"], ["usr/bin/c99-gcc"]],
  [["cc"], ["usr/bin/gcc", "usr/bin/clang"]],
  [["pager"], ["usr/bin/less", "usr/bin/more"]],
  [["which"], ["usr/bin/which.gnu", "usr/bin/which.debianutils"]],
];

const hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

async function addFiles(tree: Tree): Promise<void> {
  for (const [path, mode, gid] of directories) if (!has(tree, path)) put(tree, path, directoryNode(mode, 0, gid));
  for (const [from, to] of copies) {
    const text = await readFileAt(tree, from);
    if (text !== undefined && !has(tree, to)) put(tree, to, fileNode(text));
  }
  for (const [path, target, needs] of links)
    if (has(tree, needs) && !has(tree, path)) put(tree, path, linkNode(target));
  if (has(tree, "etc/localtime") && !has(tree, "etc/timezone")) put(tree, "etc/timezone", fileNode("Etc/UTC\n"));
  if (!has(tree, "etc/hosts")) put(tree, "etc/hosts", fileNode(hosts));
  for (const [names, programs] of alternatives) {
    const program = programs.find((path) => has(tree, path));
    for (const name of program ? names.filter((name) => !has(tree, `usr/bin/${name}`)) : []) {
      put(tree, `etc/alternatives/${name}`, linkNode(`/${program}`));
      put(tree, `usr/bin/${name}`, linkNode(`/etc/alternatives/${name}`));
    }
  }
}

/** Shells register themselves in a folder; /etc/shells lists them. */
async function addShells(tree: Tree): Promise<void> {
  const shells = await readFileAt(tree, "etc/shells");
  if (shells === undefined) return;
  const lines = new Set(shells.trimEnd().split("\n"));
  for (const path of [...tree.keys()].filter((path) => path.startsWith("usr/share/debianutils/shells.d/")).sort())
    for (const line of (await readFileAt(tree, path))?.split("\n") ?? []) if (line !== "") lines.add(line);
  put(tree, "etc/shells", fileNode(`${[...lines].join("\n")}\n`));
}

async function addUser(tree: Tree, user: BaseUser): Promise<void> {
  const shell = ["/bin/bash", "/bin/sh"].find((path) => has(tree, `usr${path}`)) ?? "/usr/sbin/nologin";
  const passwd = (await readFileAt(tree, "etc/passwd")) ?? bareAccounts.passwd;
  const group = (await readFileAt(tree, "etc/group")) ?? bareAccounts.group;
  put(tree, "etc/passwd", fileNode(withUser(passwd, user, shell)));
  put(tree, "etc/group", fileNode(withGroup(group, user)));
  put(tree, user.home.slice(1), directoryNode(0o755, user.uid, user.gid));
}

/** Puts the directories that a build works in into the tree. */
export function addBuildDirectories(tree: Tree, user: BaseUser): void {
  for (const [path, whose] of buildDirectories) {
    const owner = whose === "user" ? user : { uid: 0, gid: 0 };
    if (!has(tree, path)) put(tree, path, directoryNode(0o755, owner.uid, owner.gid));
  }
}

/** Puts the definition's files into the tree. */
export function addOwnFiles(tree: Tree, { files }: BaseDefinition): void {
  for (const file of files)
    put(
      tree,
      file.path.slice(1),
      "link" in file ? linkNode(file.link) : { ...fileNode(file.content), mode: file.mode },
    );
}

const documentation = ["usr/share/info/", "usr/share/lintian/", "usr/share/locale/", "usr/share/man/"];
const notices = "usr/share/doc/";

/** Takes manuals, translations and package documentation out; licences stay, and with them what leads to them. */
function removeDocumentation(tree: Tree): void {
  for (const [path, { type }] of [...tree]) {
    const isNotice = path.startsWith(notices) && (type !== "file" || path.endsWith("/copyright"));
    if (!isNotice && [...documentation, notices].some((folder) => path.startsWith(folder))) tree.delete(path);
  }
  const paths = [...tree.keys()].sort().reverse();
  const inUse = new Set<string>();
  for (const path of paths) {
    const isEmpty = path.startsWith(notices) && tree.get(path)?.type === "directory" && !inUse.has(path);
    if (isEmpty) tree.delete(path);
    else inUse.add(path.slice(0, path.lastIndexOf("/")));
  }
}

/** Turns the unpacked packages into a system that is ready to run: what their maintainer scripts would have done, the user, the definition's files. */
export async function furnish(
  tree: Tree,
  packages: readonly Package[],
  definition: BaseDefinition,
  user: BaseUser,
): Promise<void> {
  if (!definition.documentation) removeDocumentation(tree);
  await addFiles(tree);
  await addShells(tree);
  await addUser(tree, user);
  if (definition.kind === "build") addBuildDirectories(tree, user);
  addOwnFiles(tree, definition);
  await installCertificates(tree);
  installDatabase(tree, packages);
}
