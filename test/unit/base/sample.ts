import { afterAll, type TestContext } from "vitest";
import type { BaseOptions } from "../../../src/base/create.ts";
import { type DebianArchive, type DebianPackage, debianArchive } from "../../support/debian-archive.ts";

/** The packages of a small release: one of each kind that matters. */
export const release: readonly DebianPackage[] = [
  {
    name: "base-files",
    files: {
      "/usr/lib/os-release": 'ID=test\nVERSION_ID="7"\n',
      "/etc/os-release": "-> ../usr/lib/os-release",
      "/bin/": "",
      "/tmp/": "",
    },
  },
  {
    name: "app",
    version: "2:1.0~rc1-1",
    fields: { Depends: "lib (>= 1)" },
    files: { "/bin/app": "old place", "/usr/bin/app-link": "-> /bin/app", "/etc/app.conf": "a = 1\n" },
    conffiles: ["/etc/app.conf"],
  },
  {
    name: "lib",
    version: "1.0-1",
    fields: { "Multi-Arch": "same", Provides: "virtual-lib" },
    files: {
      "/lib/libx.so.1": "x".repeat(100),
      "/usr/lib/libx-again.so.1": "= /lib/libx.so.1",
      "/usr/share/doc/lib/copyright": "free",
      "/usr/share/doc/lib/README": "read",
      "/usr/share/man/man1/lib.1": "man",
    },
  },
  { name: "heavy", files: { "/usr/lib/heavy": "0".repeat(3 << 20) } },
  { name: "tool-a", fields: { Provides: "tool" } },
  { name: "tool-b", fields: { Provides: "tool" } },
  { name: "needy", fields: { Depends: "helper, base-files" }, files: { "/usr/bin/needy": "n" } },
  { name: "helper", fields: { Depends: "tool-a" }, files: { "/usr/bin/helper": "h" } },
  { name: "rival", files: { "/usr/bin/app": "rival" } },
  { name: "heir", fields: { Replaces: "app (<< 9)" }, files: { "/usr/bin/app": "heir" } },
  { name: "broken", fields: { Depends: "lib (>= 9)" } },
];

/** What came after the release. */
const security: readonly DebianPackage[] = [
  { name: "lib", version: "1.0-2", fields: { "Multi-Arch": "same" }, files: { "/lib/libx.so.1": "patched" } },
];

/** The options that make a base from an archive. */
export function from(archive: DebianArchive): Pick<BaseOptions, "mirrors" | "keyring"> {
  return { mirrors: [{ url: archive.url }], keyring: archive.keyring };
}

let shared: DebianArchive | undefined;
afterAll(() => shared?.[Symbol.dispose]());

/** The release, its empty updates and its security suite, made once for a file of tests. */
export function sample(test: TestContext): DebianArchive {
  shared ??= debianArchive(test, { one: release, "one-updates": [], "one-security": security });
  return shared;
}

/** The text of a base.toml with these packages. */
export function definition(packages: readonly string[], more = ""): string {
  return `release = "one"\npackages = ${JSON.stringify(packages)}\n${more}`;
}
