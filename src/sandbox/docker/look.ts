import { chmod, mkdir, writeFile } from "node:fs/promises";
import type { Readable } from "node:stream";
import type Docker from "dockerode";
import { type HostPath, under } from "../../std/path.ts";
import type { Find } from "../obstacle.ts";
import { statusOf } from "./engine.ts";

interface Stat {
  readonly mode: number;
  readonly linkTarget: string;
}

// Go's bits for kinds of files.
const directory = 2 ** 31;
const link = 2 ** 27;
const has = (mode: number, bit: number) => Math.floor(mode / bit) % 2 === 1;

async function statIn(container: Docker.Container, path: string): Promise<Stat | undefined> {
  try {
    const answer = (await container.infoArchive({ path })) as { headers: Record<string, string> };
    const text = Buffer.from(answer.headers["x-docker-container-path-stat"] ?? "", "base64").toString();
    return JSON.parse(text) as Stat;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** The first bytes of a file: of an archive that holds only it, what comes after the header. */
async function headOf(container: Docker.Container, path: string): Promise<Buffer> {
  const archive = (await container.getArchive({ path })) as Readable;
  let bytes = Buffer.alloc(0);
  try {
    for await (const chunk of archive) {
      bytes = Buffer.concat([bytes, chunk as Buffer]);
      if (bytes.length >= 1024) break;
    }
  } finally {
    archive.destroy();
  }
  return bytes.subarray(512, 768);
}

/** The whole text of a small file of a container; undefined when there is none. */
export async function textIn(container: Docker.Container, path: string): Promise<string | undefined> {
  if ((await statIn(container, path)) === undefined) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of (await container.getArchive({ path })) as Readable) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const size = Number.parseInt(bytes.toString("latin1", 124, 136), 8);
  return Number.isNaN(size) ? undefined : bytes.toString("utf8", 512, 512 + size);
}

/**
 * Looks at what an image has at guest paths: for each a stand-in is made below `folder` (new) with its mode and first bytes. What was
 * seen once is not asked for again.
 */
export function lookIn(container: Docker.Container, folder: HostPath): Find {
  const seen = new Map<string, Promise<string>>();
  const look = async (path: string, name: string, links = 0): Promise<string> => {
    const stat = await statIn(container, path);
    if (stat === undefined || links > 40) return "nothing";
    if (has(stat.mode, link)) return look(stat.linkTarget, name, links + 1);
    const stand = under(folder, name);
    await mkdir(folder, { recursive: true });
    if (has(stat.mode, directory)) await mkdir(stand);
    else await writeFile(stand, await headOf(container, path));
    await chmod(stand, (stat.mode & 0o777) | 0o400);
    return stand;
  };
  return (path) => {
    const found = seen.get(path) ?? look(path, String(seen.size));
    seen.set(path, found);
    return found;
  };
}
