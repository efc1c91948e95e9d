import { compareBytes } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import { encodeJson } from "../std/json.ts";
import { escapedId } from "./buildpack.ts";
import type { BomEntry } from "./launch.ts";
import type { LayerMetadata } from "./layer.ts";

/** The media type of each kind of SBOM file, by the end of its name (Buildpack spec, "Software-Bill-of-Materials"). */
export const sbomMediaTypes = {
  "cdx.json": "application/vnd.cyclonedx+json",
  "spdx.json": "application/spdx+json",
  "syft.json": "application/vnd.syft+json",
} as const;

type Extension = keyof typeof sbomMediaTypes;

/** The ends of SBOM file names, in the order the reference looks for them. */
export const sbomExtensions = Object.keys(sbomMediaTypes) as readonly Extension[];

/** The pseudo-buildpack the lifecycle's and the launcher's own SBOM files stand under. */
export const lifecycleId = "buildpacksio/lifecycle";

/** A file to copy; `from` is below a buildpack's layers directory or below `<layers>/sbom`, `to` below `<layers>`. */
export interface SbomCopy {
  readonly from: string;
  readonly to: string;
}

/** What an SBOM file describes: a layer by its name, or all of `launch` or `build`. */
function subjectOf(file: string): { readonly subject: string; readonly extension: Extension } | undefined {
  const extension = sbomExtensions.find((end) => file.endsWith(`.sbom.${end}`));
  return extension && { subject: file.slice(0, -`.sbom.${extension}`.length), extension };
}

function checkFormat(file: string, buildpack: SbomBuildpack): void {
  const found = subjectOf(file);
  if (!found) {
    throw new Fault("sbom.format", `Cannot use SBOM of ${buildpack.id}: unsupported SBOM file format: '${file}'`, {
      exit: "build",
      hint: `the names of SBOM files end in ${sbomExtensions.map((end) => `.sbom.${end}`).join(", ")}`,
    });
  }
  const mediaType = sbomMediaTypes[found.extension];
  const declared = buildpack.sbomFormats.map((format) => format.split(";")[0]!.trim());
  if (declared.includes(mediaType)) return;
  throw new Fault(
    "sbom.undeclared",
    `Cannot use ${file} of ${buildpack.id}: undeclared SBOM media type: '${mediaType}'`,
    {
      exit: "build",
      hint: "the buildpack has to list the media type in sbom-formats of its buildpack.toml",
    },
  );
}

/** The buildpack whose files are looked at. */
export interface SbomBuildpack {
  readonly id: string;
  readonly sbomFormats: readonly string[];
}

/**
 * Where a buildpack's SBOM files go (Platform spec, "SBOM"): `launch.sbom.*` and those of launch layers to
 * `sbom/launch/<buildpack>`, all others to `sbom/build/<buildpack>`, those of cached layers to `sbom/cache/<buildpack>` too.
 * `files` are the names in the buildpack's layers directory. Throws Fault `sbom.format` for a file of an unknown kind and
 * `sbom.undeclared` for a kind the buildpack does not declare.
 */
export function planSboms(
  buildpack: SbomBuildpack,
  files: readonly string[],
  layers: ReadonlyMap<string, LayerMetadata>,
): readonly SbomCopy[] {
  const sboms = files.filter((file) => /^[^/]*\.sbom\.[^/]*\.json$/.test(file)).sort(compareBytes);
  for (const file of sboms) checkFormat(file, buildpack);
  const directory = escapedId(buildpack.id);
  return sboms.flatMap((file) => {
    const { subject, extension } = subjectOf(file)!;
    if (subject === "launch" || subject === "build")
      return [{ from: file, to: `sbom/${subject}/${directory}/sbom.${extension}` }];
    const layer = layers.get(subject);
    if (!layer) return [];
    const kinds = [layer.launch ? "launch" : "build", ...(layer.cache ? ["cache"] : [])];
    return kinds.map((kind) => ({ from: file, to: `sbom/${kind}/${directory}/${subject}/sbom.${extension}` }));
  });
}

/**
 * Which restored SBOM files go back beside their layers: of `files`, relative to `<layers>/sbom`, those at
 * `{cache,launch}/<buildpack>/<layer>/sbom.<extension>` of the group's buildpacks; where both have one, the one of launch wins.
 */
export function planRestoredSboms(files: readonly string[], group: readonly string[]): readonly SbomCopy[] {
  const directories = new Set(group.map(escapedId));
  const byTarget = new Map<string, SbomCopy>();
  for (const kind of ["cache", "launch"]) {
    for (const from of files) {
      const [first, directory, layer, name, ...rest] = from.split("/");
      if (first !== kind || !directory || !layer || !name || rest.length > 0 || !directories.has(directory)) continue;
      if (!/^sbom\..*json$/.test(name)) continue;
      const to = `${directory}/${layer}.${name}`;
      byTarget.set(to, { from, to });
    }
  }
  return [...byTarget.values()].sort((a, b) => compareBytes(a.to, b.to));
}

/** Where the SBOM files shipped beside lifecycle and launcher go, relative to `<layers>`, for each extension in the reference's order. */
export const lifecycleSboms: readonly SbomCopy[] = ["lifecycle", "launcher"].flatMap((program) =>
  sbomExtensions.map((extension) => ({
    from: `${program}.sbom.${extension}`,
    to:
      program === "lifecycle"
        ? `sbom/build/${escapedId(lifecycleId)}/sbom.${extension}`
        : `sbom/launch/${escapedId(lifecycleId)}/launcher/sbom.${extension}`,
  })),
);

/** Legacy entries and the buildpack they come from. */
export interface BomSource {
  readonly id: string;
  readonly version: string;
  readonly bom: readonly BomEntry[];
}

/** The text of `sbom/{launch,build}/sbom.legacy.json`: all legacy entries in group order, `null` without any. */
export function formatLegacyBom(sources: readonly BomSource[]): string {
  const entries = sources.flatMap(({ id, version, bom }) =>
    bom.map(({ name, metadata }) => ({ name, metadata, buildpack: { id, version } })),
  );
  return `${encodeJson(entries.length ? entries : null)}\n`;
}
