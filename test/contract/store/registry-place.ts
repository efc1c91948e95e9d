import { afterAll } from "vitest";
import { digestOf, hexOf } from "../../../src/oci/digest.ts";
import type { Compression } from "../../../src/oci/media-type.ts";
import type { Reference } from "../../../src/oci/reference.ts";
import type { HostPath } from "../../../src/std/path.ts";
import type { ImageStore } from "../../../src/store/contract.ts";
import { openRegistry } from "../../../src/store/registry.ts";
import { isInstalled } from "../../support/peer.ts";
import { type RunningRegistry, startRegistry } from "../../support/registry.ts";
import type { Implementation } from "./place.ts";

let shared: Promise<RunningRegistry> | undefined;

/** One docker-registry for all tests of a file, started when the first one needs it. */
function sharedRegistry(): Promise<RunningRegistry> {
  shared ??= startRegistry({ skip: (note) => Promise.reject(new Error(note)) as never });
  return shared;
}

afterAll(async () => (await shared)?.[Symbol.asyncDispose]());

/** All names of the world in one registry, below a repository of its own for `path`. */
function openShared(path: HostPath, compression: Compression): ImageStore & AsyncDisposable {
  const registry = openRegistry({ compression });
  const prefix = hexOf(digestOf(path)).slice(0, 16);
  const inside = async (name: Reference): Promise<Reference> => ({
    ...name,
    registry: (await sharedRegistry()).host,
    repository: `${prefix}/${name.registry.replace(":", "-")}/${name.repository}`,
  });
  return {
    read: async (name) => registry.read(await inside(name)),
    write: async (image, names, blobs, texts) =>
      registry.write(image, await Promise.all(names.map(inside)), blobs, texts),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

/** Registries as implementations of the contract; none where docker-registry is missing, but under CI, where they then fail. */
export function registryImplementations(): readonly Implementation[] {
  if (!isInstalled("docker-registry") && process.env["CI"] !== "true") {
    console.log("skipped: docker-registry is not installed");
    return [];
  }
  return [
    { title: "registry", open: (path) => openShared(path, "gzip"), isOnDisk: false, holds: "many", keeps: [] },
    {
      title: "registry, not compressed",
      open: (path) => openShared(path, "none"),
      isOnDisk: false,
      holds: "many",
      keeps: ["oci", "docker"],
    },
  ];
}
