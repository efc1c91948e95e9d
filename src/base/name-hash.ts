import { createHash } from "node:crypto";
import { Fault } from "../std/fault.ts";

/** One element of DER: its tag, its value, and all of it. */
interface Element {
  readonly tag: number;
  readonly value: Buffer;
  readonly whole: Buffer;
}

/** The elements that follow each other in these bytes; throws Fault `base.certificate` when they are not DER. */
function elementsOf(bytes: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    let length = bytes[at + 1] ?? 0x80;
    let start = at + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) throw broken();
      start += count;
      if (start > bytes.length) throw broken();
      length = bytes.readUIntBE(start - count, count);
    }
    if (start + length > bytes.length) throw broken();
    elements.push({ tag, value: bytes.subarray(start, start + length), whole: bytes.subarray(at, start + length) });
    at = start + length;
  }
  return elements;
}

function broken(): Fault {
  return new Fault("base.certificate", "Cannot read a certificate: it is not DER");
}

function encode(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

const utf8String = 0x0c;
const wide = (value: Buffer, width: 2 | 4) =>
  Array.from({ length: value.length / width }, (_, at) =>
    String.fromCodePoint(value.readUIntBE(at * width, width)),
  ).join("");

/** How the text in each kind of string is encoded; other kinds are compared as they are. */
const texts: Readonly<Record<number, (value: Buffer) => string>> = {
  [utf8String]: (value) => value.toString("utf8"),
  19: (value) => value.toString("latin1"), // PrintableString
  20: (value) => value.toString("latin1"), // TeletexString
  22: (value) => value.toString("latin1"), // IA5String
  26: (value) => value.toString("latin1"), // VisibleString
  28: (value) => wide(value, 4), // UniversalString
  30: (value) => wide(value, 2), // BMPString
};

function canonicalAttribute({ value }: Element): Buffer {
  const [type, content] = elementsOf(value);
  if (!type || !content) throw broken();
  const text = texts[content.tag]?.(content.value);
  if (text === undefined) return encode(0x30, Buffer.concat([type.whole, content.whole]));
  const folded = text
    .replace(/^[ \t-\r]+|[ \t-\r]+$/g, "")
    .replace(/[ \t-\r]+/g, " ")
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  return encode(0x30, Buffer.concat([type.whole, encode(utf8String, Buffer.from(folded))]));
}

function subjectOf(der: Buffer): Element {
  const [certificate] = elementsOf(der);
  const [body] = certificate ? elementsOf(certificate.value) : [];
  const fields = body ? elementsOf(body.value) : [];
  // version (optional, tagged 0), serial number, signature, issuer, validity, subject
  const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (!subject) throw broken();
  return subject;
}

/**
 * The name under which OpenSSL looks a certificate up in a directory: eight hex digits over its subject in canonical form (what
 * `openssl x509 -subject_hash` prints). `der` is the certificate. Throws Fault `base.certificate` when it is none.
 */
export function subjectHash(der: Buffer): string {
  const sets = elementsOf(subjectOf(der).value).map(({ value }) => {
    const attributes = elementsOf(value).map(canonicalAttribute);
    return encode(0x31, Buffer.concat(attributes.sort(Buffer.compare)));
  });
  const digest = createHash("sha1").update(Buffer.concat(sets)).digest();
  return digest.readUInt32LE(0).toString(16).padStart(8, "0");
}
