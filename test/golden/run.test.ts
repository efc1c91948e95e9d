import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { labelNames } from "../../src/cnb/label.ts";
import { labelsOf } from "../../src/oci/config.ts";
import { Bench } from "../support/flow.ts";
import { app, descriptorOf, type Scenario, scenarios, scriptOf } from "./run/scenario.ts";
import { vector } from "./vector.ts";

/** What the reference made of a scenario, the launcher aside. */
interface Run {
  /** The line in the history and the diffID of each layer above the run image, bottom first. */
  readonly layers: readonly (readonly [string, string])[];
  readonly entrypoint?: readonly string[];
  readonly workingDir: string;
  readonly env: readonly string[];
  /** The label about the build, without what it says of the launcher. */
  readonly build: object;
}

const runs = JSON.parse(vector("runs.json")) as Record<string, Run>;
const isLauncher = ([line]: readonly [string, string]) => line === "Buildpacks Application Launcher";

function writeInputs(bench: Bench, scenario: Scenario): readonly string[] {
  for (const { path, content, link, mode } of app) {
    const full = join(bench.app, path);
    mkdirSync(dirname(full), { recursive: true });
    if (link !== undefined) symlinkSync(link, full);
    else bench.write(join("app", path), content ?? "", mode);
  }
  mkdirSync(join(bench.app, "void"));
  return scenario.buildpacks.map((buildpack, at) => {
    bench.write(`bp/${at}/buildpack.toml`, descriptorOf(buildpack));
    bench.write(`bp/${at}/bin/detect`, "#!/bin/sh\nexit 0\n", 0o755);
    bench.write(`bp/${at}/bin/build`, scriptOf(buildpack), 0o755);
    return join(bench.root, "bp", String(at));
  });
}

describe("a build with the inputs of a run of the reference makes its layers and its config", () => {
  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))("%s", async (name, scenario) => {
    const bench = new Bench({ app: false });
    const { uid = 1000, gid = 1000, execEnv } = scenario;
    await bench.runImage("run", (config) => ({
      ...config,
      config: {
        ...config.config,
        Env: [
          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          `CNB_USER_ID=${uid}`,
          `CNB_GROUP_ID=${gid}`,
        ],
      },
    }));
    const { report, fault } = await bench.build(writeInputs(bench, scenario), { ...(execEnv && { execEnv }) });
    expect(fault).toBeUndefined();
    await bench.look("app", ({ image }) => {
      const { history, diffIds, config } = image.config;
      const layers = diffIds.map((diffId, at) => [history[at]!.created_by ?? "", diffId] as const).slice(1);
      const { launcher: _, ...build } = JSON.parse(labelsOf(image.config)[labelNames.build]!);
      expect({
        layers: layers.filter((layer) => !isLauncher(layer)),
        entrypoint: config!.Entrypoint,
        workingDir: config!.WorkingDir,
        env: config!.Env,
        build,
      }).toEqual({
        entrypoint: undefined,
        ...runs[name],
        layers: runs[name]!.layers.filter((layer) => !isLauncher(layer)),
      });
      expect(layers.some(isLauncher)).toBe(report!.layers.some(({ id }) => /launcher$/.test(id)));
    });
  });
});
