declare const bytes: unique symbol;

/**
 * A name as the file system and a tar hold it: bytes, one char (U+0000 to U+00FF) for each. So names that are not UTF-8
 * survive, lengths are lengths in bytes, and the order of JavaScript strings is the order of bytes.
 */
export type ByteString = string & { readonly [bytes]: true };

const ascii = /^[\u0000-\u007f]*$/;

/** The bytes of a text in UTF-8; a lone surrogate becomes the replacement character. */
export function byteString(text: string): ByteString {
  return (ascii.test(text) ? text : Buffer.from(text, "utf8").toString("latin1")) as ByteString;
}

/** The text a name spells; bytes that are not UTF-8 become the replacement character. */
export function textOf(name: string): string {
  return ascii.test(name) ? name : Buffer.from(name, "latin1").toString("utf8");
}

/** The name to put before a person: what a terminal would obey is spelled out, what is very long is cut. */
export function shown(name: string): string {
  const text = textOf(name.length > 400 ? `${name.slice(0, 400)}...` : name);
  return text.replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** The same name as `node:fs` takes it, whatever its bytes. */
export function systemPath(name: string): string | Buffer {
  return ascii.test(name) ? name : Buffer.from(name, "latin1");
}
