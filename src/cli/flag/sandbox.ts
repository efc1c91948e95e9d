import { type Command, InvalidArgumentError, Option } from "commander";
import type { Proxies } from "../../cnb/company.ts";
import type { Context } from "../context.ts";
import { parseId, parsePairs, parseVolume, pathFrom, repeatedWhole } from "../input.ts";

/** What `addSandboxFlags` adds. */
export interface SandboxFlags {
  readonly sandbox?: "namespace" | "docker" | "host";
  readonly network?: string;
  readonly memory?: number;
  readonly cpus?: number;
  readonly caCertificates?: string[];
  readonly proxy?: string;
  readonly volume?: string[];
  readonly binding?: string[];
  readonly workspace?: string;
  readonly uid?: string;
  readonly gid?: string;
}

/** Adds the flags that say where buildpacks run and what they see there. */
export function addSandboxFlags(command: Command): Command {
  return command
    .option("--volume <HOST:GUEST[:ro|rw]>", "show a host directory to the buildpacks (repeatable)", repeatedWhole)
    .option(
      "--binding <NAME=DIR>",
      "a service binding for detect and build, never in the image (repeatable)",
      repeatedWhole,
    )
    .option("--workspace <dir>", "where the app is in the build and the image (default: workspace)")
    .option("--uid <id>", "the user buildpacks run as and layers belong to (default: the base's)")
    .option("--gid <id>", "the group buildpacks run as and layers belong to (default: the base's)")
    .option("--network <name>", "the network buildpacks see: host (default), none, or one of Docker's by name")
    .option(
      "--ca-certificates <file>",
      "certificates buildpacks are to trust, or host for what this machine trusts; never in the image (repeatable)",
      repeatedWhole,
    )
    .option("--proxy <url>", "the proxy buildpacks are to take, or host for those this environment names")
    .option("--memory <size>", "the most memory buildpacks may take, as 2g (sandbox docker)", parseSize)
    .option("--cpus <number>", "the most cores buildpacks may take, as 1.5 (sandbox docker)", parseCores)
    .addOption(
      new Option("--sandbox <kind>", "where buildpacks run (default: the safest that works here)").choices([
        "namespace",
        "docker",
        "host",
      ]),
    );
}

const units: Readonly<Record<string, number>> = { b: 0, k: 1, m: 2, g: 3 };

/** Bytes as Docker's flags have them: a number and b, k, m or g. */
function parseSize(text: string): number {
  const [, count, unit = "b"] = /^(\d+(?:\.\d+)?)([bkmg])?b?$/i.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError("It takes a number and a unit, as 512m or 2g.");
  return Math.round(Number(count) * 1024 ** units[unit.toLowerCase()]!);
}

function parseCores(text: string): number {
  const count = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (count <= 0) throw new InvalidArgumentError("It takes a number of cores, as 1.5.");
  return count;
}

function bindingPaths(context: Context, pairs: readonly string[]): Record<string, string> {
  const named = Object.entries(parsePairs("binding", pairs));
  return Object.fromEntries(named.map(([name, directory]) => [name, pathFrom(context.cwd, directory)]));
}

/** The proxies of the environment, or one for everything but what the environment takes from it. */
async function proxiesOf({ env }: Context, text: string): Promise<Proxies> {
  const { proxySettingsOf } = await import("../../store/registry/proxy.ts");
  const { exceptions, ...proxies } = proxySettingsOf(env);
  return { ...(text === "host" ? proxies : { http: text, https: text }), ...(exceptions && { exceptions }) };
}

/** The options of the library that these flags fill. */
export async function sandboxOptions(context: Context, flags: SandboxFlags) {
  return {
    volumes: (flags.volume ?? []).map((text) => parseVolume(text, context.cwd)),
    ...(flags.binding && { bindings: bindingPaths(context, flags.binding) }),
    ...(flags.workspace !== undefined && { workspace: flags.workspace }),
    ...(flags.uid !== undefined && { uid: parseId("uid", flags.uid) }),
    ...(flags.gid !== undefined && { gid: parseId("gid", flags.gid) }),
    ...(flags.network && { network: flags.network }),
    ...((flags.memory !== undefined || flags.cpus !== undefined) && {
      limits: {
        ...(flags.memory !== undefined && { memory: flags.memory }),
        ...(flags.cpus !== undefined && { cpus: flags.cpus }),
      },
    }),
    ...(flags.caCertificates && {
      caCertificates: flags.caCertificates.map((file) => (file === "host" ? file : pathFrom(context.cwd, file))),
    }),
    ...(flags.proxy && { proxies: await proxiesOf(context, flags.proxy) }),
    ...(flags.sandbox && { sandbox: flags.sandbox }),
  };
}
