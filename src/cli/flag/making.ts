import { type Command, Option } from "commander";
import { parseTargetText } from "../../cnb/target-text.ts";
import type { PullPolicy } from "../../reach/pull-policy.ts";
import { Fault } from "../../std/fault.ts";
import type { Context } from "../context.ts";
import { insecureFlag, isKeeper, outsideOptions, pullPolicyFlag, repeated, repeatedWhole } from "../input.ts";

/** What `addSourcesFlags` adds. */
export interface SourcesFlags {
  readonly pullPolicy?: PullPolicy;
  readonly buildpackRegistry?: string;
  readonly insecureRegistry?: string[];
  readonly dockerHost?: string;
}

/** What `addMadeFlags` adds. */
export interface MadeFlags {
  readonly publish?: boolean;
  readonly output?: string;
  readonly tag?: string[];
  readonly target?: string[];
  readonly label?: string[];
  readonly appendImageNameSuffix?: boolean;
}

/** Adds the flags that say where modules and images come from. */
export function addSourcesFlags(command: Command, short: "-r" | "-R" = "-r"): Command {
  return command
    .addOption(pullPolicyFlag())
    .option(`${short}, --buildpack-registry <name>`, "the buildpack registry for ids (default: the configured one)")
    .addOption(insecureFlag(repeated))
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)");
}

/** Adds the flags that say what is made, for which platforms, and where it goes. */
export function addMadeFlags(command: Command): Command {
  return command
    .option("--publish", "push to the registry the name says")
    .option("--output <where>", "local (default), registry, daemon, oci:DIR[:tag] or FILE.tar")
    .option("--tag <name>", "another name (repeatable)", repeated)
    .addOption(
      new Option(
        "-t, --target <os/arch[/variant][:distro@version]>",
        "a platform to make it for; several become an index (repeatable)",
      ).argParser((value: string, earlier: string[] | undefined) => repeated(value, earlier)),
    )
    .option("-l, --label <name=value>", "a label of the image (repeatable)", repeatedWhole)
    .option("--append-image-name-suffix", "with several targets, also name each platform's image: NAME:TAG-os-arch");
}

/** The options of the library that flags of `addSourcesFlags` and the configuration fill. */
export async function sourcesOptions(context: Context, flags: SourcesFlags) {
  const { readConfig } = await import("../../config/file.ts");
  const { pullPolicy, registries, defaultRegistry } = await readConfig(context.home);
  const [policy, registry] = [flags.pullPolicy ?? pullPolicy, flags.buildpackRegistry ?? defaultRegistry];
  return {
    home: context.home,
    base: context.cwd,
    outside: outsideOptions(context, flags),
    onEvent: context.emit,
    signal: context.signal,
    registries,
    ...(policy && { pullPolicy: policy }),
    ...(registry && { registry }),
  };
}

/** `name=value` pairs of --label. Throws Fault `usage.label`. */
function parseLabels(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)];
      throw new Fault("usage.label", `Cannot set label "${pair}": it is not name=value`, { exit: "usage" });
    }),
  );
}

/** The options of the library that flags of `addMadeFlags` fill; `name` is replaced where a directory or file is the place. */
export function madeOptions(name: string, flags: MadeFlags) {
  const { output } = flags;
  const isPlace = output !== undefined && !isKeeper(output);
  return {
    name: isPlace ? output : name,
    ...(isKeeper(output) && { output }),
    ...(flags.publish && { output: "registry" as const }),
    ...(flags.tag && { tags: flags.tag }),
    ...(flags.target && { targets: flags.target.map(parseTargetText) }),
    ...(flags.label && { labels: parseLabels(flags.label) }),
    ...(flags.appendImageNameSuffix && { suffix: true }),
  };
}
