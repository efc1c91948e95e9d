export type { BaseReport } from "./base/create.ts";
export type { PackageDiff } from "./base/diff.ts";
export { type BaseImageOptions, createBaseImage } from "./base-image.ts";
export { type BuildOptions, type BuildReport, build } from "./build.ts";
export { type BuilderReport, type CreateBuilderOptions, createBuilder } from "./builder-create.ts";
export {
  type BuilderInfo,
  type InspectBuilderOptions,
  inspectBuilder,
} from "./builder-inspect.ts";
export { type SuggestedBuilder, suggestBuilders } from "./builder-suggest.ts";
export {
  type InspectPackageOptions,
  inspectPackage,
  type PackageInfo,
  type PackageLocation,
} from "./buildpack-inspect.ts";
export { type NewBuildpackOptions, newBuildpack } from "./buildpack-new.ts";
export {
  type PackageBuildpackOptions,
  type PackagedImage,
  type PackageReport,
  packageBuildpack,
} from "./buildpack-package.ts";
export { type PullBuildpackOptions, type PulledBuildpack, pullBuildpack } from "./buildpack-pull.ts";
export type { Config } from "./config/config.ts";
export { changeConfig, readConfig } from "./config/file.ts";
export { type DetectReport, detect } from "./detect.ts";
export type { Diagnosis, DoctorOptions, Finding, State } from "./doctor/diagnosis.ts";
export { doctor } from "./doctor.ts";
export { listImages, type PruneReport, pruneStore, removeImages } from "./image-list.ts";
export {
  type ImageInfo,
  type InspectedModule,
  type InspectedProcess,
  type InspectOptions,
  inspect,
} from "./inspect.ts";
export { type InspectSidesOptions, inspectSides, type Side, type Sides } from "./inspect-sides.ts";
export { type LoginOptions, type LoginReport, login, logout } from "./login.ts";
export type { MakingOptions } from "./making/making.ts";
export {
  type Annotation,
  addToManifestList,
  annotateManifestList,
  createManifestList,
  deleteManifestList,
  inspectManifestList,
  type ListFormat,
  type ListOptions,
  pushManifestList,
  removeFromManifestList,
} from "./manifest-list.ts";
export type { ExportedLayer } from "./phase/export/assembly.ts";
export type { OutsideOptions } from "./reach/outside.ts";
export { type PullPolicy, parsePullPolicy } from "./reach/pull-policy.ts";
export type { RunImageMirrors } from "./reach/run-image.ts";
export {
  openRebaser,
  type RebaseOptions,
  type RebaseReport,
  type Rebaser,
  rebase,
  type SharedRebaseOptions,
} from "./rebase.ts";
export { type InstallationReport, report } from "./report.ts";
export { type RunOptions, type RunReport, run } from "./run.ts";
export { downloadSbom, type SbomOptions } from "./sbom.ts";
export { type CacheForm, parseCaches, type WrittenCaches } from "./setting/cache-form.ts";
export type { CompanyOptions } from "./setting/company.ts";
export type { SourceOptions } from "./setting/options.ts";
export type { SandboxOptions } from "./setting/sandbox-choice.ts";
export type { Emit, Event, Level, Phase } from "./std/event.ts";
export { type ExitName, exitCodeOf, exitCodes, Fault } from "./std/fault.ts";
export { type Copied, copy, type TransferOptions } from "./transfer.ts";
