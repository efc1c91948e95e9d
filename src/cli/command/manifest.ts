import { type Command, Option } from "commander";
import type { ListFormat, ListOptions } from "../../manifest-list.ts";
import { Fault } from "../../std/fault.ts";
import type { Context } from "../context.ts";
import type { Act } from "../entry.ts";
import { insecureFlag, outsideOptions, repeated } from "../input.ts";

interface Flags {
  readonly insecureRegistry?: string[];
  readonly insecure?: boolean;
  readonly format?: ListFormat;
  readonly publish?: boolean;
  readonly purge?: boolean;
  readonly os?: string;
  readonly arch?: string;
  readonly variant?: string;
  readonly annotations?: string[];
}

const lists = () => import("../../manifest-list.ts");

async function options(context: Context, list: string, flags: Flags): Promise<ListOptions> {
  const { parseReference } = await import("../../oci/reference.ts");
  const own = flags.insecure ? [parseReference(list).registry] : [];
  const insecureRegistry = [...(flags.insecureRegistry ?? []), ...own];
  return {
    list,
    home: context.home,
    base: context.cwd,
    outside: outsideOptions(context, insecureRegistry.length > 0 ? { insecureRegistry } : {}),
    onEvent: context.emit,
    signal: context.signal,
  };
}

function parseAnnotations(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals > 0) return [pair.slice(0, equals), pair.slice(equals + 1)];
      throw new Fault("usage.annotation", `Cannot use annotation "${pair}": expected NAME=value`, { exit: "usage" });
    }),
  );
}

function formatFlag(): Option {
  return new Option("-f, --format <format>", "the list's media types").choices(["oci", "docker"]);
}

function sayDigest(context: Context, digest: string | undefined): number {
  if (digest) context.result(digest);
  return 0;
}

async function annotate(context: Context, list: string, image: string, flags: Flags): Promise<number> {
  const { os, arch, variant } = flags;
  const annotations = parseAnnotations(flags.annotations ?? []);
  if (!os && !arch && !variant && Object.keys(annotations).length === 0)
    throw new Fault("usage.annotation", "Cannot annotate: nothing says with what", {
      exit: "usage",
      hint: "give --os, --arch, --variant or --annotations",
    });
  await (await lists()).annotateManifestList({
    ...(await options(context, list, flags)),
    image,
    annotations,
    ...(os && { os }),
    ...(arch && { architecture: arch }),
    ...(variant && { variant }),
  });
  return 0;
}

/** Adds `pack manifest`. */
export function define(program: Command, act: Act): void {
  const manifest = program.command("manifest").description("put images for several platforms together under one name");
  const insecure = new Option("--insecure", "the list's registry is without TLS, or its certificate is not checked");
  manifest
    .command("create <list> <image...>")
    .description("make a list of images of the local store or of registries, kept here until it is pushed")
    .addOption(formatFlag())
    .option("--publish", "push it, and keep nothing here")
    .addOption(insecure)
    .addOption(insecureFlag(repeated))
    .action((list: string, images: string[], flags: Flags) =>
      act(async (context) => {
        const { createManifestList } = await lists();
        const { format, publish } = flags;
        const all = { ...(await options(context, list, flags)), images };
        return sayDigest(
          context,
          await createManifestList({ ...all, ...(format && { format }), ...(publish && { publish }) }),
        );
      }),
    );
  manifest
    .command("add <list> <image...>")
    .description("add images to a list")
    .addOption(insecureFlag(repeated))
    .action((list: string, images: string[], flags: Flags) =>
      act(async (context) => {
        await (await lists()).addToManifestList({ ...(await options(context, list, flags)), images });
        return 0;
      }),
    );
  manifest
    .command("annotate <list> <image>")
    .description("say more of an image in a list, or something else")
    .option("--os <os>", "its operating system")
    .option("--arch <architecture>", "its architecture")
    .option("--variant <variant>", "the architecture's variant")
    .option("--annotations <name=value>", "an annotation (repeatable)", repeated)
    .addOption(insecureFlag(repeated))
    .action((list: string, image: string, flags: Flags) => act((context) => annotate(context, list, image, flags)));
  manifest
    .command("rm <list> <image...>")
    .description("take images out of a list")
    .addOption(insecureFlag(repeated))
    .action((list: string, images: string[], flags: Flags) =>
      act(async (context) => {
        await (await lists()).removeFromManifestList({ ...(await options(context, list, flags)), images });
        return 0;
      }),
    );
  manifest
    .command("remove <list...>")
    .description("take lists away from here; what was pushed stays")
    .action((names: string[], flags: Flags) =>
      act(async (context) => {
        const { deleteManifestList } = await lists();
        for (const list of names) await deleteManifestList(await options(context, list, flags));
        return 0;
      }),
    );
  manifest
    .command("push <list>")
    .description("push a list, after the images its repository lacks")
    .addOption(formatFlag())
    .option("--purge", "take it away from here then")
    .addOption(insecure)
    .addOption(insecureFlag(repeated))
    .action((list: string, flags: Flags) =>
      act(async (context) => {
        const { pushManifestList } = await lists();
        const { format, purge } = flags;
        const all = await options(context, list, flags);
        return sayDigest(
          context,
          await pushManifestList({ ...all, ...(format && { format }), ...(purge && { purge }) }),
        );
      }),
    );
  manifest
    .command("inspect <list>")
    .description("show a list as JSON, the one here or the one in its registry")
    .addOption(insecureFlag(repeated))
    .action((list: string, flags: Flags) =>
      act(async (context) => {
        const { inspectManifestList } = await lists();
        const index = await inspectManifestList(await options(context, list, flags));
        const { encodeManifest } = await import("../../oci/manifest.ts");
        context.result(JSON.stringify(JSON.parse(encodeManifest(index)), undefined, 2));
        return 0;
      }),
    );
}
