import type { ByteStream, Bytes } from "../std/byte.ts";
import { decodeBlock, isZero, type RawHeader, typeOf } from "./block.ts";
import { corrupt, sparse, truncated, unsupported } from "./fault.ts";
import { blockSize, type TarHeader } from "./header.ts";
import type { ByteString } from "./name.ts";
import { decodeRecords, maxExtension } from "./pax.ts";
import { ByteSource } from "./source.ts";

/** One entry of an archive that is being read. */
export interface TarEntry {
  readonly header: TarHeader;
  /** Exactly `header.size` bytes, to be read before the next entry is asked for; what is left unread is passed over. */
  readonly content: ByteStream;
}

/** What the blocks before an entry said about it. */
interface Extension {
  readonly local: Map<string, string>;
  readonly longName?: string;
  readonly longLink?: string;
}

type Records = Map<string, string>;

function paddingOf(size: number): number {
  return (blockSize - (size % blockSize)) % blockSize;
}

async function readExtension(source: ByteSource, raw: RawHeader): Promise<string> {
  if (raw.size < 0 || raw.size > maxExtension)
    throw corrupt(`the extension of a header claims ${raw.size} bytes`, source.position);
  const bytes = await source.exactly(raw.size + paddingOf(raw.size));
  if (bytes === undefined && raw.size > 0) throw truncated("the bytes end inside a header", source.position);
  return bytes?.toString("latin1", 0, raw.size) ?? "";
}

/** A header with everything that was said about it: records of its own, records of the archive, long names, its own block. */
function settle(raw: RawHeader, own: Extension, global: Records): TarHeader {
  // An empty value takes back what the archive's records or the block say; the block's text then serves.
  const text = (key: string): ByteString | undefined => (own.local.get(key) ?? global.get(key) ?? "") as ByteString;
  const number = (key: string, fallback: number, form: RegExp): number => {
    const value = text(key);
    if (value === "" || value === undefined) return fallback;
    const found = Math.floor(Number(value));
    if (!form.test(value) || !Number.isSafeInteger(found)) throw corrupt(`the PAX record ${key} is "${value}"`);
    return found;
  };
  const whole = /^-?[0-9]+$/;
  const name = text("path") || ((own.longName ?? raw.name) as ByteString);
  const type = typeOf(raw.flag, name);
  if (raw.flag === "S") throw sparse();
  if (type === undefined) throw unsupported(name, `its type flag is ${JSON.stringify(raw.flag)}`);
  const size = number("size", raw.size, whole);
  if (size < 0) throw corrupt(`an entry claims ${size} bytes`);
  const { flag: _, uname = "", gname = "", ...rest } = raw;
  const owners = { uname: text("uname") || uname, gname: text("gname") || gname };
  return {
    ...rest,
    name,
    type,
    uid: number("uid", raw.uid, whole),
    gid: number("gid", raw.gid, whole),
    size: type === "file" ? size : 0,
    mtime: number("mtime", raw.mtime, /^-?[0-9]+(\.[0-9]*)?$/),
    link: text("linkpath") || ((own.longLink ?? raw.link) as ByteString),
    ...(owners.uname !== "" && { uname: owners.uname as ByteString }),
    ...(owners.gname !== "" && { gname: owners.gname as ByteString }),
  };
}

function untilNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

async function atEnd(source: ByteSource): Promise<void> {
  const second = await source.exactly(blockSize);
  if (second !== undefined && !isZero(second))
    throw corrupt("a lone zero block stands between entries", source.position);
  await source.drain();
}

/** The next header; undefined after the mark of the end, when all bytes have been taken. */
async function nextHeader(source: ByteSource, global: Records): Promise<TarHeader | undefined> {
  let own: Extension = { local: new Map() };
  for (;;) {
    const block = await source.exactly(blockSize);
    if (block === undefined) throw truncated("the bytes end without the mark of an archive's end", source.position);
    if (isZero(block)) {
      await atEnd(source);
      return undefined;
    }
    const raw = decodeBlock(block);
    if (raw.flag === "x") own = { ...own, local: decodeRecords(await readExtension(source, raw)) };
    else if (raw.flag === "g")
      for (const [key, value] of decodeRecords(await readExtension(source, raw))) global.set(key, value);
    else if (raw.flag === "L") own = { ...own, longName: untilNul(await readExtension(source, raw)) };
    else if (raw.flag === "K") own = { ...own, longLink: untilNul(await readExtension(source, raw)) };
    else return settle(raw, own, global);
  }
}

/**
 * The entries of a tar archive (USTAR, PAX, GNU, and the form before them), one at a time and in order, whatever its size.
 * All bytes are taken, those behind the end mark too. Throws Fault `tar.truncated` when the bytes end before the archive,
 * `tar.corrupt` when they are no archive, `tar.unsupported` for sparse files and unknown kinds of entries.
 */
export async function* readTar(bytes: Bytes): AsyncGenerator<TarEntry> {
  const source = new ByteSource(bytes);
  const global: Records = new Map();
  try {
    for (;;) {
      const header = await nextHeader(source, global);
      if (header === undefined) return;
      let left = header.size;
      let current = true;
      const content = (async function* () {
        while (left > 0) {
          if (!current) throw new RangeError("the content of an entry is read before the next entry is asked for");
          const part = await source.some(left);
          if (part === undefined) throw truncated(`the bytes end ${left} too early`, source.position);
          left -= part.length;
          yield part;
        }
      })();
      yield { header, content };
      current = false;
      const skipped = left + paddingOf(header.size);
      left = 0;
      await source.skip(skipped);
    }
  } finally {
    await source.close();
  }
}
