import { type Command, Option } from "commander";
import { Fault } from "../../std/fault.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { insecureFlag, outsideOptions, repeated } from "../input.ts";
import { type Format, inspectionText } from "../render/inspection.ts";

interface Flags {
  readonly output: Format;
  readonly bom?: boolean;
  readonly insecureRegistry?: string[];
  readonly dockerHost?: string;
}

async function run(context: Context, image: string, flags: Flags): Promise<number> {
  const { inspectSides } = await import("../../inspect-sides.ts");
  const outside = outsideOptions(context, flags);
  const sides = await inspectSides({ image, home: context.home, base: context.cwd, outside, signal: context.signal });
  const { remote, local } = sides;
  if (!remote.info && !local.info) {
    // What is here and cannot be read is not missing.
    if (local.fault) throw local.fault;
    const why = remote.fault
      ? `there is no such image here, and its registry cannot tell: ${remote.fault.message}`
      : "there is no such image";
    throw new Fault("image.missing", `Cannot inspect ${image}: ${why}`, {
      hint: "`pack images` lists the images of the local store",
    });
  }
  const format = context.json ? "json" : flags.output;
  context.result(await inspectionText(image, sides, format, Boolean(flags.bom)));
  return 0;
}

/** Adds `pack inspect`. */
export function define(program: Command, act: Act): void {
  program
    .command("inspect <image>")
    .alias("inspect-image")
    .description("show what an image is made of, here and in its registry")
    .addOption(
      new Option("-o, --output <format>", "the form of the answer")
        .choices(["human-readable", "json", "yaml", "toml"])
        .default("human-readable"),
    )
    .option("--bom", "the bill of materials that old images carry in a label (of newer ones: pack sbom download)")
    .addOption(insecureFlag(repeated))
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)")
    .action((image: string, flags: Flags) => act((context) => run(context, image, flags)));
}
