import type { LauncherSource } from "../cnb/build-metadata.ts";
import type { Sandbox } from "../sandbox/contract.ts";
import { guestPath } from "../std/path.ts";
import type { Stacked } from "../tar/stacked.ts";

const place = "/cnb/lifecycle";

/** What every released lifecycle says of its own sources. */
const repository = "github.com/buildpacks/lifecycle";

/**
 * Where a builder's launcher comes from. The commit stands nowhere but in the lifecycle's programs, which tell it with their version (`0.21.0+4bd4b13`);
 * a lifecycle that does not is known by `version` alone, as are those built without one.
 */
export async function readLauncherSource(
  sandbox: Sandbox,
  version: string,
  platformApi: string,
): Promise<LauncherSource> {
  const said: Uint8Array[] = [];
  const exit = await sandbox.run(
    { argv: [`${place}/exporter`, "-version"], cwd: guestPath("/"), env: { CNB_PLATFORM_API: platformApi } },
    (chunk) => said.push(chunk),
  );
  const isSaid = exit.kind === "exited" && exit.code === 0;
  const [text, own, commit] = (isSaid && /^([0-9][^\s+]*)(?:\+(\S+))?$/m.exec(Buffer.concat(said).toString())) || [];
  const git = commit === undefined ? { repository: "", commit: "" } : { repository, commit };
  return { version: text === undefined ? version : own!, source: { git } };
}

/** The bills of materials a lifecycle brings for itself and its launcher, by where a build puts them below `<layers>/sbom`. */
export function lifecycleSboms(files: Stacked): Readonly<Record<string, string>> {
  const targets = { lifecycle: "build/buildpacksio_lifecycle", launcher: "launch/buildpacksio_lifecycle/launcher" };
  const found = Object.entries(targets).flatMap(([component, target]) =>
    ["cdx", "spdx", "syft"].flatMap((format): [string, string][] => {
      const text = files.textAt(guestPath(`${place}/${component}.sbom.${format}.json`));
      return text === undefined ? [] : [[`${target}/sbom.${format}.json`, text]];
    }),
  );
  return Object.fromEntries(found);
}
