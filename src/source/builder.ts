import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { buildConfigFiles, checkModule, type ModuleReference, parseBuilder } from "../cnb/builder.ts";
import type { EnvFile } from "../cnb/environment.ts";
import type { System } from "../cnb/order.ts";
import type { Coordinates, OpenOrder } from "../cnb/order-file.ts";
import type { RunImageNames } from "../cnb/run-file.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { type HostPath, hostPath } from "../std/path.ts";
import type { BuilderImage } from "./builder-image.ts";
import { findModules, type Searching } from "./find.ts";
import type { Module, ModuleKind } from "./module.ts";

/** A builder as builds use it, whatever it was read from. */
export interface OpenBuilder {
  /** What people call it. */
  readonly name: string;
  /** Without the system's buildpacks. */
  readonly order: OpenOrder;
  readonly system: System;
  /** All of its buildpacks, those in its image and those to be mounted. */
  readonly buildpacks: readonly Coordinates[];
  readonly modules: readonly Module[];
  /** The order of its image extensions, all of them, and those that are to be mounted. */
  readonly orderExtensions: OpenOrder;
  readonly extensions: readonly Coordinates[];
  readonly extensionModules: readonly Module[];
  readonly runImages: readonly RunImageNames[];
  readonly buildConfig: readonly EnvFile[];
  /** Sentences about what is allowed but hardly meant. */
  readonly warnings: readonly string[];
  /** The image that is the root of builds, for a builder that is one. */
  readonly image: BuilderImage | undefined;
  /** The name of the image that is the root of builds, for a `builder.toml` that names one. */
  readonly buildImage: string | undefined;
}

async function readDescriptor(path: HostPath): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const known: Record<string, string> = {
      ENOENT: "there is no such file",
      EISDIR: "it is a directory without a builder.toml",
    };
    const found = known[errnoOf(cause) ?? ""] ?? reasonOf(cause);
    throw new Fault("builder.missing", `Cannot read builder at ${path}: ${found}`, {
      cause,
      exit: "usage",
      hint: "give the path of a builder.toml, or the name of a builder image",
    });
  }
}

/** Reads a `builder.toml` and every buildpack it names. Throws the parsers' faults, and those of what it names. */
export async function readBuilderFile(path: HostPath, searching: Omit<Searching, "base">): Promise<OpenBuilder> {
  const builder = parseBuilder(await readDescriptor(path), path);
  const base = hostPath(dirname(path));
  const locate = async (reference: ModuleReference, kind: ModuleKind): Promise<readonly Module[]> => {
    const found = await findModules(reference.uri, { ...searching, base, kind });
    if (found.kind !== "located") {
      throw new Fault("builder.uri", `Cannot read builder at ${path}: ${reference.uri} names the builder itself`, {
        exit: "usage",
      });
    }
    checkModule(reference, found.located.main.buildpack);
    return [found.located.main, ...found.located.others];
  };
  const locateAll = async (references: readonly ModuleReference[], kind: ModuleKind) =>
    (await Promise.all(references.map((reference) => locate(reference, kind)))).flat();
  const modules = await locateAll(builder.buildpacks, "buildpack");
  const extensionModules = await locateAll(builder.extensions, "extension");
  return {
    name: path,
    order: builder.order,
    system: builder.system,
    buildpacks: modules.map(coordinatesOf),
    modules,
    orderExtensions: builder.orderExtensions,
    extensions: extensionModules.map(coordinatesOf),
    extensionModules,
    runImages: builder.runImages,
    buildConfig: buildConfigFiles(builder.env),
    warnings: builder.warnings,
    image: undefined,
    buildImage: builder.buildImage || undefined,
  };
}

function coordinatesOf({ buildpack: { id, version } }: Module): Coordinates {
  return { id, version };
}

/** A builder image as builds use it. */
export function builderOf(image: BuilderImage, name: string): OpenBuilder {
  const { order, orderExtensions, system, buildpacks, extensions, runImages, buildConfig, warnings } = image;
  return {
    name,
    order,
    system,
    buildpacks,
    orderExtensions,
    extensions,
    runImages,
    buildConfig,
    warnings,
    modules: [],
    extensionModules: [],
    image,
    buildImage: undefined,
  };
}
