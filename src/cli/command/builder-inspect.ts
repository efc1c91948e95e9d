import { type Command, Option } from "commander";
import { parseReference } from "../../oci/reference.ts";
import { logTo } from "../../std/event.ts";
import { Fault, reasonOf } from "../../std/fault.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { insecureFlag, outsideOptions, parseDepth, repeated } from "../input.ts";
import { builderText } from "../render/builder.ts";
import type { Format } from "../render/inspection.ts";
import { tableText } from "../render/table.ts";

interface Flags {
  readonly depth: string;
  readonly output: Format;
  readonly insecureRegistry?: string[];
  readonly dockerHost?: string;
}

async function inspect(context: Context, given: string | undefined, flags: Flags): Promise<number> {
  const [{ inspectBuilder, isTrusted }, { readConfig }] = await Promise.all([
    import("../../builder-inspect.ts"),
    import("../../config/file.ts"),
  ]);
  const config = await readConfig(context.home);
  const image = given ?? config.defaultBuilder;
  if (image === undefined)
    throw new Fault("builder.none", "Cannot choose builder: neither the command nor the configuration names one", {
      exit: "usage",
      hint: "`pack builder suggest` lists builders, `pack config default-builder` chooses one",
    });
  const sides = await inspectBuilder({
    image,
    depth: parseDepth(flags.depth),
    home: context.home,
    base: context.cwd,
    outside: outsideOptions(context, flags),
    signal: context.signal,
  });
  const { remote, local } = sides;
  if (!remote.info && !local.info) {
    const fault = local.fault ?? remote.fault;
    if (fault?.code === "builder.label") throw fault;
    throw new Fault(
      "builder.missing",
      `Cannot inspect ${image}: there is no such builder${fault ? `; ${reasonOf(fault)}` : ""}`,
      {
        hint: "`pack builder suggest` lists builders that are published",
      },
    );
  }
  const standing = {
    name: image,
    isTrusted: isTrusted(image, config.trustedBuilders),
    isDefault: image === config.defaultBuilder,
    isVerbose: context.level === "debug",
    mirrors: config.runImages,
  };
  context.result(await builderText(sides, standing, context.json ? "json" : flags.output));
  return 0;
}

async function suggest(context: Context): Promise<number> {
  const { suggestBuilders } = await import("../../builder-suggest.ts");
  const suggested = await suggestBuilders({
    home: context.home,
    base: context.cwd,
    outside: outsideOptions(context, {}),
    signal: context.signal,
  });
  if (context.json) context.result(JSON.stringify(suggested, undefined, 2));
  else if (context.quiet) for (const { image } of suggested) context.result(image);
  else {
    context.result("Suggested builders:");
    context.result(
      tableText(
        suggested.map(({ vendor, image, description }) => [`${vendor}:`, image, description]),
        5,
      ),
    );
    const unasked = new Set(
      suggested.flatMap(({ image, isUnasked }) => (isUnasked ? [parseReference(image).registry] : [])),
    );
    if (unasked.size > 0)
      logTo(context.emit).warn(
        `Not asked, as they do not answer: ${[...unasked].join(", ")}; what their builders say may be older`,
      );
    context.say("\nTip: Learn more about a specific builder with:\n  pack builder inspect <builder-image>");
  }
  return 0;
}

/** Adds `inspect` and `suggest` to the commands about builders. */
export function defineInspect(parent: Command, act: Act): void {
  parent
    .command("inspect [image]")
    .description("show what a builder (the default one unless said) is made of, here and in its registry")
    .option("-d, --depth <number>", "how deep composites are opened (default: all the way)", "-1")
    .addOption(
      new Option("-o, --output <format>", "the form of the answer")
        .choices(["human-readable", "json", "yaml", "toml"])
        .default("human-readable"),
    )
    .addOption(insecureFlag(repeated))
    .option("--docker-host <address>", "the Docker daemon (default: DOCKER_HOST, the context, the usual sockets)")
    .action((image: string | undefined, flags: Flags) => act((context) => inspect(context, image, flags)));
  parent
    .command("suggest")
    .description("list builders that are published for everybody")
    .action(() => act((context) => suggest(context)));
}
