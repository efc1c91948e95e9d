import { type Command, Option } from "commander";
import type { ImageInfo } from "../../inspect.ts";
import { Fault } from "../../std/fault.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { imageText, machineForm } from "../render/inspect.ts";

type Format = "human-readable" | "json" | "yaml" | "toml";

async function formatted(image: string, info: ImageInfo | undefined, format: Format): Promise<string> {
  const machine = { image_name: image, remote_info: null, local_info: machineForm(info) };
  if (format === "json") return JSON.stringify(machine, undefined, 2);
  if (format === "yaml") return (await import("yaml")).stringify(machine).trimEnd();
  if (format === "toml") {
    const { formatToml } = await import("../../std/toml-write.ts");
    const { tomlOfJson } = await import("../../std/toml-json.ts");
    return formatToml(tomlOfJson(machine as never) as never).trimEnd();
  }
  return `Inspecting image: '${image}'\n\nLOCAL:\n\n${imageText(info)}`;
}

async function run(context: Context, image: string, flags: { output: Format }): Promise<number> {
  const { inspect } = await import("../../inspect.ts");
  const info = await inspect({ image, home: context.home, base: context.cwd });
  if (!info) {
    throw new Fault("image.missing", `Cannot inspect ${image}: there is no such image`, {
      hint: "`pack images` lists the images of the local store",
    });
  }
  context.result(await formatted(image, info, context.json ? "json" : flags.output));
  return 0;
}

/** Adds `pack inspect`. */
export function define(program: Command, act: Act): void {
  program
    .command("inspect <image>")
    .alias("inspect-image")
    .description("show what an image is made of")
    .addOption(
      new Option("-o, --output <format>", "the form of the answer")
        .choices(["human-readable", "json", "yaml", "toml"])
        .default("human-readable"),
    )
    .action((image: string, flags: { output: Format }) => act((context) => run(context, image, flags)));
}
