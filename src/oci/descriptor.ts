import { Fault } from "../std/fault.ts";
import { isObject, type Json, type JsonObject } from "../std/json.ts";
import { type Digest, parseDigest } from "./digest.ts";

/** Names a blob: its media type, digest and size in bytes (OCI image spec, "OCI Content Descriptors"). */
export interface Descriptor {
  readonly mediaType: string;
  readonly size: number;
  readonly digest: Digest;
  readonly data?: string;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Json;
  readonly artifactType?: string;
}

/** A string map out of JSON, or undefined when it is absent; throws Fault when it is anything else. */
export function parseStringMap(value: Json | undefined, place: string): Readonly<Record<string, string>> | undefined {
  if (value === undefined || value === null) return undefined;
  if (isObject(value) && Object.values(value).every((item) => typeof item === "string"))
    return value as Record<string, string>;
  throw new Fault("document.parse", `Cannot read ${place}: expected an object of strings`);
}

/** JSON to descriptor; throws Fault `document.parse` that names `place`. */
export function parseDescriptor(value: Json | undefined, place: string): Descriptor {
  if (!isObject(value)) throw new Fault("document.parse", `Cannot read ${place}: expected a descriptor, an object`);
  const { mediaType, size, digest, data, urls, annotations, platform, artifactType } = value;
  if (typeof mediaType !== "string" && mediaType !== undefined)
    throw new Fault("document.parse", `Cannot read ${place}: mediaType is not a string`);
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    throw new Fault("document.parse", `Cannot read ${place}: size is not a whole number of bytes`);
  if (typeof digest !== "string") throw new Fault("document.parse", `Cannot read ${place}: digest is not a string`);
  const map = parseStringMap(annotations, `${place}.annotations`);
  return {
    mediaType: mediaType ?? "",
    size,
    digest: parseDigest(digest),
    ...(typeof data === "string" && { data }),
    ...(Array.isArray(urls) && { urls: urls.filter((url): url is string => typeof url === "string") }),
    ...(map && { annotations: map }),
    ...(platform !== undefined && { platform }),
    ...(typeof artifactType === "string" && { artifactType }),
  };
}

/** Descriptor to JSON, keys in the order the reference writes them; empty optional ones are left out. */
export function descriptorJson(descriptor: Descriptor): JsonObject {
  const { mediaType, size, digest, data, urls, annotations, platform, artifactType } = descriptor;
  return {
    mediaType,
    size,
    digest,
    data,
    urls: urls?.length ? urls : undefined,
    annotations: annotations && Object.keys(annotations).length ? annotations : undefined,
    platform,
    artifactType,
  };
}
