import { Fault } from "../std/fault.ts";

/** What an image runs on, in OCI's words (`linux`, `amd64`, `v8`); absent fields match anything. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly "os.version"?: string;
}

/** `os/architecture[/variant]`. */
export function formatPlatform(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant].filter(Boolean).join("/");
}

/** `os/architecture[/variant]` to platform; throws Fault `platform.parse`. */
export function parsePlatform(text: string): Platform {
  const found = /^([a-z0-9]+)\/([a-z0-9_]+)(?:\/([a-z0-9.]+))?$/.exec(text);
  if (found) return { os: found[1]!, architecture: found[2]!, ...(found[3] && { variant: found[3] }) };
  throw new Fault(
    "platform.parse",
    `Cannot understand platform "${text.slice(0, 100)}": expected os/architecture[/variant]`,
    {
      exit: "usage",
      hint: "for instance linux/arm64",
    },
  );
}

const architectures: Record<string, string> = {
  x64: "amd64",
  arm64: "arm64",
  arm: "arm",
  ia32: "386",
  ppc64: "ppc64le",
  riscv64: "riscv64",
  s390x: "s390x",
};

/** OCI's name for an architecture as Node spells it (`x64` → `amd64`); an unknown one stays as it is. */
export function ociArchitecture(nodeArch: string): string {
  return architectures[nodeArch] ?? nodeArch;
}

/** Whether an image for `have` runs where `want` is asked for: os and architecture equal, variant equal or absent on a side. */
export function isPlatformFor(have: Platform, want: Platform): boolean {
  return (
    have.os === want.os &&
    have.architecture === want.architecture &&
    (!have.variant || !want.variant || have.variant === want.variant)
  );
}
