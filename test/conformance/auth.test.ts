import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseReference } from "../../src/oci/reference.ts";
import { anonymous, basicHeader, type Credential } from "../../src/store/auth/credential.ts";
import { parseRegistryAuth } from "../../src/store/auth/document.ts";
import { environmentCredentials } from "../../src/store/auth/keychain.ts";
import { openRegistry, type RegistryOptions } from "../../src/store/registry.ts";
import { sampleImage } from "../contract/store/sample.ts";
import { startBearer } from "../support/bearer.ts";
import { quickClock } from "../support/clock.ts";
import { faultOf } from "../support/fault.ts";
import { isInstalled, peer } from "../support/peer.ts";
import { alice, type RunningRegistry, startRegistry } from "../support/registry.ts";
import { startRelay } from "../support/relay.ts";

const folder = mkdtempSync(join(tmpdir(), "plinth-auth-"));
let plain: RunningRegistry;
let guarded: RunningRegistry;
const isThere = isInstalled("docker-registry") || process.env["CI"] === "true";
beforeAll(async () => {
  if (!isThere) return;
  const test = { skip: (note?: string) => Promise.reject(new Error(note)) as never };
  [plain, guarded] = await Promise.all([startRegistry(test), startRegistry(test, { htpasswd: true })]);
});
afterAll(async () => {
  await plain?.[Symbol.asyncDispose]();
  await guarded?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const aliceHeader = basicHeader(alice.username, alice.password);

function basic(source = "the test"): Credential {
  return { kind: "basic", ...alice, source };
}

function env(entries: Record<string, unknown>, more: Record<string, string> = {}) {
  return environmentCredentials({ CNB_REGISTRY_AUTH: JSON.stringify(entries), ...more }, join(folder, "nobody"));
}

function home(name: string, path: string, document: unknown): string {
  const file = join(folder, name, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, JSON.stringify(document));
  return join(folder, name);
}

async function roundTrip(name: string, options: RegistryOptions): Promise<void> {
  const sample = sampleImage();
  await using registry = openRegistry(options);
  const identity = await registry.write(sample.image, [parseReference(name)], sample.blobs);
  expect((await registry.read(parseReference(name)))?.identity).toEqual(identity);
}

async function faultIn(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no fault",
    (error) => `${error.message} | ${error.hint} | ${error.stack}`,
  );
}

describe("CNB_REGISTRY_AUTH", () => {
  it("AUTH-001 its headers reach the registry", async (test) => {
    peer("docker-registry", test);
    await using relay = await startRelay(guarded.host);
    await roundTrip(`${relay.host}/auth/one`, { credentials: env({ [relay.host]: aliceHeader }) });
    const sent = relay.requests.map(({ headers }) => headers.authorization);
    expect(sent[0]).toBeUndefined();
    expect(new Set(sent.slice(1))).toEqual(new Set([aliceHeader]));
  });

  it("AUTH-001 a Bearer header is sent as it is", async (test) => {
    peer("docker-registry", test);
    await using bearer = await startBearer(plain.host);
    bearer.relay.guard = ({ headers }, _incoming, outgoing) => {
      if (headers.authorization === "Bearer ready-made") return undefined;
      outgoing.writeHead(401, { "www-authenticate": `Bearer realm="http://${bearer.tokenHost}/token"` }).end();
      return "handled";
    };
    await roundTrip(`${bearer.host}/auth/ready`, { credentials: env({ [bearer.host]: "Bearer ready-made" }) });
    expect(bearer.asked).toEqual([]);
  });

  it("AUTH-001 an X-Identity header is exchanged for tokens", async (test) => {
    peer("docker-registry", test);
    await using bearer = await startBearer(plain.host, { wants: { refresh: "the-identity" } });
    await roundTrip(`${bearer.host}/auth/id`, { credentials: env({ [bearer.host]: "X-Identity the-identity" }) });
    expect(bearer.asked[0]).toMatchObject({
      method: "POST",
      service: "the, service",
      form: { grant_type: "refresh_token", client_id: "plinth" },
    });
  });

  it("AUTH-002 they are for their registry alone", async (test) => {
    peer("docker-registry", test);
    await using relay = await startRelay(guarded.host);
    const credentials = env({ "other.example": aliceHeader, "127.0.0.1:1": aliceHeader });
    await using registry = openRegistry({ credentials });
    const found = await faultIn(registry.read(parseReference(`${relay.host}/auth/two:v1`)));
    expect(found).toContain("anonymous");
    expect(relay.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("AUTH-002 schemes and paths of its registries do not matter", () => {
    const found = parseRegistryAuth(
      JSON.stringify({ "https://one.example/v1/": "bEaReR x", "index.docker.io": "X-Identity y" }),
      "here",
    );
    expect([...found.keys()]).toEqual(["one.example", "docker.io"]);
  });

  it.each([
    "",
    "nonsense",
    "[]",
    '"text"',
    '{"a.example": 1}',
    '{"a.example": "Basic"}',
    '{"a.example": "Digest x"}',
    "{",
  ])("AUTH-006 it is a valid JSON object of headers, not: %s", (text) => {
    const fault = faultOf(() => parseRegistryAuth(text, "CNB_REGISTRY_AUTH"));
    expect(fault.message).toMatch(/^Cannot read credentials at CNB_REGISTRY_AUTH: /);
    expect(fault.exit).toBe("usage");
  });

  it("AUTH-006 its faults show no secret", () => {
    for (const text of ['{"a.example": "Basic s3cret!', '{"a.example": "Digest s3cret!"}', "s3cret!"]) {
      const fault = faultOf(() => parseRegistryAuth(text, "CNB_REGISTRY_AUTH"));
      expect(`${fault.stack}${fault.cause}${fault.hint}`).not.toContain("s3cret!");
    }
  });
});

describe("credentials files", () => {
  const auth = Buffer.from(`${alice.username}:${alice.password}`).toString("base64");

  it("AUTH-003 DOCKER_CONFIG logs in by password", async (test) => {
    peer("docker-registry", test);
    const directory = home("docker", "config.json", { auths: { [`https://${guarded.host}/v2/`]: { auth } } });
    const credentials = environmentCredentials({ DOCKER_CONFIG: directory }, "/nowhere");
    await roundTrip(`${guarded.host}/auth/docker`, { credentials });
  });

  it("AUTH-003 it is ~/.docker/config.json unless said, and CNB_REGISTRY_AUTH comes before it", async () => {
    const user = home("user", ".docker/config.json", {
      auths: { "a.example": { auth }, "b.example": { username: "b", password: "p" } },
    });
    const credentials = environmentCredentials({ CNB_REGISTRY_AUTH: '{"a.example":"Bearer first"}' }, user);
    expect(await credentials("a.example", "x")).toMatchObject({ kind: "bearer", source: "CNB_REGISTRY_AUTH" });
    expect(await credentials("b.example", "x")).toMatchObject({ kind: "basic", username: "b" });
    expect(await credentials("c.example", "x")).toEqual(anonymous);
  });

  it("AUTH-003 Docker Hub goes by its old name", async () => {
    const user = home("hub", ".docker/config.json", { auths: { "https://index.docker.io/v1/": { auth } } });
    const credentials = environmentCredentials({}, user);
    expect(await credentials("docker.io", "library/busybox")).toMatchObject(alice);
  });

  it("AUTH-003 tokens in it are understood", async () => {
    const user = home("tokens", ".docker/config.json", {
      auths: { "a.example": { auth, identitytoken: "i" }, "b.example": { registrytoken: "r" }, "c.example": {} },
    });
    const credentials = environmentCredentials({}, user);
    expect(await credentials("a.example", "x")).toMatchObject({ kind: "identity", token: "i" });
    expect(await credentials("b.example", "x")).toMatchObject({ kind: "bearer", token: "r" });
    expect(await credentials("c.example", "x")).toEqual(anonymous);
  });

  it("AUTH-007 Podman's file counts, the longest path first, before Docker's when REGISTRY_AUTH_FILE names it", async () => {
    const of = (username: string) => ({ username, password: "p" });
    const user = home("podman", ".docker/config.json", { auths: { "a.example": of("docker") } });
    home("podman", "auth.json", {
      auths: { "a.example/team/app": of("app"), "a.example/team": of("team"), "*.b.example": of("below") },
    });
    home("podman", "run/containers/auth.json", { auths: { "a.example": of("late"), "c.example": of("runtime") } });
    const credentials = environmentCredentials(
      { REGISTRY_AUTH_FILE: join(user, "auth.json"), XDG_RUNTIME_DIR: join(user, "run") },
      user,
    );
    const who = async (registry: string, repository: string) =>
      (await credentials(registry, repository)) as { username?: string };
    expect((await who("a.example", "team/app")).username).toBe("app");
    expect((await who("a.example", "team/other")).username).toBe("team");
    expect((await who("a.example", "teams")).username).toBe("docker");
    expect((await who("x.b.example", "y")).username).toBe("below");
    expect((await who("b.example", "y")).username).toBeUndefined();
    expect((await who("c.example", "y")).username).toBe("runtime");
  });

  it("AUTH-007 a whole file in DOCKER_AUTH_CONFIG comes before the others", async () => {
    const of = (username: string) => ({ "a.example": { username, password: "p" } });
    const user = home("inline", ".docker/config.json", { auths: of("docker") });
    const credentials = environmentCredentials({ DOCKER_AUTH_CONFIG: JSON.stringify({ auths: of("inline") }) }, user);
    expect(await credentials("a.example", "x")).toMatchObject({ username: "inline", source: "DOCKER_AUTH_CONFIG" });
  });

  it("AUTH-003 credHelpers and credsStore are asked, each once, with nothing but the environment given", async () => {
    const bin = join(folder, "bin");
    mkdirSync(bin, { recursive: true });
    const script = `#!/bin/sh
read server
echo "$0 $1 $server $SECRET_OF_OURS" >> ${folder}/helper.log
case "$server" in
  https://index.docker.io/v1/) echo '{"ServerURL":"x","Username":"<token>","Secret":"hub"}';;
  a.example) echo '{"ServerURL":"x","Username":"helped","Secret":"s"}';;
  *) echo "credentials not found in native keychain"; exit 1;;
esac
`;
    for (const name of ["one", "two"]) {
      writeFileSync(join(bin, `docker-credential-${name}`), script);
      chmodSync(join(bin, `docker-credential-${name}`), 0o755);
    }
    const user = home("helpers", ".docker/config.json", {
      auths: { "b.example": { username: "plain", password: "p" } },
      credHelpers: { "a.example": "one" },
      credsStore: "two",
    });
    process.env["SECRET_OF_OURS"] = "leaked";
    const credentials = environmentCredentials({ PATH: `${bin}:/usr/bin:/bin` }, user);
    const one = "docker-credential-one";
    expect(await credentials("a.example", "x")).toEqual({
      kind: "basic",
      username: "helped",
      password: "s",
      source: one,
    });
    expect(await credentials("a.example", "y")).toMatchObject({ username: "helped" });
    expect(await credentials("docker.io", "x")).toMatchObject({ kind: "identity", token: "hub" });
    expect(await credentials("b.example", "x")).toMatchObject({ username: "plain" });
    delete process.env["SECRET_OF_OURS"];
    const log = readFileSync(join(folder, "helper.log"), "utf8");
    expect(log.match(/one get a\.example/g)).toHaveLength(1);
    expect(log).not.toContain("leaked");
  });

  it("AUTH-003 a helper that is missing or broken is a fault that names it", async () => {
    const bin = join(folder, "broken");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "docker-credential-bad"), '#!/bin/sh\necho "s3cret{"\n');
    chmodSync(join(bin, "docker-credential-bad"), 0o755);
    for (const [helper, found] of [
      ["bad", "not JSON"],
      ["none", "not installed"],
      ["../up", "path"],
    ]) {
      const user = home(`broken-${found}`, ".docker/config.json", { credsStore: helper });
      const credentials = environmentCredentials({ PATH: `${bin}:/usr/bin:/bin` }, user);
      const said = await faultIn(credentials("a.example", "x"));
      expect(said).toContain(`Cannot get credentials from docker-credential-${helper}`);
      expect(said).toContain(found);
      expect(said).not.toContain("s3cret");
    }
  });
});

describe("who we are", () => {
  it("AUTH-004 nobody, where nothing matches", async (test) => {
    peer("docker-registry", test);
    await using relay = await startRelay(plain.host);
    await roundTrip(`${relay.host}/auth/public`, { credentials: env({ "other.example": aliceHeader }) });
    expect(relay.requests.some(({ headers }) => headers.authorization)).toBe(false);
  });

  it("AUTH-004 a token server gives strangers tokens too", async (test) => {
    peer("docker-registry", test);
    await using bearer = await startBearer(plain.host);
    await roundTrip(`${bearer.host}/auth/stranger`, { credentials: env({ "other.example": aliceHeader }) });
    expect(bearer.asked.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it("AUTH-001 a token is asked for once per right, by password", async (test) => {
    peer("docker-registry", test);
    await using bearer = await startBearer(plain.host, { wants: { basic: aliceHeader } });
    await roundTrip(`${bearer.host}/auth/tokens`, { credentials: async () => basic() });
    expect(bearer.asked.map(({ scopes }) => scopes)).toEqual([
      ["repository:auth/tokens:pull"],
      ["repository:auth/tokens:pull,push"],
    ]);
    expect(bearer.relay.requests.some(({ headers }) => headers.authorization?.startsWith("Basic"))).toBe(false);
  });

  it("AUTH-001 a stale token is replaced before it is refused, a refused one after", async (test) => {
    peer("docker-registry", test);
    await using bearer = await startBearer(plain.host, { lifetime: 100 });
    const clock = quickClock();
    await using registry = openRegistry({ clock });
    const name = parseReference(`${bearer.host}/auth/stale:v1`);
    await registry.read(name);
    clock.advance(80_000);
    await registry.read(name);
    expect(bearer.asked).toHaveLength(1);
    clock.advance(15_000);
    await registry.read(name);
    expect(bearer.asked).toHaveLength(2);
    const before = bearer.relay.requests.length;
    bearer.revoke();
    await registry.read(name);
    expect(bearer.asked).toHaveLength(3);
    expect(bearer.relay.requests.length - before).toBe(2);
  });

  it("AUTH-001 a token that ends in mid-upload is replaced", async (test) => {
    peer("docker-registry", test);
    await using bearer = await startBearer(plain.host, { wants: { basic: aliceHeader } });
    const check = bearer.relay.guard!;
    for (const method of ["PATCH", "PUT", "POST", "HEAD"]) {
      const compression = method === "HEAD" ? "none" : "gzip";
      const options = {
        credentials: async () => basic(),
        clock: quickClock(),
        chunkSize: 64 * 1024,
        compression,
      } as const;
      let left = 2;
      bearer.relay.guard = (seen, ...rest) => {
        if (seen.method === method && left-- > 0) bearer.revoke();
        return check(seen, ...rest);
      };
      const sample = sampleImage({ files: [randomBytes(300_000), randomBytes(10)] });
      await using registry = openRegistry(options);
      const name = parseReference(`${bearer.host}/auth/${method.toLowerCase()}:v1`);
      const identity = await registry.write(sample.image, [name], sample.blobs);
      expect((await registry.read(name))?.identity).toEqual(identity);
      expect(left).toBeLessThan(2);
    }
  });

  it("AUTH-005 certificates are checked, and plain HTTP is not spoken to strangers, unless a registry is called insecure", async (test) => {
    peer("docker-registry", test);
    const skip = { skip: (note?: string) => Promise.reject(new Error(note)) as never };
    await using tls = await startRegistry(skip, { tls: "server" });
    const name = `${tls.host}/auth/tls:v1`;
    await using strict = openRegistry();
    expect(await faultIn(strict.read(parseReference(name)))).toContain("its certificate is not trusted");
    await roundTrip(name, { insecure: [tls.host] });
    await roundTrip(name, { tls: { bundles: [tls.authority] } });
    // The system's resolver is left out: a name that is not loopback is reached through a proxy.
    await using relay = await startRelay(plain.host);
    const proxy = { http: `http://${relay.host}` };
    await using stranger = openRegistry({ proxy, clock: quickClock() });
    expect(await faultIn(stranger.read(parseReference("registry.example:1/auth/plain:v1")))).toContain(
      "Cannot pull from",
    );
    expect(relay.requests).toEqual([]);
  });

  it("AUTH-001 faults name the source and the right, never the secret", async (test) => {
    peer("docker-registry", test);
    const wrong: Credential = {
      kind: "basic",
      username: "alice",
      password: "s3cret-pass",
      source: "/home/me/config.json",
    };
    const sample = sampleImage();
    await using relay = await startRelay(guarded.host);
    const events: unknown[] = [];
    await using registry = openRegistry({ credentials: async () => wrong, emit: (event) => events.push(event) });
    const said = await faultIn(
      registry.write(sample.image, [parseReference(`${relay.host}/auth/no:v1`)], sample.blobs),
    );
    expect(said).toContain(`Cannot push to registry ${relay.host}, repository auth/no: it replied 401 UNAUTHORIZED`);
    expect(said).toContain("user alice from /home/me/config.json; scope: repository:auth/no:pull,push");
    const secret = /s3cret-pass|YWxpY2U6czNjcmV0LXBhc3M/;
    expect(said).not.toMatch(secret);
    expect(JSON.stringify(events)).not.toMatch(secret);
    await using bearer = await startBearer(plain.host, { wants: { basic: aliceHeader } });
    await using second = openRegistry({ credentials: async () => wrong });
    const refused = await faultIn(second.read(parseReference(`${bearer.host}/auth/no:v1`)));
    expect(refused).toContain(`at ${bearer.tokenHost}: it replied 401: UNAUTHORIZED (wrong user or password)`);
    expect(refused).toContain("user alice from /home/me/config.json; scope: repository:auth/no:pull");
    expect(refused).not.toMatch(secret);
  });

  it("AUTH-002 a redirect or an upload elsewhere carries no credentials", async (test) => {
    peer("docker-registry", test);
    await using store = await startRelay(plain.host);
    await using front = await startRelay(guarded.host);
    const toStore = (path: string) => `http://${store.host}${path}`;
    const sample = sampleImage();
    const open = openRegistry();
    await open.write(sample.image, [parseReference(`${store.host}/auth/far:v1`)], sample.blobs);
    await open[Symbol.asyncDispose]();
    const before = store.requests.length;
    front.interfere = ({ method, path, headers }, _incoming, outgoing) => {
      if (headers.authorization === undefined) return undefined;
      if (method === "POST") {
        outgoing.writeHead(307, { location: toStore(path) }).end();
        return "handled";
      }
      if (!path.includes("/blobs/") && !path.includes("/manifests/")) return undefined;
      outgoing.writeHead(307, { location: toStore(path) }).end();
      return "handled";
    };
    await using registry = openRegistry({ credentials: async () => basic() });
    const stored = await registry.read(parseReference(`${front.host}/auth/far:v1`));
    expect(stored).toBeDefined();
    expect(store.requests.length).toBeGreaterThan(before);
    expect(store.requests.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });

  it("AUTH-003 what a registry hides from strangers is found by those it knows", async (test) => {
    peer("docker-registry", test);
    await using bearer = await startBearer(plain.host, { wants: { basic: aliceHeader } });
    const name = parseReference(`${bearer.host}/auth/hidden:v1`);
    const sample = sampleImage();
    await using registry = openRegistry({ credentials: async () => basic() });
    await registry.write(sample.image, [name], sample.blobs);
    const challenge = bearer.relay.guard!;
    bearer.relay.guard = (seen, incoming, outgoing) => {
      if (seen.headers.authorization || seen.path === "/v2/") return challenge(seen, incoming, outgoing);
      outgoing.writeHead(404).end();
      return "handled";
    };
    await using other = openRegistry({ credentials: async () => basic() });
    expect(await other.read(name)).toBeDefined();
  });
});
