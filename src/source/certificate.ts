import { rootCertificates } from "node:tls";
import { Fault, reasonOf } from "../std/fault.ts";
import { readText } from "../std/file.ts";
import type { HostPath } from "../std/path.ts";

/** Certificates in PEM form, one each. */
export interface Certificates {
  /** Those beyond the ones every system trusts. */
  readonly extra: readonly string[];
  /** Those, and the ones every system trusts. */
  readonly all: readonly string[];
}

// Where distributions keep what they trust: Debian, Fedora, SUSE, Alpine.
const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

const block = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END (?:TRUSTED )?CERTIFICATE-----/g;

/** The DER form of a certificate in PEM form. */
export function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64");
}

/** The certificates in a text, each once, in the same form whatever stands around them. */
export function parseCertificates(text: string): string[] {
  const bodies = [...text.matchAll(block)].map((match) => match[1]!.replace(/\s+/g, ""));
  return [...new Set(bodies)].map((body) => {
    const lines = body.match(/.{1,64}/g) ?? [];
    return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
  });
}

/** The public ones Node comes with, and `given` beside them. */
function beyondPublic(given: readonly string[]): Certificates {
  const common = rootCertificates.flatMap(parseCertificates);
  const known = new Set(common);
  const extra = given.filter((certificate) => !known.has(certificate));
  return { extra, all: [...common, ...extra] };
}

async function readOne(path: string): Promise<string[]> {
  let text: string | undefined;
  try {
    text = await readText(path);
  } catch (cause) {
    throw new Fault("certificates.read", `Cannot read certificates at ${path}: ${reasonOf(cause)}`, {
      exit: "usage",
      cause,
    });
  }
  const found = parseCertificates(text ?? "");
  if (found.length > 0) return found;
  const because = text === undefined ? "there is no such file" : "there are none in PEM form";
  throw new Fault("certificates.read", `Cannot read certificates at ${path}: ${because}`, {
    exit: "usage",
    hint: "a file of certificates has lines like -----BEGIN CERTIFICATE-----",
  });
}

/** What this machine trusts: the file the environment names, else the system's; and those Node is told to add. */
async function readHost(env: Readonly<Record<string, string | undefined>>): Promise<string[]> {
  const { SSL_CERT_FILE: named, NODE_EXTRA_CA_CERTS: added } = env;
  const texts: string[] = [];
  for (const path of named ? [named] : systemBundles) {
    const text = await readText(path).catch(() => undefined);
    if (text !== undefined) texts.push(text);
    if (text !== undefined) break;
  }
  if (added) texts.push((await readText(added).catch(() => undefined)) ?? "");
  return parseCertificates(texts.join("\n"));
}

/** The certificates of files, and with `host` of this machine. Throws Fault `certificates.read` for a file without any. */
export async function readCertificates(
  sources: readonly ("host" | HostPath)[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Certificates> {
  const read = await Promise.all(sources.map((source) => (source === "host" ? readHost(env) : readOne(source))));
  return beyondPublic([...new Set(read.flat())]);
}
