import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Dispatcher } from "undici";
import { Fault, reasonOf } from "../std/fault.ts";
import { kindOf, readText } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";

/** How files are downloaded. */
export interface DownloadSettings {
  /** Files are kept below this directory, by the SHA-256 of their URL, each beside the mark by which its server knows whether it changed. */
  readonly cache: HostPath;
  readonly connectTo: (url: URL) => Promise<Dispatcher>;
  readonly signal?: AbortSignal | undefined;
}

const maxRedirects = 10;

function refuse(url: string, found: string, cause?: unknown): never {
  throw new Fault("download.failed", `Cannot download ${shownUrl(url)}: ${found}`, { cause });
}

/** A URL without the user and password it may carry. */
function shownUrl(text: string): string {
  const url = new URL(text);
  [url.username, url.password] = ["", ""];
  return url.href;
}

async function ask(text: string, etag: string | undefined, settings: DownloadSettings) {
  let url = new URL(text);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    const server = await settings.connectTo(url);
    const answer = await server.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: "GET",
      ...(etag && { headers: { "if-none-match": etag } }),
      ...(settings.signal && { signal: settings.signal }),
    });
    const { location } = answer.headers;
    if (answer.statusCode < 300 || answer.statusCode === 304 || typeof location !== "string") return answer;
    await answer.body.dump();
    const next = new URL(location, url);
    if (url.protocol === "https:" && next.protocol !== "https:")
      refuse(text, `it leads to ${next.origin}, without TLS`);
    url = next;
  }
  return refuse(text, `it leads on more than ${maxRedirects} times`);
}

/**
 * The file at a URL: the one that was downloaded before, if its server says that it is still the same. Throws Fault `download.failed`; nothing of
 * a file that was cut short is kept.
 */
export async function download(url: string, settings: DownloadSettings): Promise<HostPath> {
  const { cache, signal } = settings;
  const key = createHash("sha256").update(url).digest("hex");
  const [file, mark] = [under(cache, key), under(cache, `${key}.etag`)];
  const fresh = under(cache, `.${key}-${randomUUID()}`);
  try {
    await mkdir(cache, { recursive: true });
    const known = (await kindOf(file)) === "file" ? await readText(mark) : undefined;
    const { statusCode, headers, body } = await ask(url, known, settings);
    if (statusCode === 304) {
      await body.dump();
      return file;
    }
    if (statusCode !== 200) refuse(url, `its server answered ${statusCode}`);
    await pipeline(Readable.from(body), createWriteStream(fresh), { signal: signal ?? new AbortController().signal });
    await rename(fresh, file);
    const { etag } = headers;
    await writeFile(mark, typeof etag === "string" ? etag : "");
    return file;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof Fault) throw error;
    return refuse(url, reasonOf(error), error);
  } finally {
    await rm(fresh, { force: true });
  }
}
