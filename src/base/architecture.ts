import { ociArchitecture } from "../oci/platform.ts";

const debian: Readonly<Record<string, string>> = {
  "386": "i386",
  arm: "armhf",
  ppc64le: "ppc64el",
  mips64le: "mips64el",
};

/** Debian's name for an architecture as OCI spells it (`ppc64le` is `ppc64el`); most are the same. */
export function debianArchitecture(oci: string): string {
  return debian[oci] ?? oci;
}

/** OCI's name of this machine's architecture. */
export function machineArchitecture(): string {
  return ociArchitecture(process.arch);
}
