import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peer } from "./peer.ts";

/** Debian's docker-registry, running on loopback with a data folder of its own; disposing of it ends it and removes the folder. */
export interface RunningRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  readonly host: string;
  readonly folder: string;
  /** The certificate authority that signed its certificate, a PEM file; only with TLS. */
  readonly authority: string;
}

/** What a registry is started with. */
export interface RegistryRecipe {
  /** Ask for user `alice` with password `open sesame`. */
  readonly htpasswd?: boolean;
  /** Speak TLS, with a certificate for 127.0.0.1 and localhost; `client`: and ask for a client certificate of the same authority. */
  readonly tls?: "server" | "client";
  /** Where it keeps its data; a folder of its own unless said. */
  readonly data?: string;
}

/** The only user of a registry with passwords. */
export const alice = { username: "alice", password: "open sesame" };
const aliceLine = "alice:$2y$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW";

/** A port nobody listened on a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

/** Makes an authority (`ca.pem`), a server certificate (`server.pem`) and a client certificate (`client.pem`), each with its `.key`. */
export function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: folder, stdio: "pipe" });
  const names = "subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:registry.example";
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test authority");
  for (const name of ["server", "client"]) {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    writeFileSync(join(folder, `${name}.ext`), names);
    const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`];
    openssl("x509", "-req", "-in", `${name}.csr`, ...signed, "-out", `${name}.pem`);
  }
}

function configText(folder: string, port: number, recipe: RegistryRecipe): string {
  const tls = recipe.tls
    ? `\n  tls:\n    certificate: ${folder}/server.pem\n    key: ${folder}/server.key${
        recipe.tls === "client" ? `\n    clientcas: [${folder}/ca.pem]` : ""
      }`
    : "";
  const auth = recipe.htpasswd ? `\nauth:\n  htpasswd:\n    realm: test\n    path: ${folder}/htpasswd` : "";
  return `version: 0.1
log:
  level: info
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: ${recipe.data ?? `${folder}/data`}
http:
  addr: 127.0.0.1:${port}
  secret: test${tls}${auth}
`;
}

/** Resolves when the process says that it listens; rejects with what it said when it ends before. */
function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.on("data", (part) => {
      said += part;
      if (/listening on/.test(said)) resolve();
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`docker-registry ended with ${code}: ${said.slice(-2000)}`)));
  });
}

/** Starts docker-registry; a test without it is skipped, or fails under CI. */
export async function startRegistry(
  test: { skip(note?: string): never },
  recipe: RegistryRecipe = {},
): Promise<RunningRegistry> {
  const program = peer("docker-registry", test);
  const folder = mkdtempSync(join(tmpdir(), "plinth-registry-"));
  if (recipe.htpasswd) writeFileSync(join(folder, "htpasswd"), `${aliceLine}\n`);
  if (recipe.tls) makeCertificates(folder);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const config = join(folder, "config.yml");
    writeFileSync(config, configText(folder, port, recipe));
    const child = spawn(program, ["serve", config], { stdio: ["ignore", "ignore", "pipe"], env: {} });
    const ended = new Promise((done) => child.once("exit", done));
    try {
      await listening(child);
    } catch (error) {
      // Another process may have taken the port.
      if (attempt < 3) continue;
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    child.stderr?.resume();
    const clear = () => {
      child.kill();
      rmSync(folder, { recursive: true, force: true });
    };
    // For tests that are broken off.
    process.once("exit", clear);
    return {
      host: `127.0.0.1:${port}`,
      folder,
      authority: join(folder, "ca.pem"),
      async [Symbol.asyncDispose]() {
        process.off("exit", clear);
        child.kill();
        await ended;
        clear();
      },
    };
  }
}
