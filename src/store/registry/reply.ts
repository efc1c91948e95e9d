import { isObject } from "../../std/json.ts";
import type { Answer } from "./answer.ts";

/** An answer to a request. */
export interface Reply extends Answer {
  /** Where it came from, after redirects. */
  readonly url: URL;
}

/** One error as a registry writes it (distribution spec, "Error Codes"). */
export interface RegistryError {
  readonly code: string;
  readonly message: string;
}

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
export function refusalIn(reply: Reply): { readonly errors: readonly RegistryError[]; readonly text: string } {
  const body = reply.body.toString();
  const errors = parseErrors(body);
  if (errors.length > 0) {
    const said = errors.map(({ code, message }) => (message && message !== code ? `${code} (${message})` : code));
    return { errors, text: printable(said.join(", ")) };
  }
  const isText = !/html/.test(headerOf(reply, "content-type") ?? "");
  return { errors, text: isText ? printable(body) : "" };
}
