import { parseToml, type TomlTable } from "../std/toml.ts";
import { listIn, stringIn, tableIn, tablesIn, valueIn } from "../std/toml-read.ts";
import { abilitiesOf } from "./api.ts";
import { type Buildpack, parseBuildpack, type Scripts } from "./buildpack.ts";

/** The rules for authors of buildpacks (Buildpack spec, "buildpack.toml"). */
export type LintRule =
  | "id-characters"
  | "id-reserved"
  | "version-form"
  | "order-with-stacks"
  | "order-with-scripts"
  | "scripts-missing"
  | "targets-missing"
  | "target-os"
  | "target-arch"
  | "stack-id"
  | "stack-mixins"
  | "sbom-format"
  | "license-empty"
  | "exec-env-unheeded";

/** Something an author should mend; `text` says what was found. */
export interface Problem {
  readonly rule: LintRule;
  readonly text: string;
}

/** Which scripts stand beside the descriptor. */
export interface LintScripts extends Scripts {
  readonly hasBinDetect: boolean;
}

/** What an author should mend in a `buildpack.toml`; throws as `parseBuildpack` does for what cannot be used at all. */
export function lintBuildpack(text: string, place: string, scripts: LintScripts): readonly Problem[] {
  const table = parseToml(text, place);
  const buildpack = parseBuildpack(text, place, scripts);
  return [
    ...identityProblems(buildpack),
    ...shapeProblems(buildpack, table, scripts, place),
    ...targetProblems(buildpack, table, place),
    ...stackProblems(table, place),
    ...detailProblems(buildpack, table, place),
  ];
}

/** Ids that differ only in case, grouped; each id once. */
export function clashingIds(ids: readonly string[]): readonly (readonly string[])[] {
  const folded = new Map<string, Set<string>>();
  for (const id of ids) folded.set(id.toLowerCase(), (folded.get(id.toLowerCase()) ?? new Set()).add(id));
  return [...folded.values()].filter(({ size }) => size > 1).map((group) => [...group]);
}

function problem(rule: LintRule, isThere: boolean, text: string): Problem[] {
  return isThere ? [{ rule, text }] : [];
}

function identityProblems({ api, id, version }: Buildpack): Problem[] {
  const abilities = abilitiesOf(api);
  const reserved = [
    "app",
    "config",
    ...(abilities.reservesSbom ? ["sbom"] : []),
    ...(abilities.reservesGenerated ? ["generated"] : []),
  ];
  const number = "(0|[1-9][0-9]*)";
  return [
    ...problem(
      "id-characters",
      !isName(id),
      `the id "${id}" has other characters than letters, digits, ".", "/" and "-"`,
    ),
    ...problem("id-reserved", reserved.includes(id), `the id "${id}" is reserved`),
    ...problem(
      "version-form",
      !new RegExp(`^${number}\\.${number}\\.${number}$`).test(version),
      `the version "${version}" is not X.Y.Z`,
    ),
  ];
}

function isName(id: string): boolean {
  return /^[A-Za-z0-9./-]+$/.test(id);
}

function shapeProblems({ order }: Buildpack, table: TomlTable, scripts: LintScripts, place: string): Problem[] {
  const hasStacks = tablesIn(table, "stacks", place).length > 0;
  const hasScripts = scripts.hasBinBuild || scripts.hasBinDetect;
  const hasAll = scripts.hasBinBuild && scripts.hasBinDetect;
  if (order === undefined)
    return problem("scripts-missing", !hasAll && !scripts.hasWindowsBuild, "bin/detect or bin/build is missing");
  return [
    ...problem("order-with-stacks", hasStacks, "a buildpack with [[order]] has [[stacks]] as well"),
    ...problem("order-with-scripts", hasScripts, "a buildpack with [[order]] has scripts of its own"),
  ];
}

const systems = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "illumos",
  "ios",
  "js",
  "linux",
  "netbsd",
  "openbsd",
  "solaris",
  "wasip1",
  "windows",
];
const architectures = [
  "386",
  "amd64",
  "arm",
  "arm64",
  "loong64",
  "mips",
  "mips64",
  "mips64le",
  "mipsle",
  "ppc64",
  "ppc64le",
  "riscv64",
  "s390x",
  "wasm",
];

function targetProblems({ api, order, targets }: Buildpack, table: TomlTable, place: string): Problem[] {
  const isMissing = order === undefined && abilitiesOf(api).targets && tablesIn(table, "targets", place).length === 0;
  return [
    ...problem("targets-missing", isMissing, "there are no [[targets]]"),
    ...targets.flatMap(({ os, arch }) => [
      ...problem(
        "target-os",
        os !== undefined && !systems.includes(os),
        `"${os}" is no operating system in OCI's words`,
      ),
      ...problem(
        "target-arch",
        arch !== undefined && !architectures.includes(arch),
        `"${arch}" is no architecture in OCI's words`,
      ),
    ]),
  ];
}

function stackProblems(table: TomlTable, place: string): Problem[] {
  return tablesIn(table, "stacks", place).flatMap((stack) => {
    const id = stringIn(stack, "id", place) ?? "";
    const mixins = listIn(stack, "mixins", place) ?? [];
    return [
      ...problem(
        "stack-id",
        id !== "*" && !isName(id),
        `the stack id "${id}" has other characters than letters, digits, ".", "/" and "-"`,
      ),
      ...problem("stack-mixins", id === "*" && mixins.length > 0, 'the stack "*" has mixins'),
    ];
  });
}

/** The SBOM formats of the Buildpack specification, by media type. */
const sbomFormats = ["application/vnd.cyclonedx+json", "application/spdx+json", "application/vnd.syft+json"];

function detailProblems(buildpack: Buildpack, table: TomlTable, place: string): Problem[] {
  const info = tableIn(table, "buildpack", place) ?? {};
  const isUnheeded = valueIn(info, "exec-env") !== undefined && !abilitiesOf(buildpack.api).execEnv;
  return [
    ...buildpack.sbomFormats.flatMap((format) =>
      problem(
        "sbom-format",
        !sbomFormats.includes(format.split(";")[0]!.trim()),
        `"${format}" is no SBOM format of the specification`,
      ),
    ),
    ...buildpack.licenses.flatMap(({ type, uri }) =>
      problem("license-empty", !type && !uri, "a licence has neither type nor uri"),
    ),
    ...problem("exec-env-unheeded", isUnheeded, `exec-env means nothing in Buildpack API ${buildpack.api.text}`),
  ];
}
