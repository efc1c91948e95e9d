import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { type ByteStream, collect } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";
import type { TarHeader } from "../tar/header.ts";
import { type ByteString, byteString, textOf } from "../tar/name.ts";
import { readTar } from "../tar/read.ts";
import type { Downloaded } from "./download.ts";
import { type Paragraph, parseParagraphs } from "./paragraph.ts";
import { streamProgram } from "./program.ts";

/** The bytes of a regular file: at hand, or in a file of ours. Two paths with the same `Content` are hard links of each other. */
export interface Content {
  readonly size: number;
  readonly from: Buffer | HostPath;
}

/** One path a package ships; `path` has no slash at either end and is empty for the root directory. */
export type Entry = {
  readonly path: ByteString;
  readonly uid: number;
  readonly gid: number;
} & (
  | { readonly type: "directory"; readonly mode: number }
  | { readonly type: "file"; readonly mode: number; readonly content: Content }
  | { readonly type: "symlink"; readonly link: ByteString }
);

/** A package taken apart. */
export interface Package {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly control: Paragraph;
  /** The file `md5sums` of the package, where it has one. */
  readonly md5sums: string | undefined;
  /** The files an administrator may change, absolute, with the MD5 of what is shipped. */
  readonly conffiles: readonly { readonly path: string; readonly md5: string }[];
  /** What dpkg lists as the package's files, in the order of the package. */
  readonly listing: readonly ByteString[];
  readonly entries: readonly Entry[];
}

/** Names in packages begin with `./`; directories end with a slash. */
function pathOf(name: ByteString, deb: Downloaded): ByteString {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes(".."))
    throw new Fault(
      "base.deb",
      `Cannot unpack ${deb.name} ${deb.version}: it ships "${textOf(name)}", which leads out of it`,
    );
  return parts.join("/") as ByteString;
}

const memberLimit = 16 * 1024 * 1024;

/** The texts of a package's control archive by name. */
async function readControl(deb: Downloaded, signal: AbortSignal | undefined): Promise<Map<string, string>> {
  const members = new Map<string, string>();
  const wanted = ["control", "conffiles", "md5sums"];
  for await (const { header, content } of readTar(streamProgram("dpkg-deb", ["--ctrl-tarfile", deb.path], signal))) {
    const name = pathOf(header.name, deb);
    if (wanted.includes(name)) members.set(name, (await collect(content, memberLimit)).toString("utf8"));
  }
  return members;
}

interface Spooled {
  readonly content: Content;
  readonly md5: string;
}

async function spool(content: ByteStream, size: number, path: HostPath): Promise<Spooled> {
  const hash = createHash("md5");
  const file = await open(path, "wx", 0o600);
  try {
    for await (const part of content) {
      hash.update(part);
      await file.writeFile(part);
    }
  } finally {
    await file.close();
  }
  return { content: { size, from: path }, md5: hash.digest("hex") };
}

function entryOf(path: ByteString, header: TarHeader, content: Content | undefined): Entry | undefined {
  const { uid, gid, mode } = header;
  if (content) return { path, uid, gid, type: "file", mode, content };
  if (header.type === "directory") return { path, uid, gid, type: "directory", mode };
  return header.type === "symlink" ? { path, uid, gid, type: "symlink", link: header.link } : undefined;
}

/**
 * Takes a `.deb` apart without running anything of it; file contents go to new files below `directory`. Throws Fault `base.deb` for
 * a package that ships what no image can hold.
 */
export async function unpackPackage(
  deb: Downloaded,
  directory: HostPath,
  signal: AbortSignal | undefined,
): Promise<Package> {
  const members = await readControl(deb, signal);
  const [control] = parseParagraphs(members.get("control") ?? "", `the control file of ${deb.name} ${deb.version}`);
  if (!control) throw new Fault("base.deb", `Cannot unpack ${deb.name} ${deb.version}: it has no control file`);
  await mkdir(directory);
  const files = new Map<ByteString, Spooled>();
  const listing: ByteString[] = [];
  const entries: Entry[] = [];
  for await (const { header, content } of readTar(streamProgram("dpkg-deb", ["--fsys-tarfile", deb.path], signal))) {
    const path = pathOf(header.name, deb);
    if (header.type === "file")
      files.set(path, await spool(content, header.size, under(directory, String(files.size))));
    if (header.type === "hardlink") {
      const target = files.get(pathOf(header.link, deb));
      if (target) files.set(path, target);
    }
    const entry = entryOf(path, header, files.get(path)?.content);
    if (!entry)
      throw new Fault(
        "base.deb",
        `Cannot unpack ${deb.name} ${deb.version}: "${textOf(path)}" is a ${header.type} we cannot place`,
      );
    entries.push(entry);
    listing.push((path === "" ? "/." : `/${path}`) as ByteString);
  }
  // A line may begin with a flag such as remove-on-upgrade: such a file is not in this version.
  const conffiles = (members.get("conffiles") ?? "").split("\n").flatMap((line) => {
    const md5 = files.get(byteString(line.replace(/^\//, "")))?.md5;
    return md5 === undefined ? [] : [{ path: line, md5 }];
  });
  const { name, version, architecture } = deb;
  return { name, version, architecture, control, md5sums: members.get("md5sums"), conffiles, listing, entries };
}
