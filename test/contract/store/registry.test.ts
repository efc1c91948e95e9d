import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { documentsOf } from "../../../src/oci/image.ts";
import { mediaTypes } from "../../../src/oci/media-type.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { layerTar } from "../../../src/store/layer.ts";
import { openRegistry } from "../../../src/store/registry.ts";
import { peer } from "../../support/peer.ts";
import { type RunningRegistry, startRegistry } from "../../support/registry.ts";
import { inFolder } from "./place.ts";
import { sampleImage } from "./sample.ts";

const files = [Buffer.from("lower"), Buffer.alloc(3_000_000, "upper")];

function skopeo(test: TestContext, ...args: string[]): string {
  const path = peer("skopeo", test);
  return execFileSync(path, ["--insecure-policy", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

let running: RunningRegistry | undefined;
beforeAll(async () => {
  running = await startRegistry({ skip: () => undefined as never }).catch(() => undefined);
});
afterAll(() => running?.[Symbol.asyncDispose]());

function hostFor(test: TestContext): string {
  peer("docker-registry", test);
  return running!.host;
}

describe("docker-registry and skopeo", () => {
  it.for(["oci", "docker"] as const)("IMG take what we push, %s family", (family, test) =>
    inFolder(async (folder) => {
      const name = `${hostFor(test)}/push/${family}:v1`;
      const sample = sampleImage({ family, files, labels: { hello: "world" } });
      await using registry = openRegistry();
      const identity = await registry.write(sample.image, [parseReference(name)], sample.blobs);
      const place = ["--tls-verify=false", `docker://${name}`];
      expect(JSON.parse(skopeo(test, "inspect", ...place))).toMatchObject({
        Architecture: "amd64",
        Digest: identity.digest,
        Labels: { hello: "world" },
      });
      expect(digestOf(skopeo(test, "inspect", "--raw", "--config", ...place))).toBe(identity.imageId);
      const manifest = JSON.parse(skopeo(test, "inspect", "--raw", ...place));
      expect(manifest.mediaType).toBe(mediaTypes[family].manifest);
      expect(manifest.layers.map((layer: { mediaType: string }) => layer.mediaType)).toEqual([
        mediaTypes.docker.gzip,
        mediaTypes.docker.gzip,
      ]);
      skopeo(test, "copy", "--src-tls-verify=false", `docker://${name}`, `dir:${folder}/copy`);
    }),
  );

  it("give what skopeo pushed", (test) =>
    inFolder(async (folder) => {
      const name = `${hostFor(test)}/by-skopeo/app:v1`;
      const sample = sampleImage({ files });
      const { openArchive } = await import("../../../src/store/archive.ts");
      const { under } = await import("../../../src/std/path.ts");
      await using archive = openArchive(under(folder, "a.tar"), { form: "oci" });
      await archive.write(sample.image, [parseReference("a:v1")], sample.blobs);
      skopeo(test, "copy", "--dest-tls-verify=false", `oci-archive:${folder}/a.tar:v1`, `docker://${name}`);
      await using registry = openRegistry();
      const stored = await registry.read(parseReference(name));
      expect(stored?.identity.imageId).toBe(documentsOf(sample.image).identity.imageId);
      for (const layer of stored!.image.layers)
        expect(digestOf(await collect(layerTar(layer, stored!.blobs)))).toBe(layer.diffId);
    }));
});
