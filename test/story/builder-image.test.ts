import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { formatDaemonAddress } from "../../src/store/daemon.ts";
import { writeBuilderImage, writePackageImage } from "../support/builder-image.ts";
import { engineFor } from "../support/dockerd.ts";
import { Bench } from "../support/flow.ts";

const engine = engineFor("Docker");
const bench = new Bench();
const options = { builder: "builder", runImage: undefined as never, buildpacks: ["from=builder", "docker://extra"] };

beforeAll(async () => {
  await bench.runImage();
  const layer = [
    'layer="$CNB_LAYERS_DIR/tool"; mkdir -p "$layer/bin" "$HOME/cache"',
    'cp /bin/sh "$layer/bin/tool"; chmod 750 "$layer/bin/tool"; touch "$HOME/cache/file" made',
    "printf '[types]\\nlaunch = true\\nbuild = true\\ncache = true\\n' >\"$layer.toml\"",
    'printf \'[[processes]]\\ntype = "web"\\ncommand = ["tool"]\\n\' >"$CNB_LAYERS_DIR/launch.toml"',
  ].join("\n");
  await writeBuilderImage(bench.home, "builder", {
    buildpacks: [bench.buildpack({ id: "test/tool", build: layer })],
    order: [[{ id: "test/tool", optional: false }]],
    buildConfig: { "FROM_BUILDER.default": "1" },
  });
  const uses = 'tool -c "[ $FROM_BUILDER = 1 ]"; [ -e made ] && [ "$(id -u)" = 1000 ]';
  await writePackageImage(bench.home, "extra", [bench.buildpack({ id: "test/uses", build: uses })]);
});

const imageId = async (more = {}) => {
  const { report, fault, output } = await bench.build([], { ...options, clearCache: true, ...more });
  expect(fault, output).toBeUndefined();
  return report!.imageId;
};

/** Builds as an ordinary user, in a copy of everything that is this user's own. */
function imageIdOfNobody(): string {
  const copy = join(bench.root, "nobody");
  execFileSync("mkdir", [copy]);
  execFileSync("cp", ["-r", bench.app, join(copy, "app")]);
  execFileSync("cp", ["-r", join(bench.home, "store"), join(copy, "store")]);
  execFileSync("sh", [
    "-c",
    'mkdir "$0/home" && mv "$0/store" "$0/home/store" && chown -R 65534:65534 "$0" && chmod 711 "$1"',
    copy,
    bench.root,
  ]);
  const program = `
    import { build } from ${JSON.stringify(join(process.cwd(), "src/build.ts"))};
    const report = await build(${JSON.stringify({ app: join(copy, "app"), home: join(copy, "home"), image: "app", pullPolicy: "never", sandbox: "namespace", ...options })});
    console.log(report.imageId);
  `;
  const node = [process.execPath, "--import", import.meta.resolve("tsx"), "--input-type=module", "--eval", program];
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: copy, TMPDIR: copy };
  const ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  return execFileSync("setpriv", [...ids, ...node], { encoding: "utf8", env, cwd: copy }).trim();
}

describe("a build with a builder image and a package", () => {
  it("gives one image in namespaces, in a container, and to an ordinary user", async (test) => {
    const first = await imageId({ sandbox: "namespace" });
    expect(await imageId({ sandbox: "namespace", image: "again" })).toBe(first);
    if (process.getuid?.() === 0) expect(imageIdOfNobody()).toBe(first);
    const { address, client } = await engine(test);
    const outside = { dockerHost: formatDaemonAddress(address) };
    expect(await imageId({ sandbox: "docker", outside, image: "contained" })).toBe(first);
    // What the engine has serves from there.
    expect(client("images", "--format", "{{.Repository}}")).toContain("builder");
    expect(await imageId({ sandbox: "docker", outside, image: "third", builder: "docker-daemon:builder" })).toBe(first);
  });
});
