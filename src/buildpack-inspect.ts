import { lstat, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { detectionOrder, type OrderNode } from "./cnb/detection-order.ts";
import { type Locator, parseLocator } from "./cnb/locator.ts";
import type { ModuleKind } from "./cnb/module-descriptor.ts";
import type { ModuleLayer } from "./cnb/module-layers.ts";
import type { PackageMetadata } from "./cnb/package-label.ts";
import { referenceOf } from "./cnb/run-image.ts";
import { type InspectSidesOptions, lookOnSides, type Side } from "./inspect-sides.ts";
import { type MakingOptions, openMaking } from "./making/making.ts";
import { withDefaultTag } from "./oci/reference.ts";
import { gatherParts } from "./package/gather.ts";
import { readPackageLabels } from "./package/packaged.ts";
import type { Part, PartSet } from "./package/part.ts";
import { homeAt } from "./reach/home.ts";
import { compareBytes } from "./std/byte.ts";
import { Fault, reasonOf } from "./std/fault.ts";
import { openLayout } from "./store/layout.ts";

/** Where a package was found. */
export type PackageLocation =
  | "LOCAL IMAGE"
  | "REMOTE IMAGE"
  | "REGISTRY IMAGE"
  | "LOCAL ARCHIVE"
  | "REMOTE ARCHIVE"
  | "LOCAL DIRECTORY";

/** What a package, or a module that is none yet, says of itself. */
export interface PackageInfo {
  readonly location: PackageLocation;
  readonly kind: ModuleKind;
  readonly metadata: PackageMetadata;
  /** Every module in it, by id and version; the diffID is empty where it stands in no layer. */
  readonly modules: readonly ModuleLayer[];
  readonly order: readonly OrderNode[];
}

/** What is to be inspected. */
export interface InspectPackageOptions extends MakingOptions {
  /** A locator: an image, a `.cnb`, an archive, a directory, an id of a registry, a URL. */
  readonly locator: string;
  /** `buildpack` unless said. */
  readonly kind?: ModuleKind;
  /** How deep composites are opened; all of them unless said. */
  readonly depth?: number;
}

function infoOf(
  location: PackageLocation,
  { kind, metadata, modules }: Pick<PackageInfo, "kind" | "metadata" | "modules">,
  depth = -1,
): PackageInfo {
  const sorted = [...modules].sort((a, b) => compareBytes(a.id, b.id) || compareBytes(a.version, b.version));
  const entry = { id: metadata.id, version: metadata.version, optional: false };
  return { location, kind, metadata, modules: sorted, order: detectionOrder([[entry]], sorted, depth) };
}

function recordOf({ descriptor, content }: Part): ModuleLayer {
  const { api, stacks, targets, order, info } = descriptor;
  const diffId = content.kind === "layer" ? content.layer.diffId : "";
  const { id, version, name, homepage } = info;
  return { id, version, api, stacks, targets, order, diffId, ...(name && { name }), ...(homepage && { homepage }) };
}

function infoOfParts(
  location: PackageLocation,
  { main, others, about }: PartSet,
  depth: number | undefined,
): PackageInfo {
  const { kind, info, stacks } = main.descriptor;
  const metadata = about ?? { ...info, stacks };
  return infoOf(location, { kind, metadata, modules: [main, ...others].map(recordOf) }, depth);
}

function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function lookAtParts(location: PackageLocation, options: InspectPackageOptions): Promise<Side<PackageInfo>> {
  const { locator, kind = "buildpack", depth } = options;
  await using making = await openMaking(options, { keeper: "registry" });
  return { info: infoOfParts(location, await gatherParts(locator, kind, undefined, making.sources), depth) };
}

async function isImageHere(text: string, { home }: InspectPackageOptions): Promise<boolean> {
  const name = referenceOf(text);
  if (name === undefined) return false;
  await using store = openLayout(homeAt(home).store);
  return (await store.readWhole(withDefaultTag(name))) !== undefined;
}

/**
 * What a package is made of, one answer for each place it was found in: an image may be here and in its registry. Throws Fault `<kind>.missing` when there
 * is none, and those of its labels.
 */
export async function inspectPackage(options: InspectPackageOptions): Promise<readonly PackageInfo[]> {
  const { locator, kind = "buildpack", depth } = options;
  const base = options.base ?? process.cwd();
  const said = await parseLocator(locator, { exists: (path) => exists(resolve(base, path)) });
  // An id without a prefix is a registry's, unless an image of that name is here.
  const isHere = said.kind === "registry" && (await isImageHere(locator, options));
  const parsed: Locator = isHere ? { kind: "image", name: locator } : said;
  if (parsed.kind !== "image") {
    const isDirectory = async (path: string) => (await stat(resolve(base, path)).catch(() => undefined))?.isDirectory();
    const location: PackageLocation =
      parsed.kind === "registry"
        ? "REGISTRY IMAGE"
        : parsed.kind === "url"
          ? "REMOTE ARCHIVE"
          : parsed.kind === "path" && (await isDirectory(parsed.path))
            ? "LOCAL DIRECTORY"
            : "LOCAL ARCHIVE";
    const { info } = await lookAtParts(location, options);
    return info ? [info] : [];
  }
  const sides: InspectSidesOptions = {
    image: parsed.name,
    base,
    ...(options.home !== undefined && { home: options.home }),
    ...(options.outside && { outside: options.outside }),
    ...(options.signal && { signal: options.signal }),
  };
  const { local, remote } = await lookOnSides(sides, ({ config }) => readPackageLabels(config, parsed.name));
  const found: PackageInfo[] = [];
  for (const [location, { info }] of [
    ["LOCAL IMAGE", local],
    ["REMOTE IMAGE", remote],
  ] as const) {
    if (info === undefined) continue;
    if (info.kind !== kind)
      throw new Fault("package.kind", `Cannot inspect ${locator}: it is a package of an ${info.kind}`, {
        exit: "usage",
        hint: `use \`pack ${info.kind} inspect\``,
      });
    found.push(infoOf(location, info, depth));
  }
  if (found.length > 0) return found;
  const fault = local.fault ?? remote.fault;
  if (fault?.code === "package.label") throw fault;
  throw new Fault(
    `${kind}.missing`,
    `Cannot inspect ${locator}: there is no such package${fault ? `; ${reasonOf(fault)}` : ""}`,
    {
      exit: "usage",
    },
  );
}
