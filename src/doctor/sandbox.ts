import { tmpdir } from "node:os";
import { homeAt } from "../reach/home.ts";
import type { Probe, SandboxKind } from "../sandbox/contract.ts";
import { readFacts } from "../sandbox/refusal.ts";
import { sandboxFor, sandboxKinds } from "../setting/sandbox-choice.ts";
import { Fault, reasonOf } from "../std/fault.ts";
import { isDirectory } from "../std/file.ts";
import { hostPath } from "../std/path.ts";
import { areaOf, type DoctorOptions, type Finding } from "./diagnosis.ts";

const finding = areaOf("sandbox");

function ofProbe({ name, isolation }: SandboxKind, probe: Probe): Finding {
  if (!probe.usable) return finding(name, "none", probe.because, probe.hint);
  if (isolation.filesystem) return finding(name, "ok", probe.detail);
  return finding(name, "warn", probe.detail, "use it for buildpacks you trust like your own programs");
}

/** Whether overlays can be had where builds happen. */
async function overlays(kind: SandboxKind, options: DoctorOptions): Promise<Finding> {
  const { work, root } = homeAt(options.home);
  // Nothing is made here, only to look.
  const place = (await isDirectory(work)) ? work : hostPath(tmpdir());
  if (await kind.stacks(place)) return finding("overlays", "ok", `directories can be stacked in ${place}`);
  return finding(
    "overlays",
    "none",
    `directories cannot be stacked in ${place}: builder images are unpacked as a whole, the app is copied`,
    `it takes Linux 5.11 or newer and user namespaces, and PACK_HOME (${root}) on a disk that keeps user attributes and is no overlay itself`,
  );
}

/** The kernel's settings about user namespaces, by their names. */
async function settings(): Promise<Finding[]> {
  const { most, cloneAllowed, apparmorRestricts } = await readFacts();
  const rows: readonly (readonly [string, string | undefined, (value: string) => boolean])[] = [
    ["user.max_user_namespaces", most, (value) => value !== "0"],
    ["kernel.unprivileged_userns_clone", cloneAllowed, (value) => value !== "0"],
    ["kernel.apparmor_restrict_unprivileged_userns", apparmorRestricts, (value) => value !== "1"],
  ];
  return rows.flatMap(([name, value, isGood]) =>
    value === undefined
      ? []
      : [finding(name, isGood(value) ? "ok" : "none", value, isGood(value) ? undefined : `see sysctl ${name}`)],
  );
}

/** What a build would choose. */
async function choice(root: "machine" | "image", options: DoctorOptions): Promise<Finding> {
  const name = root === "image" ? "choice with a builder image" : "choice without a builder image";
  try {
    const { kind, explanation } = await sandboxFor(options, root);
    return finding(name, kind.isolation.filesystem ? "ok" : "warn", explanation);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // Builds without a builder image are always possible.
    return finding(name, root === "image" ? "warn" : "fail", reasonOf(error), error.hint);
  }
}

/** Every kind of sandbox, what it needs, and which one builds would run in. */
export async function lookAtSandboxes(options: DoctorOptions): Promise<Finding[]> {
  const kinds = sandboxKinds(options);
  const probed = await Promise.all(kinds.map(async (kind) => ofProbe(kind, await kind.probe())));
  const stacked = await overlays(kinds[0]!, options);
  const choices = await Promise.all((["machine", "image"] as const).map((root) => choice(root, options)));
  return [...choices, ...probed, stacked, ...(await settings())];
}
