import type { SpawnSyncReturns } from "node:child_process";
import { describe, expect, it } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { homeAt } from "../../../src/reach/home.ts";
import type { Event } from "../../../src/std/event.ts";
import { openDaemon } from "../../../src/store/daemon.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { engineFor } from "../../support/dockerd.ts";
import { Bench } from "../../support/flow.ts";
import { writeMachineImage } from "../../support/machine-image.ts";

const name = parseReference("app:latest");
const bench = new Bench();
const engine = engineFor("Docker");

/** Runs the app in a container without a network; what it printed and how it ended. */
function run(
  client: (...words: string[]) => string,
  ...words: string[]
): { readonly code: number; readonly output: string } {
  try {
    return { code: 0, output: client("run", "--rm", "--network", "none", ...words) };
  } catch (error) {
    const { status, stdout, stderr } = error as SpawnSyncReturns<string>;
    return { code: status ?? -1, output: `${stdout}${stderr}`.trimEnd() };
  }
}

describe("docker run", () => {
  it("starts what was built, through the launcher; a second build sends no layer of the base", async (test) => {
    const { address, client } = await engine(test);
    await writeMachineImage(bench.home, "run", {
      config: {
        Env: ["PATH=/usr/bin:/bin", "CNB_USER_ID=1000", "CNB_GROUP_ID=1000"],
        User: "1000:1000",
        Labels: { "io.buildpacks.base.distro.name": "debian", "io.buildpacks.base.distro.version": "12" },
      },
    });
    const buildpack = bench.buildpack({
      id: "test/hello",
      build: [
        'mkdir -p "$CNB_LAYERS_DIR/tool/env.launch"',
        'printf "[types]\\nlaunch = true\\n" >"$CNB_LAYERS_DIR/tool.toml"',
        'printf "from the layer" >"$CNB_LAYERS_DIR/tool/env.launch/GREETING"',
        'cat >"$CNB_LAYERS_DIR/launch.toml" <<"END"',
        '[[processes]]\ntype = "web"\ndefault = true\ncommand = ["sh", "-c", "cat file.txt; echo $GREETING; exit 7"]',
        "END",
      ].join("\n"),
    });
    await using store = openLayout(homeAt(bench.home).store, { hold: true });
    const events: Event[] = [];
    await using daemon = await openDaemon(address, { onEvent: (event) => events.push(event) });
    const sent = () => Math.max(0, ...events.splice(0).map((event) => (event.type === "progress" ? event.done : 0)));
    const save = async () => {
      const outcome = await bench.build([buildpack]);
      expect(outcome.fault).toBeUndefined();
      const stored = await store.read(name);
      const identity = await daemon.write(stored!.image, [name], stored!.blobs, stored);
      expect(identity).toEqual(stored!.identity);
      expect(client("image", "inspect", "--format", "{{.Id}}", "app")).toBe(stored!.identity.imageId);
      return stored!.image.layers;
    };

    const layers = await save();
    const base = layers[0]!.descriptor.size;
    expect(base).toBeGreaterThan(2_000_000);
    expect(sent()).toBeGreaterThan(base);
    expect(run(client, "app")).toEqual({ code: 7, output: "content\nfrom the layer" });
    expect(run(client, "--entrypoint", "launcher", "app", "echo $GREETING again")).toEqual({
      code: 0,
      output: "from the layer again",
    });

    bench.write("app/file.txt", "changed\n");
    await save();
    expect(sent()).toBeLessThan(base / 10);
    expect(run(client, "app").output).toBe("changed\nfrom the layer");
  });
});
