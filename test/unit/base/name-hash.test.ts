import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { subjectHash } from "../../../src/base/name-hash.ts";
import { faultOf } from "../../support/fault.ts";
import { peer } from "../../support/peer.ts";

/** A self-signed certificate with this subject. */
function certificate(openssl: string, subject: string, ...more: string[]): string {
  const args = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-subj", subject, ...more];
  return execFileSync(openssl, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

describe("the name OpenSSL looks a certificate up by", () => {
  it.for([
    ["/C=US/O=Example Inc/CN=Example Root"],
    ["/CN=  Two   Spaces and CASE  "],
    ["/C=HU/O=Főtanúsítvány/CN=Ünïcode Root", "-utf8"],
    ["/O=One+OU=Two/CN=several in one", "-multivalue-rdn"],
    ["/emailAddress=Root@Example.ORG/CN=mail"],
    ["/"],
  ])("%s", ([subject, ...more], test) => {
    const openssl = peer("openssl", test);
    const pem = certificate(openssl, subject!, ...more);
    const expected = execFileSync(openssl, ["x509", "-noout", "-subject_hash"], {
      input: pem,
      encoding: "utf8",
    }).trim();
    expect(subjectHash(new X509Certificate(pem).raw)).toBe(expected);
  });

  it("is that of a certificate only", () => {
    for (const bytes of ["", "30", "3003020101", "30820101", "3080"])
      expect(faultOf(() => subjectHash(Buffer.from(bytes, "hex"))).code).toBe("base.certificate");
  });
});
