import { Fault } from "../std/fault.ts";
import { encodeJson, isObject, type Json, parseJson, sortedKeys } from "../std/json.ts";
import { type Descriptor, descriptorJson, parseDescriptor, parseStringMap } from "./descriptor.ts";
import { isIndexType, mediaTypes } from "./media-type.ts";

/** An image manifest of either family (OCI image spec "Image Manifest"; Docker schema 2). */
export interface Manifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Descriptor;
  readonly artifactType?: string;
}

/** An image index or manifest list. */
export interface Index {
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: Descriptor;
  readonly artifactType?: string;
}

/** The longest manifest or index we take into memory, in bytes; registries refuse larger ones too. */
export const manifestLimit = 4 * 1024 * 1024;
/** The most layers we accept in one image; no kernel stacks more. */
export const layerLimit = 1024;

function parseList(value: Json | undefined, place: string): Descriptor[] {
  if (!Array.isArray(value)) throw new Fault("document.parse", `Cannot read ${place}: expected a list of descriptors`);
  return value.map((item, at) => parseDescriptor(item, `${place}[${at}]`));
}

function optional(document: { readonly [key: string]: Json | undefined }, place: string) {
  const annotations = parseStringMap(document["annotations"], `${place}.annotations`);
  const subject = document["subject"];
  const artifactType = document["artifactType"];
  return {
    ...(annotations && { annotations }),
    ...(isObject(subject) && { subject: parseDescriptor(subject, `${place}.subject`) }),
    ...(typeof artifactType === "string" && { artifactType }),
  };
}

/** Text to manifest or index, told apart by media type, else by shape; throws Fault `document.parse` that names `place`. */
export function parseManifest(text: string, place: string): Manifest | Index {
  const document = parseJson(text, place);
  if (!isObject(document)) throw new Fault("document.parse", `Cannot read ${place}: expected an object`);
  if (document["schemaVersion"] !== 2) {
    throw new Fault(
      "document.parse",
      `Cannot read ${place}: schemaVersion is ${encodeJson(document["schemaVersion"] ?? null)}, expected 2`,
      {
        hint: "images in Docker's schema 1 must be pushed again by a current tool",
      },
    );
  }
  const declared = typeof document["mediaType"] === "string" ? document["mediaType"] : undefined;
  if (declared ? isIndexType(declared) : Array.isArray(document["manifests"])) {
    if (document["config"] !== undefined || document["layers"] !== undefined)
      throw new Fault("document.parse", `Cannot read ${place}: it is an index and a manifest at once`);
    return {
      mediaType: declared ?? mediaTypes.oci.index,
      manifests: parseList(document["manifests"], `${place}.manifests`),
      ...optional(document, place),
    };
  }
  const layers = parseList(document["layers"], `${place}.layers`);
  if (layers.length > layerLimit)
    throw new Fault("document.parse", `Cannot read ${place}: ${layers.length} layers are more than ${layerLimit}`);
  if (document["manifests"] !== undefined)
    throw new Fault("document.parse", `Cannot read ${place}: it is an index and a manifest at once`);
  return {
    mediaType: declared ?? mediaTypes.oci.manifest,
    config: parseDescriptor(document["config"], `${place}.config`),
    layers,
    ...optional(document, place),
  };
}

/** Whether the document lists manifests instead of layers. */
export function isIndex(document: Manifest | Index): document is Index {
  return "manifests" in document;
}

/** Manifest or index to the text the reference writes: no white space, keys in its order, annotations sorted. */
export function encodeManifest(document: Manifest | Index): string {
  const { annotations, subject, artifactType } = document;
  const middle = isIndex(document)
    ? { manifests: document.manifests.map(descriptorJson) }
    : { config: descriptorJson(document.config), layers: document.layers.map(descriptorJson) };
  return encodeJson({
    schemaVersion: 2,
    mediaType: document.mediaType,
    ...middle,
    annotations: annotations && Object.keys(annotations).length ? sortedKeys(annotations) : undefined,
    subject: subject && descriptorJson(subject),
    artifactType,
  });
}
