// Serves the files under a directory: `node server.mjs <directory>`, on $PORT. Files do not change while it runs.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, sep } from "node:path";
import { pipeline } from "node:stream";

const types = {
  ".avif": "image/avif",
  ".css": "text/css; charset=utf-8",
  ".csv": "text/csv; charset=utf-8",
  ".gif": "image/gif",
  ".htm": "text/html; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ico": "image/x-icon",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".md": "text/markdown; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".mp3": "audio/mpeg",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".txt": "text/plain; charset=utf-8",
  ".wasm": "application/wasm",
  ".webm": "video/webm",
  ".webmanifest": "application/manifest+json",
  ".webp": "image/webp",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
  ".xml": "application/xml",
};

const root = await realpath(process.argv[2] ?? ".");
const tags = new Map();

const server = createServer((request, response) => {
  answer(request, response).catch((error) => {
    console.error(`${request.method} ${request.url}: ${error.message}`);
    if (response.headersSent) response.destroy();
    else reply(response, 500, "Internal Server Error\n");
  });
});

async function answer(request, response) {
  if (request.method !== "GET" && request.method !== "HEAD") {
    return reply(response, 405, "Method Not Allowed\n", { allow: "GET, HEAD" });
  }
  const [, pathname, search] = /^([^?]*)(.*)$/.exec(request.url);
  const path = decoded(pathname);
  if (path === undefined) return reply(response, 400, "Bad Request\n");

  if (!isHidden(path)) {
    for (const candidate of path.endsWith("/") ? [`${path}index.html`] : [path, `${path}.html`]) {
      const file = await find(candidate);
      if (file) return send(request, response, 200, file);
    }
    if (await find(`${path}/index.html`)) {
      // One slash at the front: two would name another host.
      return reply(response, 301, "", { location: `${pathname.replace(/^\/+/, "/")}/${search}` });
    }
  }
  const routed = await find("/200.html");
  if (routed) return send(request, response, 200, routed);
  const missing = await find("/404.html");
  if (missing) return send(request, response, 404, missing);
  return reply(response, 404, "Not Found\n");
}

/** The path a URL means, or undefined when it cannot mean one. */
function decoded(pathname) {
  try {
    const path = decodeURIComponent(pathname);
    return path.startsWith("/") && !path.includes("\0") ? path : undefined;
  } catch {
    return undefined;
  }
}

function isHidden(path) {
  return path.split(/[\\/]/).some((part) => part.startsWith(".") && part !== ".well-known");
}

/** A regular file of the site by its path, followed through links but never out of the site. */
async function find(path) {
  try {
    const real = await realpath(join(root, path));
    if (!real.startsWith(root === sep ? sep : root + sep)) return undefined;
    const { size } = await stat(real).then((found) => (found.isFile() ? found : {}));
    return size === undefined ? undefined : { real, size };
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP", "EACCES"].includes(error.code)) return undefined;
    throw error;
  }
}

async function send(request, response, status, { real, size }) {
  const etag = await tagOf(real);
  const headers = {
    etag,
    "content-type": types[extname(real).toLowerCase()] ?? "application/octet-stream",
    "accept-ranges": "bytes",
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  };
  const known = (request.headers["if-none-match"] ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, ""));
  if (status === 200 && (known.includes(etag) || known.includes("*"))) {
    response.writeHead(304, headers);
    return response.end();
  }

  const whole = { start: 0, end: size - 1 };
  const range = status === 200 ? rangeOf(request.headers, etag, size) : undefined;
  if (range === "unsatisfiable") {
    return reply(response, 416, "Range Not Satisfiable\n", { "content-range": `bytes */${size}` });
  }
  const { start, end } = range ?? whole;
  const partial = range && { "content-range": `bytes ${start}-${end}/${size}` };
  response.writeHead(range ? 206 : status, { ...headers, ...partial, "content-length": end - start + 1 });
  if (request.method === "HEAD" || size === 0) return response.end();
  // A client that goes away ends the stream; there is nobody left to tell.
  pipeline(createReadStream(real, { start, end }), response, () => {});
}

/** The one range a request asks for, "unsatisfiable", or undefined for the whole file: several ranges are not served. */
function rangeOf({ range, "if-range": condition }, etag, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? "");
  if (!match || match[0] === "bytes=-" || (condition && condition !== etag)) return undefined;
  const [, first, last] = match;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  return start >= size || start > end ? "unsatisfiable" : { start, end };
}

/** The tag of a file's content, the same in every copy of the image. */
async function tagOf(file) {
  if (!tags.has(file)) {
    const hash = createHash("sha256");
    const handle = await open(file);
    for await (const chunk of handle.createReadStream()) hash.update(chunk);
    tags.set(file, `"${hash.digest("base64url").slice(0, 22)}"`);
  }
  return tags.get(file);
}

function reply(response, status, text, headers = {}) {
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    ...headers,
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.once(signal, () => {
    server.close();
    server.closeIdleConnections?.();
  });
}
server.listen(Number(process.env.PORT ?? 8080), () => console.log(`Serving ${root} on port ${server.address().port}`));
