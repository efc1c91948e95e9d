import type { Command } from "commander";
import type { Context } from "../context.ts";
import { addBuilderFlags, type BuilderFlags, builderOptions } from "./builder.ts";
import { addRunImageFlags, type RunImageFlags, runImageOptions } from "./run-image.ts";
import { addSandboxFlags, type SandboxFlags, sandboxOptions } from "./sandbox.ts";
import { addSourceFlags, type SourceFlags, sourceOptions } from "./source.ts";

/** What `addSettingFlags` adds. */
export type SettingFlags = SourceFlags & BuilderFlags & RunImageFlags & SandboxFlags;

/** Adds the flags that every command with buildpacks in it takes. */
export function addSettingFlags(command: Command): Command {
  return addSandboxFlags(addRunImageFlags(addSourceFlags(addBuilderFlags(command))));
}

/** The options of the library that these flags and the context fill. */
export async function settingOptions(context: Context, flags: SettingFlags) {
  const { readConfig } = await import("../../config/file.ts");
  const config = await readConfig(context.home);
  return {
    config,
    ...(await sourceOptions(context, flags)),
    ...(await builderOptions(context, flags, config)),
    ...runImageOptions(context, flags),
    ...(await sandboxOptions(context, flags)),
    home: context.home,
    npm: { env: context.env },
    onEvent: context.emit,
    signal: context.signal,
  };
}
