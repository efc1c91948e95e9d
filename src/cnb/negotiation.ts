import { Fault } from "../std/fault.ts";
import { buildpackApis, isServedBy, parseApi, platformApis } from "./api.ts";
import type { Buildpack } from "./buildpack.ts";
import type { LifecycleFile } from "./lifecycle-file.ts";
import { nameOf } from "./order-file.ts";

/** All versions a lifecycle lists of one API. */
function versions({ deprecated, supported }: LifecycleFile["platform"]): readonly string[] {
  return [...deprecated, ...supported];
}

/**
 * The highest Platform API that a builder's lifecycle and we both follow: its launcher reads the image we make. Ours when the builder
 * says none. Throws Fault `builder.platform-api` (exit 11) when there is none.
 */
export function platformApiFor(lifecycle: LifecycleFile, builder: string): string {
  const offered = versions(lifecycle.platform);
  const both = platformApis.filter((text) => offered.length === 0 || offered.includes(text));
  const highest = both.at(-1);
  if (highest !== undefined) return highest;
  throw new Fault(
    "builder.platform-api",
    `Cannot use builder ${builder}: its lifecycle follows Platform API ${offered.join(", ")}, and we ${platformApis[0]} to ${platformApis.at(-1)}`,
    { exit: "platformApi", hint: "use a newer version of the builder" },
  );
}

/** Throws Fault `builder.buildpack-api` (exit 12) for a buildpack whose processes the launcher of a builder cannot start. */
export function checkLauncherApi(lifecycle: LifecycleFile, builder: string, buildpack: Buildpack): void {
  const offered = versions(lifecycle.buildpack);
  if (offered.length === 0 || offered.some((text) => isServedBy(buildpack.api, parseApi(text, builder)))) return;
  throw new Fault(
    "builder.buildpack-api",
    `Cannot use buildpack ${nameOf(buildpack)} with builder ${builder}: it needs Buildpack API ${buildpack.api.text}, and the builder's lifecycle knows ${offered.join(", ")}`,
    {
      exit: "buildpackApi",
      hint: `use a newer builder, or another version of the buildpack (up to ${buildpackApis.at(-1)} can be used)`,
    },
  );
}
