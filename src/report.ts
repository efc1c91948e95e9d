import { bundle } from "./bundle.ts";
import { buildpackApis, platformApi } from "./cnb/api.ts";
import { configPath } from "./config/file.ts";
import { readText } from "./std/file.ts";
import type { HostPath } from "./std/path.ts";
import { isTable, parseToml, type TomlValue } from "./std/toml.ts";
import { formatToml, type Writable, type WritableTable } from "./std/toml-write.ts";

/** What a report on this installation says. */
export interface InstallationReport {
  readonly version: string;
  /** Of the Node.js that runs it. */
  readonly node: string;
  /** `os/architecture`, in Node's words. */
  readonly machine: string;
  readonly platformApi: string;
  readonly buildpackApis: readonly string[];
  /** The configuration, with every text in it struck out unless it was asked for as it is; undefined when there is none. */
  readonly config: string | undefined;
}

/** Texts that tell nothing about anybody. */
const harmless: readonly string[] = ["pull-policy", "type"];

function struckOut(value: TomlValue, key: string): Writable {
  if (typeof value === "string") return harmless.includes(key) ? value : "[REDACTED]";
  if (Array.isArray(value)) return value.map((item: TomlValue) => struckOut(item, key));
  return isTable(value) ? redacted(value) : value;
}

/** Keys of mirrors are names of hosts, so they count as texts. */
function redacted(table: Readonly<Record<string, TomlValue>>): WritableTable {
  const pairs = Object.entries(table).map(([key, value], at): [string, Writable] => [
    /^[a-z-]+$/.test(key) ? key : `[REDACTED] ${at + 1}`,
    struckOut(value, key),
  ]);
  return Object.fromEntries(pairs);
}

/** Gathers what those who help need to know of this installation. Throws Fault `toml.parse` for a broken configuration. */
export async function report(options: {
  readonly home: HostPath;
  readonly explicit: boolean;
}): Promise<InstallationReport> {
  const path = configPath(options.home);
  const text = await readText(path);
  return {
    version: bundle.version(),
    node: process.version,
    machine: `${process.platform}/${process.arch}`,
    platformApi,
    buildpackApis,
    config: text === undefined || options.explicit ? text : formatToml(redacted(parseToml(text, path))),
  };
}
