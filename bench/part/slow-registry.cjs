// A registry in memory that lets every request wait for as many milliseconds as it was told; it prints its port. Started by fleet.ts.
const { createHash, randomUUID } = require("node:crypto");
const { createServer } = require("node:http");

const blobs = new Map();
const repositories = new Map();
const uploads = new Map();
let delay = 0;
let count = 0;

function repositoryAt(name) {
  const found = repositories.get(name) ?? { blobs: new Set(), manifests: new Map() };
  repositories.set(name, found);
  return found;
}

function keep(repository, bytes) {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  blobs.set(digest, bytes);
  repository.blobs.add(digest);
  return digest;
}

function putManifest(repository, reference, type, bytes) {
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  for (const name of [reference, digest]) repository.manifests.set(name, { type, bytes, digest });
  return digest;
}

/** Makes repositories `to`0, `to`1, …, each with an image like that in `from` but for one label. */
function clone(from, to, number) {
  const source = repositoryAt(from);
  const { type, bytes } = source.manifests.get("latest");
  const manifest = JSON.parse(bytes);
  const config = JSON.parse(blobs.get(manifest.config.digest));
  for (let at = 0; at < number; at += 1) {
    const repository = repositoryAt(`${to}${at}`);
    for (const layer of manifest.layers) repository.blobs.add(layer.digest);
    config.config.Labels["bench.number"] = String(at);
    const text = Buffer.from(JSON.stringify(config));
    const own = { ...manifest, config: { ...manifest.config, digest: keep(repository, text), size: text.length } };
    putManifest(repository, "latest", type, Buffer.from(JSON.stringify(own)));
  }
}

function answer(method, url, body, type) {
  const path = url.pathname;
  if (path === "/-/delay") delay = Number(url.searchParams.get("ms"));
  if (path === "/-/clone")
    clone(url.searchParams.get("from"), url.searchParams.get("to"), Number(url.searchParams.get("count")));
  if (path.startsWith("/-/")) return { status: 200, body: JSON.stringify({ count }) };
  count += 1;
  if (path === "/v2/") return { status: 200 };
  const [, name, kind, rest] = /^\/v2\/(.+?)\/(manifests|blobs|tags|referrers)\/(.*)$/.exec(path) ?? [];
  const repository = repositoryAt(name);
  if (kind === "manifests" && method === "PUT")
    return { status: 201, headers: { "docker-content-digest": putManifest(repository, rest, type, body) } };
  if (kind === "manifests") {
    const found = repository.manifests.get(rest);
    if (!found) return { status: 404 };
    return {
      status: 200,
      body: found.bytes,
      headers: { "content-type": found.type, "docker-content-digest": found.digest },
    };
  }
  if (kind === "blobs" && method === "POST") {
    const [mount, from] = [url.searchParams.get("mount"), url.searchParams.get("from")];
    if (mount && repositories.get(from)?.blobs.has(mount)) {
      repository.blobs.add(mount);
      return { status: 201, headers: { "docker-content-digest": mount, location: `/v2/${name}/blobs/${mount}` } };
    }
    const id = randomUUID();
    uploads.set(id, []);
    return { status: 202, headers: { location: `/v2/${name}/blobs/uploads/${id}`, range: "0-0" } };
  }
  if (kind === "blobs" && rest.startsWith("uploads/")) {
    const id = rest.slice("uploads/".length);
    const parts = uploads.get(id);
    parts.push(body);
    if (method === "PATCH") return { status: 202, headers: { location: path } };
    uploads.delete(id);
    return { status: 201, headers: { "docker-content-digest": keep(repository, Buffer.concat(parts)) } };
  }
  if (kind === "blobs" && repository.blobs.has(rest)) return { status: 200, body: blobs.get(rest) };
  return { status: 404 };
}

const server = createServer((request, response) => {
  const parts = [];
  request.on("data", (part) => parts.push(part));
  request.on("end", () => {
    const url = new URL(request.url, "http://registry");
    const {
      status,
      body,
      headers = {},
    } = answer(request.method, url, Buffer.concat(parts), request.headers["content-type"]);
    const reply = () => {
      response.writeHead(status, { ...headers, "content-length": body === undefined ? 0 : Buffer.byteLength(body) });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (url.pathname.startsWith("/-/") || delay === 0) reply();
    else setTimeout(reply, delay);
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
