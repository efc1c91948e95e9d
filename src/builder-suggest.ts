import { Resolver } from "node:dns/promises";
import { builderInfoOf } from "./builder-inspect.ts";
import { type KnownBuilder, knownBuilders } from "./cnb/known-builders.ts";
import type { InspectSidesOptions } from "./inspect-sides.ts";
import { ociArchitecture } from "./oci/platform.ts";
import { parseReference, withDefaultTag } from "./oci/reference.ts";
import { homeAt } from "./reach/home.ts";
import { Outside } from "./reach/outside.ts";
import { errnoOf, Fault } from "./std/fault.ts";
import { openLayout } from "./store/layout.ts";

/** A builder to begin with. */
export interface SuggestedBuilder {
  readonly vendor: string;
  readonly image: string;
  readonly description: string;
  /** Whether its registry did not tell: the description is then the one that was known when this version was made. */
  readonly isUnasked?: true;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** How long all registries together may take, in milliseconds: one can do without their answer. */
const patience = 3_000;

/**
 * The registries whose names are asked for in vain: the name server does not answer. Such a question asked the system's way could not be taken back, and
 * would hold up the program for ten seconds and more. Behind a proxy it is not ours to ask.
 */
async function withoutNames(registries: ReadonlySet<string>, env: Environment): Promise<ReadonlySet<string>> {
  const isProxied = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].some((name) => env[name]);
  const resolver = new Resolver({ timeout: patience / 2, tries: 1 });
  const asked = [...(isProxied ? [] : registries)].map(async (registry) => {
    const code = await resolver.resolve4(registry).then(() => "", errnoOf);
    return code === "ETIMEOUT" || code === "ECONNREFUSED" ? [registry] : [];
  });
  return new Set((await Promise.all(asked)).flat());
}

/** Builders that are published for everybody, each with what it says of itself where its registry answers at once. */
export async function suggestBuilders(
  options: Omit<InspectSidesOptions, "image">,
): Promise<readonly SuggestedBuilder[]> {
  const late = AbortSignal.timeout(patience);
  const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const { store: root } = homeAt(options.home);
  await using store = openLayout(root, { platform });
  const settings = { ...options.outside, platform, store, storeRoot: root, remember: false, hasty: true };
  await using outside = new Outside(settings, () => {}, signal);
  const suggested = knownBuilders.filter(({ isSuggested }) => isSuggested);
  const registries = new Set(suggested.map(({ image }) => parseReference(image).registry));
  const silent = await withoutNames(registries, options.outside?.env ?? {});
  const ask = async ({ vendor, image, description }: KnownBuilder): Promise<SuggestedBuilder> => {
    const known = { vendor, image, description };
    const name = withDefaultTag(parseReference(image));
    if (silent.has(name.registry)) return { ...known, isUnasked: true };
    try {
      const stored = await outside.images.registry.read(name);
      const said = stored && builderInfoOf({ config: stored.image.config, ...stored.identity }, image, 0).description;
      return { ...known, ...(said && { description: said }) };
    } catch (error) {
      if (options.signal?.aborted || !(error instanceof Fault || late.aborted)) throw error;
      return { ...known, isUnasked: true };
    }
  };
  options.signal?.throwIfAborted();
  return await Promise.all(suggested.map(ask));
}
