import { type CertificatePlaces, companyVariables, type Proxies } from "../cnb/company.ts";
import type { Environment } from "../cnb/environment.ts";
import type { Binding } from "../phase/platform.ts";
import { type Certificates, derOf, readCertificates } from "../source/certificate.ts";
import { encodeTruststore, truststorePassword } from "../source/truststore.ts";
import { makeDirectory, writeText } from "../std/file.ts";
import { hostPath, type Place, placeUnder } from "../std/path.ts";

/** What a company's network takes, given to buildpacks when asked for and never part of an image. */
export interface CompanyOptions {
  /** Certificates to trust in the build: `host` for what this machine trusts, or absolute paths of files in PEM form. */
  readonly caCertificates?: readonly string[];
  /** The proxies programs of the build are to take. */
  readonly proxies?: Proxies;
}

/** What buildpacks get of it. */
export interface Company {
  readonly variables: Environment;
  readonly bindings: Readonly<Record<string, Binding>>;
}

async function writeCertificates({ extra, all }: Certificates, directory: Place): Promise<CertificatePlaces> {
  const [bundle, own, truststore] = ["bundle.pem", "extra.pem", "truststore.jks"].map((name) =>
    placeUnder(directory, name),
  ) as [Place, Place, Place];
  await makeDirectory(directory.host);
  await writeText(bundle.host, all.join(""));
  await writeText(own.host, extra.join(""));
  await writeText(truststore.host, encodeTruststore(all.map(derOf)));
  return { bundle: bundle.guest, extra: own.guest, truststore: truststore.guest, password: truststorePassword };
}

function bindingOf(certificates: readonly string[]): Record<string, Binding> {
  if (certificates.length === 0) return {};
  // One file for each: not every reader looks for a second one.
  const files = certificates.map((pem, index) => [`ca-${index + 1}.pem`, pem] as const);
  return { "ca-certificates": { type: "ca-certificates", ...Object.fromEntries(files) } };
}

/** Puts certificates below the platform directory and says by which variables programs find them, and their proxies. */
export async function openCompany(
  { caCertificates = [], proxies }: CompanyOptions,
  env: Readonly<Record<string, string | undefined>>,
  platform: Place,
): Promise<Company> {
  if (caCertificates.length === 0) return { variables: companyVariables(undefined, proxies), bindings: {} };
  const sources = caCertificates.map((source) => (source === "host" ? source : hostPath(source)));
  const certificates = await readCertificates(sources, env);
  const places = await writeCertificates(certificates, placeUnder(platform, "ca-certificates"));
  return { variables: companyVariables(places, proxies), bindings: bindingOf(certificates.extra) };
}
