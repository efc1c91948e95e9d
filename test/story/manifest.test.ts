import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import {
  addToManifestList,
  annotateManifestList,
  copy,
  createManifestList,
  deleteManifestList,
  inspectManifestList,
  pushManifestList,
  removeFromManifestList,
} from "../../src/index.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { isStoredIndex } from "../../src/store/contract.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { Bench } from "../support/flow.ts";
import { withOwnLayers } from "../support/layers.ts";
import { peer } from "../support/peer.ts";
import { pack } from "../support/program.ts";
import { startRegistry } from "../support/registry.ts";
import { startRelay } from "../support/relay.ts";

const bench = new Bench();

beforeAll(async () => {
  const image = await bench.runImage("plain");
  await using store = bench.store();
  for (const architecture of ["amd64", "arm64", "s390x"]) {
    const made = await withOwnLayers(
      bench,
      store,
      { ...image, config: { ...image.config, architecture } },
      architecture,
    );
    await store.write(made, [parseReference(`${architecture}:latest`)], store);
  }
});

const home = { home: bench.home };

async function platformsOf(list: string): Promise<unknown[]> {
  return (await inspectManifestList({ list, ...home })).manifests.map((entry) => entry["platform"]);
}

describe("a manifest list", () => {
  it("is put together from images of registries, annotated, and pushed with what its repository lacks", async (context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const list = `${relay.host}/team/multi:v1`;
    for (const architecture of ["amd64", "arm64"])
      await copy({ from: architecture, to: `docker://${relay.host}/parts/${architecture}`, ...home });
    await createManifestList({ list, images: [`${relay.host}/parts/amd64`], ...home });
    await expect(createManifestList({ list, images: [], ...home })).rejects.toMatchObject({ code: "manifest.exists" });
    await addToManifestList({ list, images: [`${relay.host}/parts/arm64`, "s390x"], ...home });
    expect(await platformsOf(list)).toEqual(
      ["amd64", "arm64", "s390x"].map((architecture) => ({ os: "linux", architecture })),
    );
    const annotation = { variant: "v8", annotations: { "org.example.a": "b" } };
    await annotateManifestList({ list, image: `${relay.host}/parts/arm64`, ...annotation, ...home });
    expect((await inspectManifestList({ list, ...home })).manifests[1]).toMatchObject({
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
      annotations: { "org.example.a": "b" },
    });
    relay.requests.length = 0;
    const digest = await pushManifestList({ list, ...home });
    const uploads = relay.seen().filter((line) => line.startsWith("PATCH"));
    // Of the registry's own images every blob is taken over; the local one is sent.
    expect(uploads).toHaveLength(3);
    await using remote = openRegistry();
    const found = await remote.readWhole(parseReference(list));
    if (!found || !isStoredIndex(found)) throw new Error("there is no index");
    expect(found.descriptor.digest).toBe(digest);
    expect(found.index.mediaType).toBe(mediaTypes.oci.index);
    for (const entry of found.index.manifests) await found.read(entry);
    const skopeo = peer("skopeo", context);
    for (const architecture of ["amd64", "s390x"]) {
      const { stdout } = await execa(skopeo, [
        "inspect",
        "--tls-verify=false",
        `--override-arch=${architecture}`,
        `docker://${list}`,
      ]);
      expect(JSON.parse(stdout).Architecture).toBe(architecture);
    }
    // What is here is still here; the pushed one is what anybody else sees.
    await removeFromManifestList({ list, images: ["s390x", `${relay.host}/parts/amd64`], ...home });
    expect(await platformsOf(list)).toEqual([{ os: "linux", architecture: "arm64", variant: "v8" }]);
    await deleteManifestList({ list, ...home });
    expect(await platformsOf(list)).toHaveLength(3);
  });

  it("is published in Docker's form without a trace here, and one of its images may be a list", async (context) => {
    await using registry = await startRegistry(context);
    const list = `${registry.host}/team/one`;
    const digest = await createManifestList({
      list,
      images: ["amd64", "arm64"],
      format: "docker",
      publish: true,
      ...home,
    });
    await using remote = openRegistry();
    const found = await remote.readWhole(parseReference(list));
    if (!found || !isStoredIndex(found)) throw new Error("there is no index");
    expect([found.index.mediaType, found.descriptor.digest]).toEqual([mediaTypes.docker.index, digest]);
    await expect(pushManifestList({ list, ...home })).rejects.toMatchObject({ code: "manifest.missing" });
    const more = `${registry.host}/team/more`;
    await createManifestList({ list: more, images: [list, "s390x"], ...home });
    expect(await platformsOf(more)).toHaveLength(3);
    await pushManifestList({ list: more, purge: true, ...home });
    await expect(deleteManifestList({ list: more, ...home })).rejects.toMatchObject({ code: "manifest.missing" });
    expect(await platformsOf(more)).toHaveLength(3);
  });

  it("names what it does not have", async () => {
    const list = "127.0.0.1:1/list";
    await createManifestList({ list, images: [], ...home });
    await expect(removeFromManifestList({ list, images: ["127.0.0.1:1/other"], ...home })).rejects.toMatchObject({
      code: "manifest.entry",
    });
    const missing = `sha256:${"0".repeat(64)}`;
    await expect(annotateManifestList({ list, image: missing, os: "linux", ...home })).rejects.toMatchObject({
      code: "manifest.entry",
    });
    const ended = await pack(["manifest", "annotate", list, "x"], { home: bench.home });
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining("nothing says with what")]);
  });
});
