import { execFileSync, type SpawnSyncReturns } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Finding } from "../../src/doctor/diagnosis.ts";

let home: string;
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "plinth-doctor-")));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly said: string;
  readonly findings: readonly Finding[];
}

/** Runs `pack doctor --json` with an environment of its own. */
function doctor(env: Record<string, string> = {}, ...flags: string[]): Ran {
  const argv = ["--import", "tsx", join(process.cwd(), "src/cli/bin.ts"), "doctor", ...flags];
  const ran = (code: number, said: string) => ({
    code,
    said,
    findings: flags.includes("--json")
      ? said
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as Finding)
      : [],
  });
  try {
    const all = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: home, PACK_HOME: join(home, "pack"), ...env };
    return ran(
      0,
      execFileSync(process.execPath, argv, { encoding: "utf8", env: all, stdio: ["ignore", "pipe", "pipe"] }),
    );
  } catch (error) {
    const { status, stdout } = error as SpawnSyncReturns<string>;
    return ran(status ?? -1, stdout);
  }
}

const of = (findings: readonly Finding[], area: string, name: string) =>
  findings.find((finding) => finding.area === area && finding.name.startsWith(name));

describe("pack doctor", () => {
  it("shows every sandbox, what a build would choose, the store, tools, credentials, proxies and daemons, and makes nothing", () => {
    const { code, findings } = doctor({}, "--json");
    expect(code).toBe(0);
    expect([...new Set(findings.map(({ area }) => area))]).toEqual([
      "sandbox",
      "engines",
      "store",
      "credentials",
      "proxies",
      "daemons",
      "tools",
    ]);
    for (const name of ["choice with a builder image", "choice without", "namespace", "docker", "host", "overlays"])
      expect(of(findings, "sandbox", name), name).toBeDefined();
    for (const name of ["choice for image extensions", "buildah", "docker"])
      expect(of(findings, "engines", name), name).toBeDefined();
    for (const name of ["place", "disk", "images"]) expect(of(findings, "store", name), name).toBeDefined();
    expect(of(findings, "tools", "apt-get")).toBeDefined();
    expect(of(findings, "proxies", "environment")).toMatchObject({ state: "none" });
    expect(findings.filter(({ state, hint }) => state === "fail" && !hint)).toEqual([]);
    expect(existsSync(join(home, "pack"))).toBe(false);
  });

  it("names registries and proxies and never shows a secret", () => {
    const secret = "s3cr3t-of-the-test";
    mkdirSync(join(home, ".docker"));
    const config = {
      auths: { "registry.example": { auth: Buffer.from(`someone:${secret}`).toString("base64") } },
      credHelpers: { "other.example": "of-nobody" },
    };
    writeFileSync(join(home, ".docker/config.json"), JSON.stringify(config));
    const env = {
      CNB_REGISTRY_AUTH: JSON.stringify({ "third.example": `Bearer ${secret}` }),
      HTTPS_PROXY: `http://someone:${secret}@proxy.example:3128`,
      no_proxy: "localhost",
      DOCKER_HOST: "tcp://127.0.0.1:1",
    };
    const { code, findings, said } = doctor(env, "--json");
    expect(code).toBe(0);
    expect(said).not.toContain(secret);
    expect(said).not.toContain(Buffer.from(`someone:${secret}`).toString("base64"));
    expect(of(findings, "credentials", "CNB_REGISTRY_AUTH")?.found).toBe("it knows third.example");
    expect(of(findings, "credentials", join(home, ".docker/config.json"))).toMatchObject({
      state: "warn",
      found: expect.stringMatching(/registry\.example, other\.example.*docker-credential-of-nobody is not on the PATH/),
    });
    expect(of(findings, "proxies", "HTTPS_PROXY")?.found).toBe("http://***@proxy.example:3128");
    expect(of(findings, "daemons", "DOCKER_HOST (tcp://127.0.0.1:1)")).toMatchObject({ state: "warn" });
    expect(of(findings, "sandbox", "docker")).toMatchObject({ state: "none", hint: expect.any(String) });
    const { said: text } = doctor(env);
    expect(text).toMatch(/^sandbox:\n {2}ok {3}choice/);
    expect(text).not.toContain(secret);
  });

  it("ends with 1 when something is in the way, and says with --quiet only that", () => {
    const store = join(home, "pack/store");
    mkdirSync(store, { recursive: true });
    writeFileSync(join(store, "index.json"), "{ not JSON");
    writeFileSync(join(store, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
    const { code, findings } = doctor({}, "--json");
    expect({ code, images: of(findings, "store", "images")?.state }).toEqual({ code: 1, images: "fail" });
    const { code: again, said } = doctor({}, "--quiet");
    expect(again).toBe(1);
    expect(said.split("\n")[0]).toBe("store:");
    expect(said).not.toContain("ok  ");
    chmodSync(store, 0o755);
  });
});
