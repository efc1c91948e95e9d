import { createHash } from "node:crypto";

/** The password every Java knows a truststore by; it keeps nothing secret. */
export const truststorePassword = "changeit";

const trusted = 2;

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Text as Java's `writeUTF` has it; ours is ASCII. */
function text(value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([length, Buffer.from(value, "latin1")]);
}

/** Java's own form of a file of trusted certificates (JKS, version 2), which every Java since 1.2 reads. `certificates` are in DER form. */
export function encodeTruststore(certificates: readonly Uint8Array[]): Buffer {
  const entries = certificates.flatMap((der, index) => [
    ...[number(trusted), text(`ca-${index + 1}`), Buffer.alloc(8), text("X.509")],
    ...[number(der.length), der],
  ]);
  const body = Buffer.concat([number(0xfeedfeed), number(2), number(certificates.length), ...entries]);
  const password = Buffer.from(truststorePassword, "utf16le").swap16();
  const seal = createHash("sha1").update(password).update("Mighty Aphrodite").update(body).digest();
  return Buffer.concat([body, seal]);
}
