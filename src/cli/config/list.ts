import type { Command } from "commander";
import type { Config } from "../../config/config.ts";
import type { TomlEdit } from "../../std/toml-edit.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { repeated } from "../input.ts";
import { tableText } from "../render/table.ts";

/** Shows rows of the configuration: aligned for a person, one object a line with --json. */
async function show(
  context: Context,
  none: string,
  rowsOf: (config: Config) => readonly Readonly<Record<string, string>>[],
): Promise<number> {
  const { readConfig } = await import("../../config/file.ts");
  const rows = rowsOf(await readConfig(context.home));
  if (context.json) for (const row of rows) context.result(JSON.stringify(row));
  else if (rows.length === 0) context.say(none);
  else
    context.result(
      tableText(
        rows.map((row) => Object.values(row)),
        2,
      ),
    );
  return 0;
}

type Changes = typeof import("../../config/change.ts");

async function change(
  context: Context,
  plan: (changes: Changes) => (config: Config) => readonly TomlEdit[],
  said: string,
): Promise<number> {
  const [{ changeConfig }, changes] = await Promise.all([
    import("../../config/file.ts"),
    import("../../config/change.ts"),
  ]);
  await changeConfig(context.home, plan(changes));
  context.say(said);
  return 0;
}

interface MirrorFlags {
  readonly mirror?: string[];
}

function addRunImageMirrors(parent: Command, act: Act): void {
  const command = parent.command("run-image-mirrors").description("where run images are read too");
  command
    .command("list [image]", { isDefault: true })
    .description("list them, or those of one run image")
    .action((image: string | undefined) =>
      act((context) =>
        show(context, "No run image mirrors have been set", ({ runImages }) =>
          runImages
            .filter((entry) => image === undefined || entry.image === image)
            .flatMap((entry) => entry.mirrors.map((mirror) => ({ image: entry.image, mirror }))),
        ),
      ),
    );
  command
    .command("add <image>")
    .description("add mirrors of a run image")
    .option("-m, --mirror <name>", "a name it has elsewhere (repeatable)", repeated)
    .action((image: string, { mirror = [] }: MirrorFlags) =>
      act((context) =>
        change(
          context,
          (changes) => changes.addRunImageMirrors(image, mirror),
          mirror.map((name) => `Run Image '${image}' configured with mirror '${name}'`).join("\n"),
        ),
      ),
    );
  command
    .command("remove <image>")
    .description("remove mirrors of a run image, all of them unless some are named")
    .option("-m, --mirror <name>", "only this one (repeatable)", repeated)
    .action((image: string, { mirror = [] }: MirrorFlags) =>
      act((context) =>
        change(
          context,
          (changes) => changes.removeRunImageMirrors(image, mirror),
          mirror.length > 0
            ? `Removed mirrors ${mirror.join(", ")} for '${image}'`
            : `Removed all run image mirrors for '${image}'`,
        ),
      ),
    );
}

function addRegistryMirrors(parent: Command, act: Act): void {
  const command = parent.command("registry-mirrors").description("where the images of a registry are read instead");
  command
    .command("list", { isDefault: true })
    .description("list them")
    .action(() =>
      act((context) =>
        show(context, "No registry mirrors have been set", ({ registryMirrors }) =>
          Object.entries(registryMirrors).map(([registry, mirror]) => ({ registry, mirror })),
        ),
      ),
    );
  command
    .command("add <registry>")
    .description("read the images of a registry (* for every one) at a mirror")
    .requiredOption("-m, --mirror <host>", "the mirror")
    .action((registry: string, { mirror }: { mirror: string }) =>
      act((context) =>
        change(
          context,
          (changes) => changes.setRegistryMirror(registry, mirror),
          `Registry '${registry}' configured with mirror '${mirror}'`,
        ),
      ),
    );
  command
    .command("remove <registry>")
    .description("read them where they are again")
    .action((registry: string) =>
      act((context) =>
        change(
          context,
          (changes) => changes.setRegistryMirror(registry, undefined),
          `Removed mirror for '${registry}'`,
        ),
      ),
    );
}

function addTrustedBuilders(parent: Command, act: Act): void {
  const command = parent.command("trusted-builders").description("for pack only: nothing here depends on trust");
  command
    .command("list", { isDefault: true })
    .description("list them")
    .action(() =>
      act((context) =>
        show(context, "No builders are listed as trusted", ({ trustedBuilders }) =>
          trustedBuilders.map((builder) => ({ builder })),
        ),
      ),
    );
  command
    .command("add <builder>")
    .description("list a builder as trusted")
    .action((builder: string) =>
      act((context) =>
        change(context, ({ trustBuilder }) => trustBuilder(builder), `Builder '${builder}' is now trusted`),
      ),
    );
  command
    .command("remove <builder>")
    .description("take a builder off the list")
    .action((builder: string) =>
      act((context) =>
        change(context, ({ distrustBuilder }) => distrustBuilder(builder), `Builder '${builder}' is no longer trusted`),
      ),
    );
}

function addRegistries(parent: Command, act: Act): void {
  const command = parent.command("registries").description("where buildpacks are looked up by their id");
  command
    .command("list", { isDefault: true })
    .description("list them; the default one has a star")
    .action(() =>
      act(async (context) => {
        const { officialRegistry } = await import("../../source/registry.ts");
        return show(context, "", ({ registries, defaultRegistry = officialRegistry.name }) =>
          [...registries, officialRegistry].map(({ name, url }) => ({
            default: name === defaultRegistry ? "*" : "",
            name,
            url,
          })),
        );
      }),
    );
  command
    .command("add <name> <url>")
    .description("add one")
    .option("--default", "look ids up there")
    .option("--type <kind>", "git or github", "github")
    .action((name: string, url: string, flags: { default?: boolean; type: string }) =>
      act((context) =>
        change(
          context,
          ({ addRegistry }) => addRegistry({ name, url, type: flags.type }, Boolean(flags.default)),
          `Successfully added '${name}' to registries`,
        ),
      ),
    );
  command
    .command("remove <name>")
    .description("remove one")
    .action((name: string) =>
      act((context) =>
        change(context, ({ removeRegistry }) => removeRegistry(name), `Successfully removed '${name}' from registries`),
      ),
    );
  command
    .command("default [name]")
    .description("show or choose the one ids are looked up in")
    .option("-u, --unset", "the public one again")
    .action((name: string | undefined, flags: { unset?: boolean }) =>
      act(async (context) => {
        if (name !== undefined || flags.unset)
          return change(
            context,
            ({ setDefaultRegistry }) => setDefaultRegistry(flags.unset ? undefined : name),
            flags.unset ? "Successfully unset default registry" : `Successfully set '${name}' as the default registry`,
          );
        return show(context, "", ({ defaultRegistry = "official" }) => [{ name: defaultRegistry }]);
      }),
    );
}

/** Adds the settings that are lists to `pack config`. */
export function addListSettings(parent: Command, act: Act): void {
  addRunImageMirrors(parent, act);
  addRegistryMirrors(parent, act);
  addTrustedBuilders(parent, act);
  addRegistries(parent, act);
}
