import type { Command } from "commander";
import type { PlainSetting } from "../../config/change.ts";
import type { Config } from "../../config/config.ts";
import { builderFrom } from "../../source/locator.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";

/** How a setting with one value is spoken of, in pack's words where it has some. */
interface Spoken {
  readonly argument: string;
  readonly summary: string;
  of(config: Config): string | undefined;
  current(value: string | undefined): string;
  set(value: string): string;
  unset(value: string): string;
}

const settings: Readonly<Record<PlainSetting, Spoken>> = {
  "default-builder": {
    argument: "[image|builder.toml]",
    summary: "the builder when none is named",
    of: (config) => config.defaultBuilder,
    current: (value) =>
      value ? `The current default builder is '${value}'` : "No default builder is set: the bundled one is used",
    set: (value) => `Builder '${value}' is now the default builder`,
    unset: (value) => `Successfully unset default builder '${value}'`,
  },
  "pull-policy": {
    argument: "[policy]",
    summary: "when images are fetched",
    of: (config) => config.pullPolicy,
    current: (value) =>
      value
        ? `The current pull policy is '${value}'`
        : "No pull policy is set: images are fetched when they are not here",
    set: (value) => `Successfully set '${value}' as the pull policy`,
    unset: (value) => `Successfully unset pull policy '${value}'`,
  },
  "lifecycle-image": {
    argument: "[image]",
    summary: "for pack only: its image of the lifecycle",
    of: (config) => config.lifecycleImage,
    current: (value) =>
      value ? `The current custom lifecycle image is '${value}'` : "No custom lifecycle image is set",
    set: (value) => `Image '${value}' will now be used as the lifecycle image by pack; there is none here`,
    unset: (value) => `Successfully unset custom lifecycle image '${value}'`,
  },
  experimental: {
    argument: "[true|false]",
    summary: "pack's experiments; here: the label that says where the source comes from",
    of: (config) => String(config.experimental),
    current: (value) =>
      value === "true" ? "Experimental features are enabled" : "Experimental features aren't currently enabled",
    set: (value) => (value === "true" ? "Experimental features enabled!" : "Experimental features disabled"),
    unset: () => "Experimental features disabled",
  },
};

async function run(
  context: Context,
  setting: PlainSetting,
  value: string | undefined,
  isUnset: boolean,
): Promise<number> {
  const [{ readConfig, changeConfig }, { setPlain }] = await Promise.all([
    import("../../config/file.ts"),
    import("../../config/change.ts"),
  ]);
  const spoken = settings[setting];
  const before = spoken.of(await readConfig(context.home));
  const isChange = isUnset || value !== undefined;
  const config = isChange
    ? await changeConfig(context.home, () => setPlain(setting, isUnset ? undefined : value))
    : undefined;
  const now = config ? spoken.of(config) : before;
  if (context.json) context.result(JSON.stringify({ type: "config", setting, value: now }));
  else if (context.quiet) context.result(now ?? "");
  else if (value !== undefined && !isUnset) context.say(spoken.set(value));
  else if (isUnset && before) context.say(spoken.unset(before));
  else context.say(spoken.current(now));
  return 0;
}

/** A builder may be a path, which must not depend on where later commands run. */
function meant(context: Context, setting: PlainSetting, value: string | undefined): string | undefined {
  return setting === "default-builder" && value !== undefined ? builderFrom(context.cwd, value) : value;
}

/** Adds the settings that have one value to `pack config`. */
export function addPlainSettings(parent: Command, act: Act): void {
  for (const [setting, { argument, summary }] of Object.entries(settings) as [PlainSetting, Spoken][])
    parent
      .command(`${setting} ${argument}`)
      .description(`${summary}: show or set it`)
      .option("-u, --unset", "take it out")
      .action((value: string | undefined, flags: { unset?: boolean }) =>
        act((context) => run(context, setting, meant(context, setting, value), Boolean(flags.unset))),
      );
}
