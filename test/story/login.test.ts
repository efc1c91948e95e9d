import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type LoginOptions, login, logout } from "../../src/index.ts";
import { registryNamed } from "../../src/login.ts";
import type { Event } from "../../src/std/event.ts";
import { environmentCredentials } from "../../src/store/auth/keychain.ts";
import { startBearer } from "../support/bearer.ts";
import { faultOf } from "../support/fault.ts";
import { peer } from "../support/peer.ts";
import { packWords, startPack } from "../support/program.ts";
import { alice, startRegistry } from "../support/registry.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "plinth-login-"));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** A credential helper that keeps what it is told in files beside it, and writes down what it was asked. */
function makeHelper(at: string, name: string): void {
  const path = join(at, `docker-credential-${name}`);
  const script = `#!/bin/sh
echo "$1" >> ${at}/asked
case "$1" in
store) cat > ${at}/secret ;;
erase) cat > ${at}/erased; rm -f ${at}/secret ;;
get) cat > /dev/null; [ -f ${at}/secret ] || { echo "credentials not found in native keychain"; exit 1; }; cat ${at}/secret ;;
esac
`;
  writeFileSync(path, script);
  chmodSync(path, 0o755);
}

async function loginWith(options: Omit<LoginOptions, "onEvent">) {
  const events: Event[] = [];
  const report = await login({ ...options, onEvent: (event) => events.push(event) });
  const warnings = events.flatMap((event) => (event.type === "log" && event.level === "warn" ? [event.text] : []));
  return { report, warnings, events };
}

describe("logging in", () => {
  it("AUTH-003 keeps the password in the credentials file with a warning, and everything else that is there", async (context) => {
    await using registry = await startRegistry(context, { htpasswd: true });
    const config = folder();
    const file = join(config, "config.json");
    writeFileSync(file, JSON.stringify({ auths: { "other:1": { auth: "eDp5" } }, psFormat: "x" }), { mode: 0o644 });
    const outside = { env: { DOCKER_CONFIG: config } };
    const { report, warnings, events } = await loginWith({
      registry: `http://${registry.host}/v2/`,
      ...alice,
      outside,
    });
    expect(report).toEqual({ registry: registry.host, place: file, isPlain: true });
    expect(warnings).toEqual([expect.stringContaining("is not encrypted")]);
    expect(JSON.stringify(events)).not.toContain(alice.password);
    const kept = JSON.parse(readFileSync(file, "utf8"));
    expect(kept.psFormat).toBe("x");
    expect(kept.auths["other:1"]).toEqual({ auth: "eDp5" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const found = await environmentCredentials(outside.env, config)(registry.host, "x");
    expect(found).toMatchObject({ kind: "basic", ...alice });
    expect(await logout({ registry: registry.host, outside })).toBe(true);
    expect(JSON.parse(readFileSync(file, "utf8")).auths).toEqual({ "other:1": { auth: "eDp5" } });
    expect(await logout({ registry: registry.host, outside })).toBe(false);
  });

  it("AUTH-003 a wrong password is refused by the registry, and nothing is kept", async (context) => {
    await using registry = await startRegistry(context, { htpasswd: true });
    const config = folder();
    const outside = { env: { DOCKER_CONFIG: config } };
    const failure = await loginWith({
      registry: registry.host,
      username: "alice",
      password: "not this one",
      outside,
    }).catch((error) => error);
    expect(failure.code).toBe("registry.denied");
    expect(failure.message).toMatch(/^Cannot log in to .* replied 401/);
    expect(failure.message).not.toContain("not this one");
    expect(existsSync(join(config, "config.json"))).toBe(false);
  });

  it("AUTH-001 a token server is asked, too", async (context) => {
    await using plain = await startRegistry(context);
    const basic = `Basic ${Buffer.from("alice:open sesame").toString("base64")}`;
    await using registry = await startBearer(plain.host, { wants: { basic } });
    const outside = { env: { DOCKER_CONFIG: folder() } };
    await loginWith({ registry: registry.host, ...alice, outside });
    expect(registry.asked).toHaveLength(1);
    const failure = await loginWith({ registry: registry.host, ...alice, password: "x y z", outside }).catch(
      (error) => error,
    );
    expect(failure.code).toBe("registry.auth");
  });

  it("AUTH-003 a credential helper keeps it: the one the file names, or the one asked for", async (context) => {
    await using registry = await startRegistry(context, { htpasswd: true });
    const config = folder();
    const file = join(config, "config.json");
    makeHelper(config, "safe");
    const env = { DOCKER_CONFIG: config, PATH: `${config}:/usr/bin:/bin` };
    const first = await loginWith({ registry: registry.host, ...alice, helper: "safe", outside: { env } });
    expect(first.report).toMatchObject({ place: "docker-credential-safe", isPlain: false });
    expect(first.warnings).toEqual([]);
    expect(readFileSync(file, "utf8")).not.toContain('auth":');
    expect(JSON.parse(readFileSync(file, "utf8")).credHelpers).toEqual({ [registry.host]: "safe" });
    expect(JSON.parse(readFileSync(join(config, "secret"), "utf8"))).toEqual({
      ServerURL: registry.host,
      Username: "alice",
      Secret: alice.password,
    });
    const found = await environmentCredentials(env, config)(registry.host, "x");
    expect(found).toMatchObject({ kind: "basic", ...alice });
    expect(await logout({ registry: registry.host, outside: { env } })).toBe(true);
    expect(readFileSync(join(config, "erased"), "utf8")).toBe(registry.host);
    const anonymous = await environmentCredentials(env, config)(registry.host, "x");
    expect(anonymous.kind).toBe("anonymous");
    const missing = loginWith({ registry: registry.host, ...alice, helper: "missing", outside: { env } });
    await expect(missing).rejects.toMatchObject({
      code: "auth.helper",
      message: "Cannot keep credentials with docker-credential-missing: it is not installed",
    });
  });

  it("a registry that asks nobody is said to do so", async (context) => {
    await using registry = await startRegistry(context);
    const { warnings } = await loginWith({
      registry: registry.host,
      ...alice,
      outside: { env: { DOCKER_CONFIG: folder() } },
    });
    expect(warnings[0]).toContain("asks nobody who they are");
  });

  it.each([
    ["docker.io", "docker.io"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["localhost", "localhost"],
    ["registry.example:5000/team", "registry.example:5000"],
  ])("%s is the registry %s", (text, registry) => {
    expect(registryNamed(text)).toBe(registry);
  });

  it.each(["", "team", "not a host", "-x"])("%j is no registry", (text) => {
    expect(faultOf(() => registryNamed(text))).toMatchObject({ code: "usage.registry", exit: "usage" });
  });
});

describe("pack login", () => {
  it("reads the password from standard input, and refuses to go without", async (context) => {
    await using registry = await startRegistry(context, { htpasswd: true });
    const home = folder();
    const env = { DOCKER_CONFIG: home };
    const script = peer("script", context);
    const child = startPack(["login", registry.host, "-u", "alice"], { home, env });
    let said = "";
    child.stderr!.on("data", (part) => {
      said += part;
    });
    expect((await once(child, "close"))[0]).toBe(2);
    expect(said).toContain("there is nobody to ask");
    // On a terminal a person is asked, and what they type is not shown.
    const line = packWords(["login", registry.host]).map((word) => `'${word}'`);
    const typed = spawn(script, ["-qec", line.join(" "), "/dev/null"], {
      env: { ...process.env, NO_COLOR: "1", PACK_HOME: home, ...env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let shown = "";
    typed.stdout.on("data", (part) => {
      shown += part;
      if (shown.endsWith("User: ")) typed.stdin.write("alicx\u007fe\r");
      if (shown.endsWith("Password: ")) typed.stdin.write(`${alice.password}\r`);
    });
    await once(typed, "close");
    expect(shown).toContain(`Logged in to ${registry.host} as alice`);
    expect(shown).not.toContain(alice.password);
  });
});
