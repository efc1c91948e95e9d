import { copyFileSync, mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { openRegistry, type RegistryOptions } from "../../../src/store/registry.ts";
import { quickClock } from "../../support/clock.ts";
import { isInstalled } from "../../support/peer.ts";
import { type RunningRegistry, startRegistry } from "../../support/registry.ts";
import { sampleImage } from "./sample.ts";

const isThere = isInstalled("docker-registry") || process.env["CI"] === "true";
if (!isThere) console.log("skipped: docker-registry is not installed");

let plain: RunningRegistry;
let tls: RunningRegistry;
let strict: RunningRegistry;
beforeAll(async () => {
  if (!isThere) return;
  const test = { skip: (note?: string) => Promise.reject(new Error(note)) as never };
  [plain, tls, strict] = await Promise.all([
    startRegistry(test),
    startRegistry(test, { tls: "server" }),
    startRegistry(test, { tls: "client" }),
  ]);
});
afterAll(async () => {
  for (const running of [plain, tls, strict]) await running?.[Symbol.asyncDispose]();
});

async function roundTrip(host: string, options: RegistryOptions): Promise<void> {
  const sample = sampleImage();
  const name = parseReference(`${host}/connection/app:v1`);
  await using registry = openRegistry({ clock: quickClock(), ...options });
  const identity = await registry.write(sample.image, [name], sample.blobs);
  expect((await registry.read(name))?.identity).toEqual(identity);
}

interface Proxy extends AsyncDisposable {
  readonly url: string;
  /** `CONNECT host:port` and `METHOD host`, each once. */
  readonly seen: Set<string>;
  readonly authorizations: Set<string | undefined>;
}

/** A proxy to whom all hosts are the one at `target`; it opens tunnels only if told so. */
async function startProxy(target: string, hasTunnels: boolean): Promise<Proxy> {
  const seen = new Set<string>();
  const authorizations = new Set<string | undefined>();
  const [hostname, port] = target.split(":");
  const note = (line: string, { headers }: IncomingMessage) => {
    seen.add(line);
    authorizations.add(headers["proxy-authorization"]);
  };
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "");
    note(`${incoming.method} ${url.host}`, incoming);
    const { "proxy-authorization": _own, ...headers } = incoming.headers;
    const path = url.pathname + url.search;
    const passed = request({ hostname, port, method: incoming.method, path, headers }, (upstream) => {
      outgoing.writeHead(upstream.statusCode!, upstream.headers);
      upstream.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  server.on("connect", (incoming, socket) => {
    note(`CONNECT ${incoming.url}`, incoming);
    if (!hasTunnels) {
      socket.end("HTTP/1.1 405 No tunnels\r\n\r\n");
      return;
    }
    const through = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      through.pipe(socket).pipe(through);
    });
    for (const side of [socket, through]) side.on("error", () => undefined);
    socket.on("close", () => through.destroy());
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    authorizations,
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

describe.runIf(isThere)("TLS", () => {
  it("trusts a bundle of authorities, and no stranger", async () => {
    await roundTrip(tls.host, { tls: { bundles: [tls.authority] } });
    for (const options of [{}, { tls: { bundles: [strict.authority] } }])
      await expect(roundTrip(tls.host, options)).rejects.toMatchObject({ code: "registry.certificate" });
  });

  it("trusts the authorities of a host's folder, and shows its client certificate", async () => {
    const certificates = join(strict.folder, "certs.d");
    const folder = join(certificates, strict.host);
    mkdirSync(folder, { recursive: true });
    copyFileSync(strict.authority, join(folder, "ca.crt"));
    await expect(roundTrip(strict.host, { tls: { hostDirectories: [certificates] } })).rejects.toMatchObject({
      name: "Fault",
    });
    copyFileSync(join(strict.folder, "client.pem"), join(folder, "client.cert"));
    copyFileSync(join(strict.folder, "client.key"), join(folder, "client.key"));
    await roundTrip(strict.host, { tls: { hostDirectories: ["/nowhere", certificates] } });
  });

  it("names a bundle that cannot be read", async () => {
    await expect(roundTrip(tls.host, { tls: { bundles: ["/no/such.pem"] } })).rejects.toMatchObject({
      message: expect.stringMatching(/^Cannot read certificates at \/no\/such\.pem: it is not there$/),
    });
  });
});

describe.runIf(isThere)("proxies", () => {
  it("open tunnels to registries with TLS, whose certificates are checked", async () => {
    await using proxy = await startProxy(tls.host, true);
    const settings = { https: `http://user:s3cret%21@${proxy.url}` };
    await roundTrip("registry.example:5000", { proxy: settings, tls: { bundles: [tls.authority] } });
    expect([...proxy.seen]).toEqual(["CONNECT registry.example:5000"]);
    expect([...proxy.authorizations]).toEqual([`Basic ${Buffer.from("user:s3cret!").toString("base64")}`]);
    const other = roundTrip("other.example", { proxy: settings, tls: { bundles: [tls.authority] } });
    await expect(other).rejects.toMatchObject({ code: "registry.certificate" });
  });

  it("are given whole URLs of registries without TLS", async () => {
    await using proxy = await startProxy(plain.host, false);
    const settings = { http: proxy.url, https: proxy.url };
    await roundTrip("registry.example:5000", { proxy: settings, insecure: ["registry.example:5000"] });
    expect(proxy.seen).toContain("PATCH registry.example:5000");
  });

  it("are left out for exceptions, and their password is in no message", async () => {
    await using proxy = await startProxy(plain.host, false);
    const settings = { https: `http://user:s3cret@${proxy.url}`, exceptions: ".example" };
    await expect(roundTrip("registry.invalid", { proxy: settings })).rejects.toMatchObject({
      message: expect.not.stringContaining("s3cret"),
    });
    expect(proxy.seen).toContain("CONNECT registry.invalid:443");
    proxy.seen.clear();
    await expect(roundTrip("registry.example", { proxy: settings })).rejects.toMatchObject({ name: "Fault" });
    expect([...proxy.seen]).toEqual([]);
  });
});
