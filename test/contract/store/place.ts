import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Family } from "../../../src/oci/media-type.ts";
import { type HostPath, hostPath } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import type { ImageStore } from "../../../src/store/contract.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { openLayoutDirectory } from "../../../src/store/layout-directory.ts";
import { memoryStore } from "../../../src/store/memory.ts";
import { registryImplementations } from "./registry-place.ts";

/** One implementation of the contract and what it promises beyond it. */
export interface Implementation {
  readonly title: string;
  /** Opens the store kept at `path`; stores opened at the same path share their images, but for memory. */
  open(path: HostPath): ImageStore & AsyncDisposable;
  readonly isOnDisk: boolean;
  /** Whether a second write leaves other images there, or takes their place. */
  readonly holds: "many" | "one";
  /** Of which families manifests are stored as given; else they are made anew for the layers as they are stored. */
  readonly keeps: readonly Family[];
}

/** A store in memory as something to dispose of, like the others. */
function openMemory(): ImageStore & AsyncDisposable {
  return { ...memoryStore(), [Symbol.asyncDispose]: async () => undefined };
}

const both: readonly Family[] = ["oci", "docker"];

export const implementations: readonly Implementation[] = [
  { title: "memory", open: openMemory, isOnDisk: false, holds: "many", keeps: both },
  { title: "layout", open: (path) => openLayout(path), isOnDisk: true, holds: "many", keeps: both },
  {
    title: "layout held",
    open: (path) => openLayout(path, { hold: true }),
    isOnDisk: true,
    holds: "many",
    keeps: both,
  },
  {
    title: "layout directory",
    open: (path) => openLayoutDirectory(path),
    isOnDisk: true,
    holds: "many",
    keeps: [],
  },
  {
    title: "layout directory, not compressed",
    open: (path) => openLayoutDirectory(path, { compression: "none" }),
    isOnDisk: true,
    holds: "many",
    keeps: ["oci"],
  },
  {
    title: "OCI archive",
    open: (path) => openArchive(path, { form: "oci" }),
    isOnDisk: true,
    holds: "one",
    keeps: [],
  },
  {
    title: "OCI archive, not compressed",
    open: (path) => openArchive(path, { form: "oci", compression: "none" }),
    isOnDisk: true,
    holds: "one",
    keeps: ["oci"],
  },
  {
    title: "Docker archive",
    open: (path) => openArchive(path, { form: "docker" }),
    isOnDisk: true,
    holds: "one",
    keeps: [],
  },
  ...registryImplementations(),
];

/** Runs `work` with a new empty directory that is removed afterwards. */
export async function inFolder<T>(work: (folder: HostPath) => Promise<T>): Promise<T> {
  const folder = hostPath(mkdtempSync(join(tmpdir(), "plinth-store-")));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
