import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildpacks, portOf } from "./lifecycle.ts";

let directory: string;
let server: ChildProcess;
let port: number;

const text = "0123456789abcdef";

function write(path: string, content: string): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), content);
}

function serve(): ChildProcess {
  const script = join(buildpacks, "static/lib/server.mjs");
  return spawn(process.execPath, [script, join(directory, "site")], {
    env: { PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "site-"));
  write("secret.txt", "outside");
  write("site/index.html", "<p>home</p>");
  write("site/about.html", "<p>about</p>");
  write("site/docs/index.html", "<p>docs</p>");
  write("site/404.html", "<p>missing</p>");
  write("site/data.txt", text);
  write("site/empty.css", "");
  write("site/a b/ü.json", "{}");
  write("site/.env", "SECRET=1");
  write("site/.git/config", "[core]");
  write("site/.well-known/security.txt", "Contact: nobody");
  symlinkSync("../secret.txt", join(directory, "site/leak.txt"));
  symlinkSync("data.txt", join(directory, "site/alias.txt"));
  server = serve();
  port = await portOf(server);
});

afterAll(async () => {
  server.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

/** Asks for a path as it is written: no client library tidies it up. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET") {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>((resolve, reject) => {
    const asked = request({ port, path, method, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asked.on("error", reject).end();
  });
}

describe("the server of plinth/static", () => {
  it.each([
    ["/", "<p>home</p>", "text/html; charset=utf-8"],
    ["/index.html?x=1", "<p>home</p>", "text/html; charset=utf-8"],
    ["/about", "<p>about</p>", "text/html; charset=utf-8"],
    ["/docs/", "<p>docs</p>", "text/html; charset=utf-8"],
    ["/a%20b/%C3%BC.json", "{}", "application/json"],
    ["/empty.css", "", "text/css; charset=utf-8"],
    ["/alias.txt", text, "text/plain; charset=utf-8"],
    ["/.well-known/security.txt", "Contact: nobody", "text/plain; charset=utf-8"],
  ])("answers %s", async (path, body, type) => {
    const answer = await ask(path);
    expect(answer).toMatchObject({ status: 200, body });
    expect(answer.headers).toMatchObject({
      "content-type": type,
      "content-length": String(Buffer.byteLength(body)),
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
    });
    expect(answer.headers).not.toHaveProperty("last-modified");
  });

  it("sends a directory without its slash there, and never to another host", async () => {
    expect(await ask("/docs?x=1")).toMatchObject({ status: 301, headers: { location: "/docs/?x=1" } });
    expect(await ask("//docs")).toMatchObject({ status: 301, headers: { location: "/docs/" } });
  });

  it.each([
    "/missing",
    "/secret.txt",
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/docs/..%2f..%2fsecret.txt",
    "/leak.txt",
    "/.env",
    "/.git/config",
    "/%2egit/config",
    "/docs",
  ])("gives nothing away at %s", async (path) => {
    const answer = await ask(path);
    expect(answer.body).not.toMatch(/outside|SECRET|core/);
    if (path !== "/docs") expect(answer).toMatchObject({ status: 404, body: "<p>missing</p>" });
  });

  it.each(["/%", "/%00", "/a%00.html", "/%ff", "index.html", "http://site/"])("refuses the path %s", async (path) => {
    expect(await ask(path)).toMatchObject({ status: 400 });
  });

  it("answers HEAD without a body and other methods with 405", async () => {
    const head = await ask("/data.txt", {}, "HEAD");
    expect(head).toMatchObject({ status: 200, body: "", headers: { "content-length": "16" } });
    expect(await ask("/data.txt", {}, "POST")).toMatchObject({ status: 405, headers: { allow: "GET, HEAD" } });
  });

  it("tags content, not files, and says when it has not changed", async () => {
    const { headers } = await ask("/data.txt");
    const etag = String(headers["etag"]);
    expect((await ask("/alias.txt")).headers["etag"]).toBe(etag);
    expect((await ask("/")).headers["etag"]).not.toBe(etag);
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      expect(await ask("/data.txt", { "if-none-match": tag })).toMatchObject({ status: 304, body: "" });
    }
    expect(await ask("/data.txt", { "if-none-match": '"other"' })).toMatchObject({ status: 200, body: text });
  });

  it.each([
    ["bytes=0-3", 206, "0123", "bytes 0-3/16"],
    ["bytes=10-", 206, "abcdef", "bytes 10-15/16"],
    ["bytes=-2", 206, "ef", "bytes 14-15/16"],
    ["bytes=-99", 206, text, "bytes 0-15/16"],
    ["bytes=4-99", 206, "456789abcdef", "bytes 4-15/16"],
    ["bytes=16-", 416, "Range Not Satisfiable\n", "bytes */16"],
    ["bytes=-0", 416, "Range Not Satisfiable\n", "bytes */16"],
    ["bytes=3-1", 200, text, undefined],
    ["bytes=0-1,4-5", 200, text, undefined],
    ["bytes=-", 200, text, undefined],
    ["lines=0-1", 200, text, undefined],
  ])("range %s", async (range, status, body, place) => {
    const answer = await ask("/data.txt", { range });
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers["content-range"]).toBe(place);
  });

  it("gives a range only of the version the client knows", async () => {
    const { headers } = await ask("/data.txt");
    const known = { range: "bytes=0-0", "if-range": String(headers["etag"]) };
    expect(await ask("/data.txt", known)).toMatchObject({ status: 206, body: "0" });
    expect(await ask("/data.txt", { ...known, "if-range": '"other"' })).toMatchObject({ status: 200, body: text });
  });

  it("routes everything unknown to 200.html where there is one", async () => {
    write("site/200.html", "<p>app</p>");
    expect(await ask("/any/route")).toMatchObject({ status: 200, body: "<p>app</p>" });
    rmSync(join(directory, "site/200.html"));
  });

  it("on SIGTERM finishes what it is sending and ends with 0", async () => {
    write("site/large.bin", "x".repeat(8 * 1024 * 1024));
    const other = serve();
    const client = connect(await portOf(other), "127.0.0.1");
    client.write("GET /large.bin HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let received = 0;
    await once(client, "readable");
    other.kill("SIGTERM");
    client.on("data", (chunk) => {
      received += chunk.length;
    });
    await Promise.all([once(client, "close"), once(other, "exit").then(([code]) => expect(code).toBe(0))]);
    expect(received).toBeGreaterThan(8 * 1024 * 1024);
  });
});
