import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { BuildOptions } from "../../src/build.ts";
import { formatDaemonAddress } from "../../src/store/daemon.ts";
import { engineFor } from "../support/dockerd.ts";
import { Bench } from "../support/flow.ts";
import { writeMachineImage } from "../support/machine-image.ts";

const engine = engineFor("Docker");
const bench = new Bench();
const more = ["ln", "chmod", "grep", "printf", "find", "cp"];
let builder: string;
let buildpacks: string[];

const detect = `
[ "$(cat file.txt)" = content ] || exit 100
(: >written-by-detect) 2>/dev/null && exit 1
printf '[[provides]]\\nname = "tool"\\n[[requires]]\\nname = "tool"\\n' >"$CNB_BUILD_PLAN_PATH"
`;
const build = `
cd /workspace
echo "$(id -u):$(id -g) $(pwd) $HOME"
layer=$CNB_LAYERS_DIR/tool
if [ -e $layer/kept ]; then echo "kept: $(cat $layer/kept)"; fi
mkdir -p $layer/bin $layer/deep/er
echo first >$layer/kept
printf '#!/bin/sh\\necho tool\\n' >$layer/bin/tool
chmod 755 $layer/bin/tool
ln -sfn bin/tool $layer/link
ln -sfn /etc/passwd $layer/passwd
printf '[types]\\nlaunch = true\\nbuild = true\\ncache = true\\n' >$layer.toml
echo changed >>file.txt
mkdir made && cp file.txt made/copy
chmod 640 made/copy
rm gone.txt
printf '[[processes]]\\ntype = "web"\\ndefault = true\\ncommand = ["/layers/test_tool/tool/bin/tool"]\\n' >"$CNB_LAYERS_DIR/launch.toml"
`;

beforeAll(async () => {
  const config = { Env: ["CNB_USER_ID=1000", "CNB_GROUP_ID=1001"], User: "1000:1001" };
  await writeMachineImage(bench.home, "build-base", { config, more });
  await bench.runImage();
  mkdirSync(join(bench.app, "lib"));
  writeFileSync(join(bench.app, "gone.txt"), "x");
  writeFileSync(join(bench.app, "lib/script"), "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync("lib/script", join(bench.app, "link"));
  builder = bench.write("builder.toml", '[build]\nimage = "build-base"\n[[run.images]]\nimage = "run"\n[[order]]\n');
  buildpacks = [
    bench.buildpack({ id: "test/tool", detect, build }),
    bench.buildpack({
      id: "test/user",
      build: 'tool; echo "$(cat /workspace/made/copy)"; [ -e /workspace/gone.txt ] || echo gone',
    }),
  ];
});

describe("one app in several sandboxes", () => {
  const builtIn = async (options: Partial<BuildOptions>) => {
    const outcome = await bench.build(buildpacks, { builder, clearCache: true, ...options });
    expect(outcome.fault).toBeUndefined();
    return outcome;
  };

  it("becomes one and the same image in namespaces and in a container", async (test) => {
    const { address, client } = await engine(test);
    const outside = { dockerHost: formatDaemonAddress(address) };
    const said = "1000:1001 /workspace /home/cnb\ntool\ncontent\nchanged\ngone\n";
    const first = await builtIn({ sandbox: "namespace", image: "one" });
    expect(first.output).toBe(said);
    const second = await builtIn({ sandbox: "docker", outside, image: "two" });
    expect(second.output).toBe(said);
    expect(second.report).toMatchObject({ sandbox: "docker", imageId: first.report!.imageId });
    expect(client("ps", "-aq")).toBe("");

    const again = await bench.build(buildpacks, { builder, sandbox: "docker", outside, image: "two" });
    expect(again.report?.imageId).toBe(first.report!.imageId);
    expect(again.output).toContain("kept: first\n");
  });

  it.for(["namespace", "docker"] as const)(
    "BUILD-013 has a %s of its own for detection and for build",
    async (sandbox, test) => {
      const outside = sandbox === "docker" ? { dockerHost: formatDaemonAddress((await engine(test)).address) } : {};
      const places = '"$HOME/left" /tmp/left /dev/shm/left';
      const leave = `for place in ${places}; do : >"$place"; [ -e "$place" ] || exit 1; done`;
      const look = `for place in ${places}; do [ ! -e "$place" ] || echo "there is $place"; done; echo done`;
      const pack = bench.buildpack({ id: "test/apart", detect: leave, build: look });
      const { output, fault } = await bench.build([pack], { builder, sandbox, outside, image: `apart-${sandbox}` });
      expect(fault).toBeUndefined();
      expect(output).toBe("done\n");
    },
  );

  it("builds without a network where it needs none, and there is none", async (test) => {
    const { address } = await engine(test);
    const outside = { dockerHost: formatDaemonAddress(address) };
    const probe = bench.buildpack({
      id: "test/network",
      build:
        "find /proc/net/dev -type f | while read -r f; do tail -n +3 $f; done | grep -v '^ *lo:' | head -3; echo end",
    });
    for (const sandbox of ["namespace", "docker"] as const) {
      const outcome = await bench.build([...buildpacks, probe], {
        builder,
        sandbox,
        outside,
        network: "none",
        image: "none",
      });
      expect(outcome.fault).toBeUndefined();
      expect(outcome.output).toMatch(/gone\nend\n$/);
    }
  });

  it("is not built where there is no builder image for a container, with a word about it", async () => {
    const outcome = await bench.build(buildpacks, { sandbox: "docker" });
    expect(outcome.fault).toMatchObject({
      code: "sandbox.unusable",
      message: "Cannot use sandbox docker: a container is made of a builder image",
      hint: "name one with --builder",
    });
  });

  it("SEC-004 is built without a program of the builder image that would speak to registries", async () => {
    const programs = ["lifecycle", "creator", "analyzer", "detector", "restorer", "builder", "exporter", "rebaser"];
    const files = programs.map((name) => [`/cnb/lifecycle/${name}`, "#!/bin/sh\necho started $0\nexit 1\n"]);
    const config = { Env: ["CNB_USER_ID=1000", "CNB_GROUP_ID=1001"], User: "1000:1001" };
    await writeMachineImage(bench.home, "untrusted-base", { config, more, files: Object.fromEntries(files) });
    const untrusted = bench.write(
      "untrusted.toml",
      '[build]\nimage = "untrusted-base"\n[[run.images]]\nimage = "run"\n[[order]]\n',
    );
    const outcome = await bench.build(buildpacks, { builder: untrusted, sandbox: "namespace", image: "untrusted" });
    expect(outcome.fault).toBeUndefined();
    expect(outcome.output).not.toContain("started");
    expect(outcome.lines("debug").join("\n")).not.toContain("started");
  });

  it("leaves programs of strangers only where nobody else can start them", async () => {
    const setuid = bench.buildpack({
      id: "test/setuid",
      build: [
        'layer="$CNB_LAYERS_DIR/tool"; mkdir -p $layer; cp /bin/sh $layer/sh; chmod 6755 $layer/sh',
        "printf '[types]\\nlaunch = true\\ncache = true\\n' >$layer.toml",
      ].join("\n"),
    });
    const outcome = await bench.build([setuid], { builder, sandbox: "namespace", image: "setuid" });
    expect(outcome.fault).toBeUndefined();
    const folders = ["work", "kept", "layers"].map((name) => ({
      name,
      others: statSync(join(bench.home, name)).mode & 0o077,
    }));
    expect(folders.filter(({ others }) => others !== 0)).toEqual([]);
  });

  it("leaves no container when it fails or is stopped", async (test) => {
    const { address, client } = await engine(test);
    const outside = { dockerHost: formatDaemonAddress(address) };
    const failing = bench.buildpack({ id: "test/failing", build: "exit 7" });
    const failed = await bench.build([failing], { builder, sandbox: "docker", outside, image: "failed" });
    expect(failed.fault).toMatchObject({ code: "build.failed" });
    expect(client("ps", "-aq")).toBe("");

    const slow = bench.buildpack({ id: "test/slow", build: "echo waiting; sleep 1000" });
    const abort = new AbortController();
    const stopped = bench.build([slow], {
      builder,
      sandbox: "docker",
      outside,
      image: "stopped",
      signal: abort.signal,
      onEvent: (event) => {
        if (event.type === "output") abort.abort(new Error("stop"));
      },
    });
    await expect(stopped).rejects.toThrow("stop");
    expect(client("ps", "-aq")).toBe("");
  });
});
