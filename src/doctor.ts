import type { Diagnosis, DoctorOptions, Finding } from "./doctor/diagnosis.ts";
import { lookAtEngines } from "./doctor/engine.ts";
import { lookAtHome } from "./doctor/home.ts";
import { lookOutside } from "./doctor/outside.ts";
import { lookAtSandboxes } from "./doctor/sandbox.ts";
import { lookAtTools } from "./doctor/tool.ts";

/** Looks at everything builds depend on: sandboxes, engines for image extensions, the store, credentials, proxies, daemons, tools. Changes nothing, shows no secret. */
export async function doctor(options: DoctorOptions = {}): Promise<Diagnosis> {
  const areas = [
    lookAtSandboxes(options),
    lookAtEngines(options),
    lookAtHome(options),
    lookOutside(options),
    lookAtTools(),
  ];
  const findings: readonly Finding[] = (await Promise.all(areas)).flat();
  return { findings, isHealthy: findings.every(({ state }) => state !== "fail") };
}
