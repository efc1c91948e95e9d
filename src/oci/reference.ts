import { Fault } from "../std/fault.ts";
import { type Digest, isDigest, parseDigest } from "./digest.ts";

/** The name of an image: registry host, repository path, and a tag or a digest or both (the grammar of distribution/reference). */
export interface Reference {
  readonly registry: string;
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

/** The registry meant when a name has none, as it is written in full names. */
export const defaultRegistry = "docker.io";
const defaultAliases = new Set(["docker.io", "index.docker.io", "registry-1.docker.io"]);

const alphanumeric = "[a-z0-9]+";
const separator = "(?:[._]|__|-+)";
const component = `${alphanumeric}(?:${separator}${alphanumeric})*`;
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const label = "(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])";
const hostPattern = new RegExp(`^(?:${label}(?:\\.${label})*|\\[[0-9a-fA-F:.]+\\])(?::[0-9]+)?$`);

function refuse(text: string, found: string): never {
  throw new Fault("reference.parse", `Cannot parse image name "${text.slice(0, 300)}": ${found}`, {
    exit: "usage",
    hint: "an image name looks like registry.example:5000/team/app:tag; the path is lower case",
  });
}

function isHost(first: string): boolean {
  return first.includes(".") || first.includes(":") || first === "localhost" || first !== first.toLowerCase();
}

/**
 * Text to reference: a missing registry is docker.io (its one-word repositories live under `library/`), a missing tag stays missing.
 * Throws Fault `reference.parse` with exit code `usage`.
 */
export function parseReference(text: string): Reference {
  const at = text.indexOf("@");
  const named = at < 0 ? text : text.slice(0, at);
  const digestText = at < 0 ? undefined : text.slice(at + 1);
  if (digestText !== undefined && !isDigest(digestText)) refuse(text, "what follows @ is not a digest");
  const slash = named.indexOf("/");
  const first = slash < 0 ? "" : named.slice(0, slash);
  const hosted = slash > 0 && isHost(first);
  const rest = hosted ? named.slice(slash + 1) : named;
  const colon = rest.lastIndexOf(":");
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  const path = colon < 0 ? rest : rest.slice(0, colon);
  if (path === "") refuse(text, "it is empty");
  if (hosted && !hostPattern.test(first)) refuse(text, `"${first}" is not a registry host`);
  if (!repositoryPattern.test(path))
    refuse(
      text,
      path === path.toLowerCase()
        ? `"${path}" is not a repository path`
        : `the repository path "${path}" has upper-case letters`,
    );
  if (tag !== undefined && !tagPattern.test(tag)) refuse(text, `"${tag}" is not a tag`);
  if (!hosted && /^[0-9a-f]{64}$/.test(path)) refuse(text, "64 hex digits are an image ID, not a name");
  const registry = hosted && !defaultAliases.has(first) ? first : defaultRegistry;
  const repository = registry === defaultRegistry && !path.includes("/") ? `library/${path}` : path;
  if (repository.length > 255) refuse(text, `the repository path has ${repository.length} characters, more than 255`);
  return {
    registry,
    repository,
    ...(tag !== undefined && { tag }),
    ...(digestText !== undefined && { digest: parseDigest(digestText) }),
  };
}

/** The full name: registry, repository, tag, digest, as far as they are there. */
export function formatReference(reference: Reference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.registry}/${reference.repository}${tag}${digest}`;
}

/** A registry as labels of images record it: there Docker Hub is `index.docker.io`, as the reference writes it. */
export function recordedRegistry(registry: string): string {
  return registry === defaultRegistry ? "index.docker.io" : registry;
}

/** The full name as labels of images record it: there Docker Hub is `index.docker.io`, as the reference writes it. */
export function recordedName(reference: Reference): string {
  return formatReference({ ...reference, registry: recordedRegistry(reference.registry) });
}

/** The short name people type: docker.io and `library/` left out, and the tag `latest` too. */
export function familiarName(reference: Reference): string {
  const repository = reference.repository.replace(
    /^library\//,
    reference.registry === defaultRegistry ? "" : "library/",
  );
  const name = reference.registry === defaultRegistry ? repository : `${reference.registry}/${repository}`;
  const tag = reference.tag === undefined || reference.tag === "latest" ? "" : `:${reference.tag}`;
  return `${name}${tag}${reference.digest === undefined ? "" : `@${reference.digest}`}`;
}

/** The same reference with the tag `latest` when it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;
}

/** Whether two references name the same repository and tag, digests aside (how run image names are compared). */
export function isSameName(a: Reference, b: Reference): boolean {
  const bare = (reference: Reference) => `${reference.registry}/${reference.repository}:${reference.tag ?? "latest"}`;
  return bare(a) === bare(b);
}
