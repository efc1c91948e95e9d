import { createHash } from "node:crypto";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { Fault } from "../std/fault.ts";
import { makeDirectory } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";
import { systemFault } from "../store/failure.ts";
import { formatParagraph } from "./paragraph.ts";
import { type Outcome, runProgram } from "./program.ts";

/** An apt of our own below a private directory: it reads the machine's proxies, credentials and keys, and none of its state. */
export interface Apt {
  readonly root: HostPath;
  readonly lists: HostPath;
  readonly archives: HostPath;
  /** Runs `apt-get` or `apt-cache` against the private state. */
  run(program: "apt-get" | "apt-cache", args: readonly string[]): Promise<Outcome>;
  /** Makes these the only sources; the text is a deb822 file. */
  setSources(text: string): Promise<void>;
}

/** What an `apt` is opened with. */
export interface AptOptions {
  /** Debian's name of the architecture. */
  readonly architecture: string;
  /** Packages to count as installed. */
  readonly without: readonly string[];
  readonly pins: ReadonlyMap<string, string>;
  readonly signal?: AbortSignal | undefined;
}

/** Hooks of the machine's configuration must not run for us, and its choices must not change what we resolve. */
function configurationOf(root: HostPath, architecture: string): string {
  const cleared = [
    "APT::Update::Pre-Invoke",
    "APT::Update::Post-Invoke",
    "APT::Update::Post-Invoke-Success",
    "APT::Architectures",
    "APT::Default-Release",
    "DPkg::Pre-Invoke",
    "DPkg::Post-Invoke",
    "DPkg::Pre-Install-Pkgs",
  ];
  const values: Readonly<Record<string, string>> = {
    "Dir::State": root,
    "Dir::State::lists": `${root}/lists`,
    "Dir::State::status": `${root}/status`,
    "Dir::State::extended_states": `${root}/extended_states`,
    "Dir::Cache": root,
    "Dir::Cache::archives": `${root}/archives`,
    "Dir::Cache::pkgcache": "pkgcache.bin",
    "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
    "Dir::Etc::sourcelist": `${root}/base.sources`,
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::Etc::preferences": `${root}/preferences`,
    "Dir::Etc::preferencesparts": "/dev/null",
    "Dir::Log": root,
    "APT::Architecture": architecture,
    "APT::Install-Recommends": "0",
    "APT::Install-Suggests": "0",
    "APT::Solver": "internal",
    "APT::Update::Error-Mode": "any",
    "APT::Get::AllowUnauthenticated": "0",
    "Acquire::AllowInsecureRepositories": "0",
    "Acquire::AllowWeakRepositories": "0",
    "Acquire::ForceHash": "SHA256",
    "Acquire::Languages": "none",
    "Acquire::PDiffs": "0",
    "Acquire::GzipIndexes": "1",
  };
  return [
    ...cleared.map((name) => `#clear ${name};`),
    ...Object.entries(values).map(([name, value]) => `${name} "${value}";`),
    `APT::Architectures { "${architecture}"; };`,
    "",
  ].join("\n");
}

/** A package that is not there but counts as installed, newer than any. */
function pretended(name: string, architecture: string): string {
  return formatParagraph([
    ["Package", name],
    ["Status", "install ok installed"],
    ["Architecture", architecture],
    ["Multi-Arch", "foreign"],
    ["Version", "9999:0"],
    ["Maintainer", "nobody"],
    ["Description", "left out of this base"],
  ]);
}

function preferencesOf(pins: ReadonlyMap<string, string>): string {
  return [...pins]
    .map(([name, version]) =>
      formatParagraph([
        ["Package", name],
        ["Pin", `version ${version}`],
        ["Pin-Priority", "1001"],
      ]),
    )
    .join("");
}

/** Prepares an apt below `root`, an empty directory that the caller removes. Throws Fault `base.directory` for a path apt cannot take. */
export async function prepareApt(root: HostPath, options: AptOptions): Promise<Apt> {
  if (/["\\;\n]/.test(root))
    throw new Fault("base.directory", `Cannot run apt at ${root}: its configuration cannot hold such a path`, {
      hint: "choose a directory for temporary files without quotes, semicolons and backslashes",
    });
  // As root apt fetches under an account of its own, which must be able to get here.
  await chmod(root, 0o755);
  for (const name of ["lists", "lists/partial", "archives", "archives/partial"]) await makeDirectory(under(root, name));
  // Sources may hold credentials.
  const write = (name: string, text: string) => writeFile(under(root, name), text, { mode: 0o600 });
  await write("apt.conf", configurationOf(root, options.architecture));
  await write("status", options.without.map((name) => pretended(name, options.architecture)).join(""));
  await write("preferences", preferencesOf(options.pins));
  return {
    root,
    lists: under(root, "lists"),
    archives: under(root, "archives"),
    run: (program, args) => runProgram(program, ["-c", under(root, "apt.conf"), ...args], options.signal),
    setSources: (text) => write("base.sources", text),
  };
}

/**
 * A copy of a file of keys, armored or not, that apt can read under whatever account it verifies; the copy's name is that of its content.
 * Throws Fault `store.system` when it cannot be read.
 */
export async function copyKeyring(apt: Apt, file: HostPath): Promise<HostPath> {
  try {
    const keys = await readFile(file);
    const kind = keys.subarray(0, 14).toString("latin1") === "-----BEGIN PGP" ? "asc" : "gpg";
    const copy = under(apt.root, `${createHash("sha256").update(keys).digest("hex")}.${kind}`);
    await writeFile(copy, keys);
    await chmod(copy, 0o644);
    return copy;
  } catch (error) {
    throw systemFault("read keyring", file, error);
  }
}

/** What apt complained about, in its own words: errors first, then warnings, each once. */
export function complaintsOf(outcome: Outcome): string[] {
  const lines = outcome.stderr.split("\n");
  const marked = (mark: string) => lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
  return [...new Set([...marked("E: "), ...marked("W: ")])];
}
