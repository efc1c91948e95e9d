import { corrupt, sparse } from "./fault.ts";

/** No PAX extension, and no long name of GNU tar, is longer than this many bytes. */
export const maxExtension = 1 << 20;

/** One record of a PAX extension: `<length> <key>=<value>\n`, the length counting all of it; value is a byte string. */
export function encodeRecord(key: string, value: string): string {
  const rest = key.length + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** What the key of a record about an extended attribute begins with; its value may be any bytes. */
export const attributeKey = "SCHILY.xattr.";

/** The keys that say something about an entry; all others are left aside. */
const known = new Set(["path", "linkpath", "size", "uid", "gid", "mtime", "uname", "gname"]);

/**
 * The records of a PAX extension (a byte string) that matter here; the last of two with one key counts. Throws Fault
 * `tar.corrupt`.
 */
export function decodeRecords(text: string): Map<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const digits = /^[0-9]{1,7}/.exec(text.slice(at, at + 8))?.[0] ?? "";
    const end = at + Number(digits);
    const start = at + digits.length + 1;
    const equals = text.indexOf("=", start);
    if (text[start - 1] !== " " || text[end - 1] !== "\n" || end <= start || equals <= start || equals >= end)
      throw corrupt("a PAX record is malformed");
    const key = text.slice(start, equals);
    // A sparse file's content is a map and pieces: taken for the file itself it would be silently wrong.
    if (key.startsWith("GNU.sparse.")) throw sparse();
    const value = text.slice(equals + 1, end - 1);
    if (known.has(key) || key.startsWith(attributeKey)) {
      if (known.has(key) && value.includes("\0")) throw corrupt(`the PAX record ${key} holds a NUL byte`);
      records.set(key, value);
    }
    at = end;
  }
  return records;
}
