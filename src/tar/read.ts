import type { ByteStream, Bytes } from "../std/byte.ts";
import { decodeBlock, isZero, type RawHeader, typeOf } from "./block.ts";
import { corrupt, sparse, truncated, unsupported } from "./fault.ts";
import { blockSize, type TarHeader } from "./header.ts";
import type { ByteString } from "./name.ts";
import { attributeKey, decodeRecords, maxExtension } from "./pax.ts";
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

const whole = /^-?[0-9]+$/;
const decimal = /^-?[0-9]+(\.[0-9]*)?$/;

function numberOf(key: string, value: string | undefined, otherwise: number): number {
  if (value === undefined || value === "") return otherwise;
  const found = Math.floor(Number(value));
  if (!(key === "mtime" ? decimal : whole).test(value) || !Number.isSafeInteger(found))
    throw corrupt(`the PAX record ${key} is ${JSON.stringify(value)}`);
  return found;
}

/**
 * A header with everything that was said about it: records of its own, records of the archive, long names, its own
 * block.
 */
function settle(raw: RawHeader, own: Extension, global: Records): TarHeader {
  // An empty value takes back what records before it said: then long names and the block count.
  const record = (key: string) => own.local.get(key) ?? global.get(key);
  const text = (key: string, otherwise: string) => (record(key) || otherwise) as ByteString;
  const number = (key: string, otherwise: number) => numberOf(key, record(key), otherwise);
  const name = text("path", own.longName ?? raw.name);
  const uname = text("uname", raw.uname ?? "");
  const gname = text("gname", raw.gname ?? "");
  const size = number("size", raw.size);
  const attributes = [...own.local].filter(([key]) => key.startsWith(attributeKey));
  const type = typeOf(raw.flag, name);
  if (raw.flag === "S") throw sparse();
  if (type === undefined) throw unsupported(name, `its type flag is ${JSON.stringify(raw.flag)}`);
  if (size < 0) throw corrupt(`an entry claims ${size} bytes`);
  return {
    name,
    type,
    mode: raw.mode,
    uid: number("uid", raw.uid),
    gid: number("gid", raw.gid),
    size: type === "file" ? size : 0,
    mtime: number("mtime", raw.mtime),
    link: text("linkpath", own.longLink ?? raw.link),
    ...(uname !== "" && { uname }),
    ...(gname !== "" && { gname }),
    devMajor: raw.devMajor,
    devMinor: raw.devMinor,
    ...(attributes.length > 0 && {
      attributes: new Map(attributes.map(([key, value]) => [key.slice(attributeKey.length), value])),
    }),
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
 * The entries of a tar archive (USTAR, PAX, GNU, and the form before them), one at a time and in order, whatever its
 * size. All bytes are taken, those behind the end mark too. Throws Fault `tar.truncated` when the bytes end before the
 * archive, `tar.corrupt` when they are no archive, `tar.unsupported` for sparse files and unknown kinds of entries.
 */
export async function* readTar(bytes: Bytes): AsyncGenerator<TarEntry> {
  const source = new ByteSource(bytes, truncated);
  const global: Records = new Map();
  try {
    for (;;) {
      const header = await nextHeader(source, global);
      if (header === undefined) return;
      let left = header.size;
      let passed = false;
      const content = (async function* () {
        while (left > 0) {
          if (passed) throw new RangeError("the content of an entry has to be read before the next entry is asked for");
          const part = await source.some(left);
          if (part === undefined) throw truncated(`the bytes end ${left} too early`, source.position);
          left -= part.length;
          yield part;
        }
      })();
      yield { header, content };
      passed = true;
      await source.skip(left + paddingOf(header.size));
    }
  } finally {
    await source.close();
  }
}
