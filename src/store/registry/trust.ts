import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createSecureContext, rootCertificates, type SecureContext } from "node:tls";
import { Fault, reasonOf } from "../../std/fault.ts";
import { namesIn, readText } from "../../std/file.ts";
import { systemFault } from "../failure.ts";

/** Whom to trust over TLS, and how to identify ourselves. */
export interface TlsSettings {
  /** PEM files with certificate authorities to trust beside Node's and the system's. */
  readonly bundles?: readonly string[];
  /** Folders like `/etc/docker/certs.d`: `<host[:port]>/*.crt` are authorities, `*.cert` with `*.key` a client certificate. */
  readonly hostDirectories?: readonly string[];
}

/** Where systems keep their certificate authorities in one file. */
const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** What is peculiar to one host. */
interface HostIdentity {
  readonly authorities: readonly string[];
  readonly certificate?: string;
  readonly key?: string;
}

async function readSystemBundle(): Promise<readonly string[]> {
  for (const path of systemBundles) {
    const text = await readText(path).catch(() => undefined);
    if (text) return [text];
  }
  return [];
}

async function readBundle(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error) => {
    throw systemFault("read certificates", path, error);
  });
}

async function readHost(host: string, directories: readonly string[]): Promise<HostIdentity> {
  const authorities: string[] = [];
  for (const directory of directories) {
    const folder = join(directory, host);
    const names = await namesIn(folder);
    for (const name of names.filter((item) => item.endsWith(".crt")))
      authorities.push(await readBundle(join(folder, name)));
    const certificate = names.find((item) => item.endsWith(".cert") && names.includes(item.replace(/cert$/, "key")));
    if (certificate === undefined) continue;
    return {
      authorities,
      certificate: await readBundle(join(folder, certificate)),
      key: await readBundle(join(folder, certificate.replace(/cert$/, "key"))),
    };
  }
  return { authorities };
}

/** Makes the TLS contexts of hosts, each once; the authorities common to all are read once, when the first is asked for. */
export class Trust {
  readonly #settings: TlsSettings;
  #common: Promise<readonly string[]> | undefined;
  readonly #contexts = new Map<string, Promise<SecureContext>>();

  constructor(settings: TlsSettings) {
    this.#settings = settings;
  }

  /** The context for `host[:port]`; throws Fault `tls.certificate` or `store.system` that names the file which cannot be used. */
  contextFor(host: string): Promise<SecureContext> {
    const known = this.#contexts.get(host) ?? this.#make(host);
    this.#contexts.set(host, known);
    return known;
  }

  async #make(host: string): Promise<SecureContext> {
    this.#common ??= this.#readCommon();
    const { authorities, certificate, key } = await readHost(host, this.#settings.hostDirectories ?? []);
    try {
      return createSecureContext({
        ca: [...rootCertificates, ...(await this.#common), ...authorities],
        ...(certificate && { cert: certificate }),
        ...(key && { key }),
      });
    } catch (cause) {
      if (cause instanceof Fault) throw cause;
      throw new Fault("tls.certificate", `Cannot use certificates for ${host}: ${reasonOf(cause)}`, { cause });
    }
  }

  async #readCommon(): Promise<readonly string[]> {
    const bundles = await Promise.all((this.#settings.bundles ?? []).map(readBundle));
    return [...(await readSystemBundle()), ...bundles];
  }
}
