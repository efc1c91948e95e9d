import { X509Certificate } from "node:crypto";
import { posix } from "node:path";
import { compareBytes } from "../std/byte.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { type ByteString, textOf } from "../tar/name.ts";
import { subjectHash } from "./name-hash.ts";
import { fileNode, linkNode, put, readFileAt, type Tree } from "./tree.ts";

const shipped = "usr/share/ca-certificates/";
const local = "usr/local/share/ca-certificates/";
const trusted = "etc/ssl/certs";

/** The certificates in the order update-ca-certificates takes them: those of packages, then the administrator's, each by name. */
function certificatesIn(tree: Tree): ByteString[] {
  const below = (folder: string) =>
    [...tree]
      .filter(([path, node]) => path.startsWith(folder) && path.endsWith(".crt") && node.type === "file")
      .map(([path]) => path)
      .sort();
  return [...below(shipped), ...below(local)];
}

const linkName = (path: ByteString) =>
  `${posix.basename(textOf(path), ".crt").replaceAll(" ", "_").replace(/[()]/g, "=").replaceAll(",", "_")}.pem`;

/**
 * Makes `/etc/ssl/certs` what update-ca-certificates makes of the certificates in the tree: the bundle `ca-certificates.crt`, a link
 * to each certificate, and the links under which OpenSSL looks them up by subject. Throws Fault `base.certificate`.
 */
export async function installCertificates(tree: Tree): Promise<void> {
  const paths = certificatesIn(tree);
  if (paths.length === 0) return;
  const bundle: string[] = [];
  const hashes = new Map<string, { hash: string; fingerprint: string }>();
  for (const path of paths) {
    const text = (await readFileAt(tree, path))!;
    bundle.push(text.endsWith("\n") ? text : `${text}\n`);
    try {
      const certificate = new X509Certificate(text);
      hashes.set(linkName(path), { hash: subjectHash(certificate.raw), fingerprint: certificate.fingerprint256 });
    } catch (cause) {
      throw new Fault("base.certificate", `Cannot use certificate at /${textOf(path)}: ${reasonOf(cause)}`, {
        hint: "a certificate is one PEM block",
        cause,
      });
    }
    put(tree, `${trusted}/${linkName(path)}`, linkNode(`/${textOf(path)}`));
  }
  put(tree, `${trusted}/ca-certificates.crt`, fileNode(bundle.join("")));
  const listed = paths.filter((path) => path.startsWith(shipped)).map((path) => textOf(path.slice(shipped.length)));
  put(tree, "etc/ca-certificates.conf", fileNode(`${listed.join("\n")}\n`));
  const seen = new Map<string, Set<string>>();
  for (const [name, { hash, fingerprint }] of [...hashes].sort(([a], [b]) => compareBytes(a, b))) {
    const same = seen.get(hash) ?? new Set();
    if (!same.has(fingerprint)) put(tree, `${trusted}/${hash}.${same.size}`, linkNode(name));
    seen.set(hash, same.add(fingerprint));
  }
}
