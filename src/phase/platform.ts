import { dirname } from "node:path";
import type { Environment } from "../cnb/environment.ts";
import { Fault } from "../std/fault.ts";
import { makeDirectory, writeText } from "../std/file.ts";
import { under } from "../std/path.ts";
import type { Workspace } from "./workspace.ts";

/** Files of one service binding by their path in it (servicebinding.io, "Application Projection"); a file `type` is among them. */
export type Binding = Readonly<Record<string, string | Uint8Array>>;

/** What the platform gives to buildpacks besides the app. */
export interface PlatformInputs {
  readonly userVariables: Environment;
  readonly buildConfig: readonly { readonly name: string; readonly content: string }[];
  readonly bindings: Readonly<Record<string, Binding>>;
}

async function writeAll(directory: string, files: readonly (readonly [string, string | Uint8Array])[]): Promise<void> {
  for (const [name, content] of files) {
    if (name.includes("/")) await makeDirectory(dirname(`${directory}/${name}`));
    await writeText(`${directory}/${name}`, content);
  }
}

/** Fills `<platform>/env`, `<platform>/bindings` and `<build-config>/env` (Platform spec, "Platform directory"). */
export async function writePlatform(workspace: Workspace, inputs: PlatformInputs): Promise<void> {
  const env = under(workspace.platform.host, "env");
  const bindings = under(workspace.platform.host, "bindings");
  const operator = under(workspace.buildConfig.host, "env");
  for (const directory of [env, bindings, operator]) await makeDirectory(directory);
  await writeAll(env, Object.entries(inputs.userVariables));
  await writeAll(
    operator,
    inputs.buildConfig.map((file) => [file.name, file.content] as const),
  );
  for (const [name, files] of Object.entries(inputs.bindings)) {
    if (!/^[a-z0-9.-]{1,253}$/.test(name) || name === "." || name === "..") {
      throw new Fault(
        "binding.name",
        `Cannot use binding "${name}": its name has other characters than a-z, 0-9, "-" and "."`,
        { exit: "usage" },
      );
    }
    await makeDirectory(under(bindings, name));
    await writeAll(under(bindings, name), Object.entries(files));
  }
}
