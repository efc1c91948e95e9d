import type { ByteStream, Bytes } from "../std/byte.ts";
import { layerTime } from "./entry.ts";
import { blockSize, encodeHeader, type TarHeader } from "./header.ts";
import { attributeKey, encodeRecord } from "./pax.ts";
import { readTar } from "./read.ts";

/** Files that engines put where they mount their own; nothing a Dockerfile does can reach them. */
const mountPoints = new Set(["etc/hostname", "etc/hosts", "etc/resolv.conf"]);

function isMountPoint({ name, type, size }: TarHeader): boolean {
  return type === "file" && size === 0 && mountPoints.has(name.replace(/^(\.?\/)+/, ""));
}

function attributesOf({ attributes = new Map<string, string>() }: TarHeader): string {
  const keys = [...attributes.keys()].sort((a, b) => (a < b ? -1 : 1));
  return keys.map((key) => encodeRecord(attributeKey + key, attributes.get(key)!)).join("");
}

/**
 * A layer that another tool made, as we would have made it: the time of layers on every entry, owners by number only, without the empty files engines
 * leave in /etc; modes, owners, attributes and the order stay. Throws the faults of `readTar`.
 */
export async function* normalTar(bytes: Bytes, signal?: AbortSignal): ByteStream {
  for await (const { header, content } of readTar(bytes)) {
    signal?.throwIfAborted();
    if (isMountPoint(header)) continue;
    const { uname: _, gname: __, ...rest } = header;
    yield encodeHeader({ ...rest, mtime: layerTime }, attributesOf(header));
    yield* content;
    const over = header.size % blockSize;
    if (over > 0) yield Buffer.alloc(blockSize - over);
  }
  yield Buffer.alloc(2 * blockSize);
}
