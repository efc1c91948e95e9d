import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer as createPlain, type Server } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { proxySettingsOf } from "../../src/store/registry/proxy.ts";
import { Bench } from "../support/flow.ts";
import { peer } from "../support/peer.ts";

const bench = new Bench();
const folder = join(bench.root, "ca");
const ca = join(folder, "ca.pem");
const asked: string[] = [];
let server: Server;
let proxy: Server;
let port: number;
let proxyPort: number;

const portOf = (listening: Server) => (listening.address() as AddressInfo).port;
const listen = (it: Server) => new Promise<void>((resolve) => it.listen(0, "127.0.0.1", resolve));

function openssl(...words: string[]): void {
  execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
}

async function start(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await bench.runImage();
  const subject = (name: string) => ["-subj", `/CN=${name}`, "-nodes", "-newkey", "rsa:2048", "-days", "2"];
  openssl("req", "-x509", ...subject("Company CA"), "-keyout", "ca.key", "-out", "ca.pem");
  openssl("req", ...subject("company.test"), "-keyout", "server.key", "-out", "server.csr");
  writeFileSync(join(folder, "names"), "subjectAltName=DNS:company.test,DNS:localhost,IP:127.0.0.1\n");
  openssl(
    "x509",
    "-req",
    "-in",
    "server.csr",
    "-CA",
    "ca.pem",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "2",
    "-extfile",
    "names",
    "-out",
    "server.pem",
  );
  const tls = { key: readFileSync(join(folder, "server.key")), cert: readFileSync(join(folder, "server.pem")) };
  server = createServer(tls, (request, response) =>
    response.end(`inside ${request.headers.host?.split(":")[0]}\n`),
  ) as never;
  // The only way to company.test, a name nobody can look up.
  proxy = createPlain();
  proxy.on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    const upstream = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(socket).pipe(upstream);
    });
    for (const end of [upstream, socket]) end.on("error", () => end.destroy());
  });
  await listen(server);
  await listen(proxy);
  [port, proxyPort] = [portOf(server), portOf(proxy)];
}

let started: Promise<void> | undefined;

/** The company's server and proxy, started by the first test. */
async function network(test: { skip(note?: string): never }): Promise<void> {
  peer("openssl", test);
  started ??= start();
  await started;
}
afterAll(() => {
  server?.close();
  proxy?.close();
});

const has = (program: string) => ["/usr/bin", "/bin", "/usr/local/bin"].some((path) => existsSync(join(path, program)));

/** Asks with every program that is there, and says with which it worked. */
function askAll(url: string): string {
  const node = `fetch("${url}").then((r) => r.text()).then(() => console.log("node works"), (e) => console.log("node fails " + e.cause?.code))`;
  const java =
    'public class Ask { public static void main(String[] a) throws Exception { new java.net.URL(a[0]).openStream().read(); System.out.println("java works"); } }';
  return [
    "set +e",
    has("curl") ? `curl -fsS ${url} >/dev/null 2>&1 && echo curl works || echo curl fails` : "",
    has("git") ? `git ls-remote ${url}repository 2>&1 | grep -qi certificate && echo git fails || echo git works` : "",
    `node -e '${node}'`,
    has("java") && has("javac")
      ? `cd /tmp && printf '%s' '${java}' >Ask.java && java Ask.java ${url} 2>/dev/null || echo java fails`
      : "",
    "exit 0",
  ].join("\n");
}

const expected = (word: "works" | "fails", more: readonly string[]) =>
  ["curl", "git"]
    .filter(has)
    .concat(more)
    .map((name) => `${name} ${word}`);

describe("a build in a company's network", () => {
  it("trusts the company's certificates when it is asked to, and not otherwise", async (test) => {
    await network(test);
    const ask = bench.buildpack({ id: "test/ask", build: askAll(`https://localhost:${port}/`) });
    const before = await bench.build([ask], { image: "without" });
    expect(before.fault).toBeUndefined();
    expect(before.output.split("\n")).toEqual(expect.arrayContaining(expected("fails", [])));
    expect(before.output).toMatch(/node fails/);
    const after = await bench.build([ask], { image: "with", caCertificates: [ca] });
    expect(after.fault).toBeUndefined();
    expect(after.output.split("\n")).toEqual(
      expect.arrayContaining(expected("works", ["node", ...(has("java") && has("javac") ? ["java"] : [])])),
    );
    expect(after.report?.imageId).toBe(before.report?.imageId);
  });

  it("trusts what this machine trusts", async (test) => {
    await network(test);
    const ask = bench.buildpack({ id: "test/ask", build: askAll(`https://localhost:${port}/`) });
    const outside = { env: { SSL_CERT_FILE: ca } };
    const outcome = await bench.build([ask], { image: "host", caCertificates: ["host"], outside });
    expect(outcome.output.split("\n")).toEqual(expect.arrayContaining(expected("works", ["node"])));
  });

  it("gives them as a binding, too, of one certificate a file, and to buildpacks that clear their environment", async (test) => {
    await network(test);
    const look = bench.buildpack({
      id: "test/look",
      info: "clear-env = true",
      build:
        'cd $CNB_PLATFORM_DIR/bindings/ca-certificates; ls; cat type; echo; cat *.pem; echo "$SSL_CERT_FILE"; grep -c BEGIN $SSL_CERT_FILE',
    });
    writeFileSync(
      join(folder, "twice.pem"),
      `a comment\n${readFileSync(ca, "utf8")}${readFileSync(join(folder, "server.pem"), "utf8")}`,
    );
    const { output } = await bench.build([look], { image: "binding", caCertificates: [join(folder, "twice.pem"), ca] });
    const lines = output.split("\n");
    expect(lines.slice(0, 4)).toEqual(["ca-1.pem", "ca-2.pem", "type", "ca-certificates"]);
    expect(output).toContain(readFileSync(ca, "utf8").trim());
    expect(lines.at(-3)).toBe("/platform/ca-certificates/bundle.pem");
    expect(Number(lines.at(-2))).toBeGreaterThan(100);
  });

  it("goes through the proxies when it is asked to, and not otherwise", async (test) => {
    await network(test);
    peer("curl", test);
    const url = "https://company.test/";
    const ask = bench.buildpack({
      id: "test/proxied",
      build: `curl -fsS ${url} || echo no way\necho "$http_proxy $HTTP_PROXY $no_proxy $NO_PROXY"\necho "$JAVA_TOOL_OPTIONS"`,
    });
    const env = {
      HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`,
      http_proxy: "http://plain.test:8080",
      NO_PROXY: "localhost,.inside.test",
    };
    const direct = await bench.build([ask], { image: "direct", caCertificates: [ca], outside: { env } });
    expect(direct.output).toContain("no way\n   \n");
    expect(asked).toEqual([]);
    const proxied = await bench.build([ask], { image: "proxied", caCertificates: [ca], proxies: proxySettingsOf(env) });
    expect(proxied.output.split("\n").slice(0, 2)).toEqual([
      "inside company.test",
      "http://plain.test:8080 http://plain.test:8080 localhost,.inside.test localhost,.inside.test",
    ]);
    expect(proxied.output).toContain(
      `-Dhttp.proxyHost=plain.test -Dhttp.proxyPort=8080 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=${proxyPort} ` +
        "-Dhttp.nonProxyHosts=localhost|*.localhost|*.inside.test",
    );
    expect(asked).toEqual(["company.test:443"]);
    expect(proxied.report?.imageId).toBe(direct.report?.imageId);
  });

  it("leaves nothing of it in the image, its cache or anything that is kept", async (test) => {
    await network(test);
    const keep = bench.buildpack({
      id: "test/keep",
      build:
        "mkdir -p $CNB_LAYERS_DIR/x; echo x >$CNB_LAYERS_DIR/x/x; printf '[types]\\nlaunch = true\\ncache = true\\nbuild = true\\n' >$CNB_LAYERS_DIR/x.toml",
    });
    const proxies = { https: "http://of-the-company.test:1" };
    const outcome = await bench.build([keep], { image: "kept", caCertificates: [ca], proxies });
    expect(outcome.fault).toBeUndefined();
    const marks = [readFileSync(ca, "latin1").split("\n")[3]!, "of-the-company.test", "ca-certificates"];
    const files = readdirSync(bench.home, { recursive: true, encoding: "utf8" })
      .map((name) => join(bench.home, name))
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
    const found = files.filter((path) => {
      const content = readFileSync(path, "latin1");
      return marks.some((mark) => content.includes(mark));
    });
    expect(files.length).toBeGreaterThan(10);
    expect(found).toEqual([]);
  });

  it.each([
    ["missing.pem", undefined, /there is no such file/],
    ["none.pem", "no certificate\n", /there are none in PEM form/],
  ])("refuses %s before anything is built", async (name, content, because) => {
    mkdirSync(folder, { recursive: true });
    await bench.runImage();
    if (content !== undefined) writeFileSync(join(folder, name), content);
    const outcome = await bench.build([], { image: "refused", caCertificates: [join(folder, name)] });
    expect(outcome.fault).toMatchObject({
      code: "certificates.read",
      exit: "usage",
      message: expect.stringMatching(because),
    });
  });
});
