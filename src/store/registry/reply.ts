import type { Readable } from "node:stream";
import { collect } from "../../std/byte.ts";
import { isObject } from "../../std/json.ts";

/** An answer whose body is still to come: read it or `discard` it. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Readable;
  /** Where it came from, after redirects. */
  readonly url: URL;
}

/** One error as a registry writes it (distribution spec, "Error Codes"). */
export interface RegistryError {
  readonly code: string;
  readonly message: string;
}

/** The longest explanation of an error that is read, in bytes. */
const errorLimit = 64 * 1024;
/** The longest explanation that is shown, in characters. */
const shownLimit = 300;

/** All values of a header. */
export function headerValues(reply: Reply, name: string): readonly string[] {
  const value = reply.headers[name];
  if (value === undefined) return [];
  return typeof value === "string" ? [value] : value;
}

/** The value of a header, the first one if there are several. */
export function headerOf(reply: Reply, name: string): string | undefined {
  return headerValues(reply, name)[0];
}

/** Reads the rest of a short body and throws it away, so that its connection can be used again; a long one is cut off. */
export async function discard(reply: Reply): Promise<void> {
  await bodyOf(reply, errorLimit).catch(() => undefined);
}

/** The whole body; throws RangeError beyond `limit` bytes. */
export async function bodyOf(reply: Reply, limit: number): Promise<Buffer> {
  try {
    return await collect(reply.body, limit);
  } finally {
    // A body that was cut off tells so with an error nobody waits for any more.
    reply.body.on("error", () => undefined).destroy();
  }
}

/** What is printable of a text from outside, on one line and not endless. */
export function printable(text: string): string {
  const line = text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, " ")
    .trim()
    .replace(/\.$/, "");
  return line.length > shownLimit ? `${line.slice(0, shownLimit)}…` : line;
}

/** The errors in the body of a refusal; none when it explains nothing we understand. */
export function parseErrors(body: string): RegistryError[] {
  let document: unknown;
  try {
    document = JSON.parse(body);
  } catch {
    return [];
  }
  const errors = isObject(document) ? document["errors"] : undefined;
  if (!Array.isArray(errors)) return [];
  return errors.filter(isObject).map((error) => ({
    code: typeof error["code"] === "string" ? printable(error["code"]) : "",
    message: typeof error["message"] === "string" ? printable(error["message"]) : "",
  }));
}

/** What a refusal says in its body, for people; empty when it is a page or says nothing. */
export async function readRefusal(
  reply: Reply,
): Promise<{ readonly errors: readonly RegistryError[]; readonly text: string }> {
  const body = await bodyOf(reply, errorLimit).catch(() => Buffer.alloc(0));
  const errors = parseErrors(body.toString());
  if (errors.length > 0) {
    const said = errors.map(({ code, message }) => (message && message !== code ? `${code} (${message})` : code));
    return { errors, text: printable(said.join(", ")) };
  }
  const isText = !/html/.test(headerOf(reply, "content-type") ?? "");
  return { errors, text: isText ? printable(body.toString()) : "" };
}
