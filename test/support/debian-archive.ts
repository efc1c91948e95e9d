import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { debianArchitecture, machineArchitecture } from "../../src/base/architecture.ts";
import { type HostPath, hostPath } from "../../src/std/path.ts";
import { peer } from "./peer.ts";

/** A package to build: control fields beside the usual ones, and files by absolute path. */
export interface DebianPackage {
  readonly name: string;
  readonly version?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** Content, or a link: `-> target` for a symbolic one, `= /path` for a hard one; a path that ends with a slash is a directory. */
  readonly files?: Readonly<Record<string, string>>;
  readonly conffiles?: readonly string[];
}

/** A signed archive of Debian packages on disk. */
export interface DebianArchive extends Disposable {
  readonly directory: HostPath;
  /** For apt: `file:` and the directory. */
  readonly url: string;
  readonly keyring: HostPath;
}

/** The architecture packages are built for, as Debian calls it. */
export const architecture = debianArchitecture(machineArchitecture());

function buildPackage(scratch: string, pool: string, item: DebianPackage): string {
  const { name, version = "1.0", fields = {}, files = {}, conffiles } = item;
  const root = join(scratch, `${name}_${version}`);
  mkdirSync(join(root, "DEBIAN"), { recursive: true });
  const control = {
    Package: name,
    Version: version,
    Architecture: architecture,
    Maintainer: "Nobody <nobody@example.org>",
    Description: `${name} for tests`,
    ...fields,
  };
  writeFileSync(
    join(root, "DEBIAN/control"),
    `${Object.entries(control)
      .map(([key, value]) => `${key}: ${value}`)
      .join("\n")}\n`,
  );
  if (conffiles) writeFileSync(join(root, "DEBIAN/conffiles"), `${conffiles.join("\n")}\n`);
  const sums: string[] = [];
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    mkdirSync(path.endsWith("/") ? file : dirname(file), { recursive: true });
    if (path.endsWith("/")) continue;
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), file);
    else if (content.startsWith("= ")) linkSync(join(root, content.slice(2)), file);
    else {
      writeFileSync(file, content);
      chmodSync(file, 0o644);
      sums.push(`${createHash("md5").update(content).digest("hex")}  ${path.slice(1)}`);
    }
  }
  writeFileSync(join(root, "DEBIAN/md5sums"), sums.map((line) => `${line}\n`).join(""));
  execFileSync("chmod", ["-R", "u+rwX,go+rX,go-w", root]);
  const file = join(pool, `${name}_${version}_${fields["Architecture"] ?? architecture}.deb`);
  execFileSync("dpkg-deb", ["--root-owner-group", "-Zgzip", "--build", root, file], { stdio: "ignore" });
  return file;
}

function hashed(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function packagesFile(directory: string, files: readonly string[]): string {
  return files
    .map((file) => {
      const bytes = readFileSync(file);
      const control = execFileSync("dpkg-deb", ["--field", file], { encoding: "utf8" });
      return `${control.trimEnd()}\nFilename: ${file.slice(directory.length + 1)}\nSize: ${bytes.length}\nSHA256: ${hashed(bytes)}\n\n`;
    })
    .join("");
}

/**
 * Builds packages and an archive with these suites, signed with a key made for it. Skips the test where dpkg-deb, apt-get or gpg are
 * missing. Disposing removes it.
 */
export function debianArchive(
  test: { skip(note?: string): never },
  suites: Readonly<Record<string, readonly DebianPackage[]>>,
  origin = "Test",
): DebianArchive {
  for (const program of ["dpkg-deb", "apt-get", "gpg", "gpgconf"]) peer(program, test);
  const home = mkdtempSync(join(tmpdir(), "archive-"));
  const gpgHome = join(home, "gpg");
  const gpg = (...args: string[]) =>
    execFileSync("gpg", ["--homedir", gpgHome, "--batch", "--quiet", "--passphrase", "", ...args], { stdio: "ignore" });
  const dispose = () => {
    execFileSync("gpgconf", ["--homedir", gpgHome, "--kill", "all"], { stdio: "ignore" });
    rmSync(home, { recursive: true, force: true });
  };
  try {
    chmodSync(home, 0o755);
    mkdirSync(gpgHome, { mode: 0o700 });
    gpg("--quick-generate-key", "archive@example.org", "ed25519", "sign", "never");
    const keyring = join(home, "keyring.gpg");
    gpg("--output", keyring, "--export");
    const directory = join(home, "archive");
    const pool = join(directory, "pool");
    mkdirSync(pool, { recursive: true });
    for (const [suite, packages] of Object.entries(suites)) {
      const scratch = mkdtempSync(join(home, "build-"));
      const files = packages.map((item) => buildPackage(scratch, pool, item));
      const lists = join(directory, "dists", suite, "main", `binary-${architecture}`);
      mkdirSync(lists, { recursive: true });
      const list = Buffer.from(packagesFile(directory, files));
      writeFileSync(join(lists, "Packages"), list);
      const release = [
        `Origin: ${origin}`,
        `Suite: ${suite}`,
        `Codename: ${suite}`,
        `Date: ${new Date().toUTCString().replace("GMT", "UTC")}`,
        `Architectures: ${architecture}`,
        "Components: main",
        "SHA256:",
        ` ${hashed(list)} ${list.length} main/binary-${architecture}/Packages`,
        "",
      ].join("\n");
      const plain = join(scratch, "Release");
      writeFileSync(plain, release);
      gpg("--output", join(directory, "dists", suite, "InRelease"), "--clearsign", plain);
    }
    execFileSync("chmod", ["-R", "a+rX", directory, keyring]);
    return {
      directory: hostPath(directory),
      url: `file:${directory}`,
      keyring: hostPath(keyring),
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** The `.deb` files of an archive. */
export function poolOf(archive: DebianArchive): string[] {
  return readdirSync(join(archive.directory, "pool")).map((name) => join(archive.directory, "pool", name));
}
