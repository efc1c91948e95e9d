import type { GuestPath } from "../std/path.ts";
import type { Environment } from "./environment.ts";

/** Which proxies programs take; `exceptions` is a list as that of `NO_PROXY`. */
export interface Proxies {
  readonly http?: string;
  readonly https?: string;
  readonly exceptions?: string;
}

/** Files of certificates as scripts see them: `bundle` is all they are to trust, `extra` what comes on top of the public ones. */
export interface CertificatePlaces {
  readonly bundle: GuestPath;
  readonly extra: GuestPath;
  /** Java's own form of the bundle, and its password. */
  readonly truststore: GuestPath;
  readonly password: string;
}

function certificateVariables({ bundle, extra }: CertificatePlaces): Environment {
  return {
    // OpenSSL, Go, Ruby, Rust.
    SSL_CERT_FILE: bundle,
    CURL_CA_BUNDLE: bundle,
    GIT_SSL_CAINFO: bundle,
    PIP_CERT: bundle,
    REQUESTS_CA_BUNDLE: bundle,
    CARGO_HTTP_CAINFO: bundle,
    // Node has the public ones built in.
    NODE_EXTRA_CA_CERTS: extra,
  };
}

function proxyVariables({ http, https, exceptions }: Proxies): Environment {
  const values = { http_proxy: http, https_proxy: https, no_proxy: exceptions };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      // Some programs read one spelling, some the other.
      value === undefined ? [] : [[name, value] as const, [name.toUpperCase(), value] as const],
    ),
  );
}

function javaProxy(kind: "http" | "https", text: string | undefined): string[] {
  const url = text === undefined ? undefined : text.includes("://") ? text : `http://${text}`;
  if (url === undefined || !URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  return [`-D${kind}.proxyHost=${hostname}`, `-D${kind}.proxyPort=${port || (protocol === "https:" ? "443" : "80")}`];
}

/** Java's list of exceptions: names with stars, and bars between them. */
function javaExceptions(exceptions: string | undefined): string[] {
  const names = (exceptions ?? "").split(/[\s,]+/).filter((name) => name !== "" && !name.includes("/"));
  if (names.length === 0) return [];
  const patterns = names.flatMap((name) =>
    name === "*" ? ["*"] : [name.replace(/^\./, "*."), `*.${name.replace(/^\*?\./, "")}`],
  );
  return [`-Dhttp.nonProxyHosts=${[...new Set(patterns)].join("|")}`];
}

function javaVariables(certificates: CertificatePlaces | undefined, proxies: Proxies | undefined): Environment {
  const words = [
    ...(certificates === undefined
      ? []
      : [
          `-Djavax.net.ssl.trustStore=${certificates.truststore}`,
          `-Djavax.net.ssl.trustStorePassword=${certificates.password}`,
        ]),
    ...javaProxy("http", proxies?.http),
    ...javaProxy("https", proxies?.https),
    ...(proxies?.http || proxies?.https ? javaExceptions(proxies.exceptions) : []),
  ];
  return words.length === 0 ? {} : { JAVA_TOOL_OPTIONS: words.join(" ") };
}

/** The variables by which curl, git, npm, pip, Go, Java and others take a company's certificates and proxies. */
export function companyVariables(
  certificates: CertificatePlaces | undefined,
  proxies: Proxies | undefined,
): Environment {
  return {
    ...(certificates && certificateVariables(certificates)),
    ...(proxies && proxyVariables(proxies)),
    ...javaVariables(certificates, proxies),
  };
}
