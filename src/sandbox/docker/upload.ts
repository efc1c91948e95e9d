import { lstat } from "node:fs/promises";
import { Readable } from "node:stream";
import type Docker from "dockerode";
import { layerItem } from "../../tar/entry.ts";
import { type ByteString, byteString } from "../../tar/name.ts";
import { walkTree } from "../../tar/walk.ts";
import { type TarItem, writeTar } from "../../tar/write.ts";
import type { Ids } from "../account.ts";
import type { Mount } from "../contract.ts";

// What is for reading only belongs to root, so that a job cannot write to it.
const root: Ids = { uid: 0, gid: 0 };

async function* itemsOf(mounts: readonly Mount[], user: Ids): AsyncGenerator<TarItem> {
  for (const { host, guest, access } of mounts) {
    const owner = access === "rw" ? user : root;
    // The mounted thing itself may be a link.
    const isFolder = (await lstat(host)).isDirectory();
    const entries = isFolder ? walkTree(host) : [{ path: "" as ByteString, stats: await lstat(host) }];
    for await (const { path, stats } of entries) {
      const below = path === "" ? "" : `/${path}`;
      const name = `${byteString(guest.slice(1))}${below}` as ByteString;
      const item = layerItem(`${byteString(host)}${below}` as ByteString, name, stats, owner);
      // Tools compare times, so these are the real ones.
      if (item) yield { ...item, header: { ...item.header, mtime: Math.floor(stats.mtimeMs / 1000) } };
    }
  }
}

/** Puts what mounts show into a container, over what is there. */
export async function upload(container: Docker.Container, mounts: readonly Mount[], user: Ids): Promise<void> {
  await container.putArchive(Readable.from(writeTar(itemsOf(mounts, user)), { objectMode: false }), { path: "/" });
}
