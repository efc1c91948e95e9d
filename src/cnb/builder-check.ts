import { Fault } from "../std/fault.ts";
import { isServedBy, parseApi } from "./api.ts";
import type { Builder } from "./builder.ts";
import type { LifecycleFile } from "./lifecycle-file.ts";
import type { ModuleDescriptor } from "./module-descriptor.ts";
import type { Stack } from "./module-info.ts";
import { nameOf } from "./order-file.ts";
import { describePatterns, describeTarget, isTargetMet, type Target, type TargetPattern } from "./target.ts";

/** What a builder is made of, as far as a module must fit it. */
export interface BuilderGround {
  readonly lifecycle: LifecycleFile;
  readonly target: Target;
  readonly stackId: string;
  readonly mixins: readonly string[];
}

/** A module that is to stand in a builder. */
export interface CheckedModule {
  readonly descriptor: ModuleDescriptor;
  readonly targets: readonly TargetPattern[];
}

function refuse(code: string, found: string, hint?: string): never {
  throw new Fault(code, `Cannot make builder: ${found}`, { ...(hint !== undefined && { hint }) });
}

/** Throws Fault `builder.image` when a definition lacks what every builder image has. */
export function checkDefinition({ buildImage, runImages }: Builder): void {
  if (buildImage === "")
    refuse("builder.image", "builder.toml names no build image", 'write [build] and image = "NAME" into it');
  if (runImages.length === 0)
    refuse("builder.image", "builder.toml names no run image", 'write [[run.images]] and image = "NAME" into it');
}

/** Throws Fault `builder.extensions` when extensions are to be used with a lifecycle in which they are not stable yet. */
export function checkExtensions(lifecycle: LifecycleFile): void {
  const stable = parseApi("0.13", "extensions");
  const { supported } = lifecycle.platform;
  const isStable = supported.some((text) => {
    const { major, minor } = parseApi(text, "lifecycle");
    return major > stable.major || minor >= stable.minor;
  });
  if (supported.length > 0 && !isStable)
    refuse(
      "builder.extensions",
      `image extensions need Platform API 0.13, and the lifecycle follows ${supported.join(", ")}`,
    );
}

function lists(versions: readonly string[], api: string): boolean {
  const asked = parseApi(api, "module");
  return versions.some((text) => isServedBy(asked, parseApi(text, "lifecycle")));
}

function checkStacks({ info, stacks, targets }: ModuleDescriptor, { stackId, mixins }: BuilderGround): void {
  // A build image without a stack is of the time of targets, and a module that has some is judged by them.
  if (stacks.length === 0 || (stackId === "" && targets.length > 0)) return;
  const stack = stacks.find(({ id }) => id === stackId || id === "*");
  const name = nameOf(info);
  if (stack === undefined)
    refuse(
      "builder.stack",
      `${name} does not run on stack "${stackId}", only on ${stacks.map(({ id }) => id).join(", ")}`,
    );
  const needed = (stack as Stack).mixins?.filter((mixin) => !mixin.startsWith("run:")) ?? [];
  const missing = needed.filter((mixin) => !mixins.includes(mixin)).sort();
  if (missing.length > 0) refuse("builder.mixins", `${name} needs mixins the build image lacks: ${missing.join(", ")}`);
}

/** A pattern that says nothing of distributions where the image says none. */
function patternFor(pattern: TargetPattern, target: Target): TargetPattern {
  return target.distro ? pattern : { ...pattern, distros: [] };
}

/**
 * What there is to say of a module in a builder. Throws Fault `builder.api`, `builder.component`, `builder.stack`, `builder.mixins` or
 * `builder.target` when it cannot work there.
 */
export function checkBuilderModule(
  { descriptor, targets }: CheckedModule,
  all: readonly CheckedModule[],
  ground: BuilderGround,
): readonly string[] {
  const { info, api, order, kind } = descriptor;
  const name = nameOf(info);
  const { deprecated, supported } = ground.lifecycle.buildpack;
  if (!lists([...supported, ...deprecated], api))
    refuse(
      "builder.api",
      `${name} needs Buildpack API ${api}, and the lifecycle ${ground.lifecycle.version} knows ${supported.join(", ")}`,
      "use another version of the buildpack, or of the lifecycle",
    );
  for (const { id, version } of order.flat()) {
    const isThere = all.some((one) => one.descriptor.info.id === id && one.descriptor.info.version === version);
    if (!isThere)
      refuse(
        "builder.component",
        `the order of ${name} names ${nameOf({ id, version: version ?? "" })}, which is not there`,
      );
  }
  if (order.length === 0 && kind === "buildpack") {
    checkStacks(descriptor, ground);
    const patterns = targets.map((pattern) => patternFor(pattern, ground.target));
    if (!isTargetMet(patterns, ground.target))
      refuse(
        "builder.target",
        `${name} runs on ${describePatterns(targets)}, and the build image is ${describeTarget(ground.target)}`,
      );
  }
  const isOld = deprecated.includes(api);
  return isOld ? [`${name} is using deprecated Buildpack API version ${api}`] : [];
}
