import { namesIn, readText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import { runProgram } from "./program.ts";
import { parseListFile, parseSourcesFile, type Source } from "./source.ts";

/** What this machine knows of its own distribution. */
export interface Machine {
  /** The sources of its apt configuration, in the order apt reads them. */
  readonly sources: readonly Source[];
  /** `ID` of os-release. */
  readonly distribution: string | undefined;
  /** `VERSION_CODENAME` of os-release. */
  readonly release: string | undefined;
}

async function readSources(file: HostPath): Promise<Source[]> {
  const text = await readText(file);
  if (text === undefined) return [];
  return file.endsWith(".sources") ? parseSourcesFile(text, file) : parseListFile(text, file);
}

/** Where apt looks for sources: its own answer, so that a configuration that moves them is followed. */
async function sourceFiles(signal: AbortSignal | undefined): Promise<HostPath[]> {
  const { stdout } = await runProgram(
    "apt-config",
    ["shell", "LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"],
    signal,
  );
  const place = (name: string) => new RegExp(`^${name}='(/.*)'$`, "m").exec(stdout)?.[1];
  const [list, parts] = [place("LIST"), place("PARTS")];
  const names = parts === undefined ? [] : await namesIn(parts);
  return [
    ...(list === undefined ? [] : [hostPath(list)]),
    ...names.filter((name) => /^[\w.-]+\.(list|sources)$/.test(name)).map((name) => under(hostPath(parts!), name)),
  ];
}

/** Reads apt's sources and os-release of this machine; changes nothing. Throws Fault `base.tools` where there is no apt. */
export async function readMachine(signal: AbortSignal | undefined): Promise<Machine> {
  const files = await sourceFiles(signal);
  const sources = (await Promise.all(files.map(readSources))).flat();
  const text = (await readText("/etc/os-release")) ?? (await readText("/usr/lib/os-release")) ?? "";
  const entry = (name: string) => new RegExp(`^${name}=["']?([\\w.-]+)`, "m").exec(text)?.[1];
  return { sources, distribution: entry("ID"), release: entry("VERSION_CODENAME") };
}
