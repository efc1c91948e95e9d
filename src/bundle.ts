import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type HostPath, hostPath, under } from "./std/path.ts";

const root = hostPath(fileURLToPath(new URL("..", import.meta.url)));

/** What ships inside this package beside the code. */
export const bundle = {
  /** The version of this package. */
  version: (): string => (JSON.parse(readFileSync(under(root, "package.json"), "utf8")) as { version: string }).version,
  /** The builder used when none is named. */
  builder: under(root, "buildpacks", "builder.toml"),
  /** What a run image for the bundled buildpacks consists of, security updates and all. */
  base: under(root, "samples", "base", "base-security.toml"),
  /** The launcher that goes into images for this architecture (in OCI's words). */
  launcher: (arch: string): HostPath => under(root, "launcher", "dist", `launcher-linux-${arch}`),
} as const;
