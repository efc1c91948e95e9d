import { builderLabels, parseBuilderMetadata } from "../cnb/builder-label.ts";
import { type Buildpack, escapedId, parseBuildpack } from "../cnb/buildpack.ts";
import type { EnvFile, Environment } from "../cnb/environment.ts";
import { parseExtension } from "../cnb/extension.ts";
import { type LifecycleFile, parseLifecycleFile } from "../cnb/lifecycle-file.ts";
import { parseModuleLayers } from "../cnb/module-layers.ts";
import type { Lookup, System } from "../cnb/order.ts";
import { type Coordinates, type OpenOrder, parseOrderFile } from "../cnb/order-file.ts";
import { parseOrderLabel, parseSystemLabel } from "../cnb/order-label.ts";
import { parseRun, type RunImageNames } from "../cnb/run-file.ts";
import { parseStack } from "../cnb/stack-file.ts";
import { parseSystem } from "../cnb/system-file.ts";
import { labelsOf } from "../oci/config.ts";
import { Fault } from "../std/fault.ts";
import { type GuestPath, guestPath, type HostPath, under } from "../std/path.ts";
import type { StoredImage } from "../store/contract.ts";
import { Stacked, type StackedLayer } from "../tar/stacked.ts";

/** An image that stands unpacked on this machine. */
export interface UnpackedImage {
  readonly stored: StoredImage;
  /** Bottom first. */
  readonly layers: readonly StackedLayer[];
}

/** What a builder image is to a build (its files first, then its labels: what a lifecycle would read in it). */
export interface BuilderImage extends UnpackedImage {
  readonly files: Stacked;
  readonly order: OpenOrder;
  readonly orderExtensions: OpenOrder;
  readonly system: System;
  readonly runImages: readonly RunImageNames[];
  readonly buildConfig: readonly EnvFile[];
  readonly lifecycle: LifecycleFile;
  /** Where on this machine its launcher is; undefined for one without. */
  readonly launcher: HostPath | undefined;
  /** Its buildpacks by coordinates. */
  readonly buildpacks: readonly Coordinates[];
  readonly lookup: Lookup;
  /** Its image extensions by coordinates. */
  readonly extensions: readonly Coordinates[];
  readonly lookupExtension: Lookup;
  readonly warnings: readonly string[];
}

const lifecyclePlace = "/cnb/lifecycle";
const noLifecycle: LifecycleFile = {
  version: "",
  buildpack: { deprecated: [], supported: [] },
  platform: { deprecated: [], supported: [] },
};

/** A file of the image and what a fault calls it. */
interface Text {
  readonly text: string;
  readonly place: string;
}

class Reading {
  readonly files: Stacked;
  readonly #name: string;
  readonly #labels: Readonly<Record<string, string>>;

  constructor(image: UnpackedImage, name: string) {
    this.files = new Stacked(image.layers);
    this.#name = name;
    this.#labels = labelsOf(image.stored.image.config);
  }

  file(path: string): Text | undefined {
    const text = this.files.textAt(guestPath(path));
    return text === undefined ? undefined : { text, place: `${path} of ${this.#name}` };
  }

  label(name: string): Text | undefined {
    const text = this.#labels[name];
    return text === undefined ? undefined : { text, place: `label ${name} of ${this.#name}` };
  }

  /** What the first of two sources says, else the second. */
  first<T>(
    file: string,
    parseFile: (text: string, place: string) => T,
    label: string,
    parseLabel: (text: string, place: string) => T,
  ): T | undefined {
    const found = this.file(file);
    if (found) return parseFile(found.text, found.place);
    const said = this.label(label);
    return said && parseLabel(said.text, said.place);
  }

  order(key: "order" | "extensions", label: string): OpenOrder {
    const ofFile = (text: string, place: string) => parseOrderFile(text, place)[key];
    return this.first("/cnb/order.toml", ofFile, label, parseOrderLabel) ?? [];
  }

  runImages(): readonly RunImageNames[] {
    for (const [path, parse] of [
      ["/cnb/run.toml", parseRun],
      ["/cnb/stack.toml", parseStack],
    ] as const) {
      const found = this.file(path);
      const images = found ? parse(found.text, found.place).filter(({ image }) => image !== "") : [];
      if (images.length > 0) return images;
    }
    const said = this.label(builderLabels.metadata);
    const listed = said ? parseBuilderMetadata(said.text, said.place).runImages : [];
    return listed.filter(({ image }) => image !== "");
  }

  lifecycle(): LifecycleFile {
    const ofLabel = (text: string, place: string) => parseBuilderMetadata(text, place).lifecycle;
    return (
      this.first(`${lifecyclePlace}/lifecycle.toml`, parseLifecycleFile, builderLabels.metadata, ofLabel) ?? noLifecycle
    );
  }

  buildConfig(): readonly EnvFile[] {
    const directory = "/cnb/build-config/env";
    return this.files.namesAt(guestPath(directory)).flatMap((name): EnvFile[] => {
      const content = this.files.textAt(guestPath(`${directory}/${name}`));
      return content === undefined ? [] : [{ name, content }];
    });
  }

  /** What the labels list; without them what the directories hold. */
  coordinates(label: string, directory: string, read: (path: GuestPath) => Coordinates | undefined): Coordinates[] {
    const said = this.label(label);
    if (said) return parseModuleLayers(said.text, said.place).map(({ id, version }) => ({ id, version }));
    const paths = this.files
      .namesAt(guestPath(directory))
      .flatMap((id) =>
        this.files.namesAt(guestPath(`${directory}/${id}`)).map((version) => `${directory}/${id}/${version}`),
      );
    return paths.flatMap((path) => read(guestPath(path)) ?? []);
  }
}

function readBuildpack(reading: Reading, directory: GuestPath): Buildpack | undefined {
  const found = reading.file(`${directory}/buildpack.toml`);
  if (found === undefined) return undefined;
  const hasBinBuild = reading.files.kindAt(guestPath(`${directory}/bin/build`)) === "file";
  return parseBuildpack(found.text, found.place, { hasBinBuild });
}

function readExtension(reading: Reading, directory: GuestPath): Buildpack | undefined {
  const found = reading.file(`${directory}/extension.toml`);
  if (found === undefined) return undefined;
  const has = (script: string) => reading.files.kindAt(under(directory, "bin", script)) === "file";
  return parseExtension(found.text, found.place, { hasScripts: has("detect") || has("generate") });
}

/** A lookup that reads a descriptor when it is first asked for: a builder may hold more than a hundred, and a build needs a few. */
function lookupIn(parent: string, read: (directory: GuestPath) => Buildpack | undefined): Lookup {
  const known = new Map<string, Buildpack | undefined>();
  return (id, version) => {
    const directory = guestPath(`${parent}/${escapedId(id)}/${version}`);
    if (!known.has(directory)) {
      const found = read(directory);
      known.set(directory, found?.id === id && found.version === version ? found : undefined);
    }
    return known.get(directory);
  };
}

/** The variables an image gives to its programs; of two with one name the last counts. */
export function environmentOf(stored: StoredImage): Environment {
  const pairs = (stored.image.config.config.Env ?? []).map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  return Object.fromEntries(pairs);
}

/**
 * Reads a builder image; `name` is what people call it. Throws Fault `builder.label` for an image that is none, and the parsers' faults.
 */
export function readBuilderImage(image: UnpackedImage, name: string): BuilderImage {
  const reading = new Reading(image, name);
  if (!reading.label(builderLabels.metadata) && !reading.file("/cnb/order.toml")) {
    throw new Fault(
      "builder.label",
      `Cannot use ${name} as builder: it has neither the label ${builderLabels.metadata} nor the file /cnb/order.toml`,
      { exit: "usage", hint: "name a builder; `pack builder create` makes one of a build image" },
    );
  }
  const read = (directory: GuestPath) => readBuildpack(reading, directory);
  const readExt = (directory: GuestPath) => readExtension(reading, directory);
  const order = reading.order("order", builderLabels.order);
  return {
    ...image,
    files: reading.files,
    order,
    orderExtensions: reading.order("extensions", builderLabels.orderExtensions),
    system: reading.first("/cnb/system.toml", parseSystem, builderLabels.system, parseSystemLabel) ?? {
      pre: [],
      post: [],
    },
    runImages: reading.runImages(),
    buildConfig: reading.buildConfig(),
    lifecycle: reading.lifecycle(),
    launcher: reading.files.fileAt(guestPath(`${lifecyclePlace}/launcher`)),
    buildpacks: reading.coordinates(builderLabels.buildpackLayers, "/cnb/buildpacks", read),
    lookup: lookupIn("/cnb/buildpacks", read),
    extensions: reading.coordinates(builderLabels.extensionLayers, "/cnb/extensions", readExt),
    lookupExtension: lookupIn("/cnb/extensions", readExt),
    warnings: order.length === 0 ? ["the builder has no order, so it detects nothing by itself"] : [],
  };
}
