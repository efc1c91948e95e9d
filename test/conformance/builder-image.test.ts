import { describe, expect, it } from "vitest";
import { foreignLauncher, writeBuilderImage } from "../support/builder-image.ts";
import { Bench } from "../support/flow.ts";

const bench = new Bench();

/** Prints what a script sees, one line each. */
const look = [
  'echo "id=$(id -u):$(id -g)"',
  'echo "path=$PATH"',
  'echo "home=$HOME"',
  'echo "stack=${CNB_STACK_ID:-}"',
  'touch "$HOME/of-mine" && echo "home is writable"',
  'echo "cwd=$(readlink -f .)"',
  "ls /cnb",
].join("\n");

describe("a build with a builder image", () => {
  it("BUILDER-001 runs in the image, with its buildpacks, order, ids and environment", async () => {
    await bench.runImage();
    await writeBuilderImage(bench.home, "builder", {
      buildpacks: [bench.buildpack({ id: "test/look", build: look })],
      order: [[{ id: "test/look", optional: false }]],
    });
    const { report, fault, output } = await bench.build([], { builder: "builder", runImage: undefined as never });
    console.log(fault, output, foreignLauncher().length);
    expect(report?.group).toEqual([{ id: "test/look", version: "1.0.0" }]);
  });
});
