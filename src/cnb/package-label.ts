import { encodeJson } from "../std/json.ts";
import { parseObject } from "../std/json-read.ts";
import {
  type ModuleInfo,
  moduleInfoJson,
  parseModuleInfo,
  parseStacks,
  type Stack,
  stacksJson,
} from "./module-info.ts";

/** The label `io.buildpacks.buildpackage.metadata`: the one module a package is about, and the stacks it says it runs on. */
export interface PackageMetadata extends ModuleInfo {
  /** None in packages that know targets only. */
  readonly stacks: readonly Stack[];
}

/** The value of the label, byte for byte as pack writes it. */
export function encodePackageMetadata({ stacks, ...info }: PackageMetadata): string {
  return encodeJson({ ...moduleInfoJson(info), stacks: stacks.length > 0 ? stacksJson(stacks) : null });
}

/** The text of the label to its value; throws Fault `json.*` and `buildpack.coordinates`. */
export function parsePackageMetadata(text: string, place: string): PackageMetadata {
  const object = parseObject(text, place);
  return { ...parseModuleInfo(object, place), stacks: parseStacks(object, "stacks", place) };
}
