import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { type ProjectDescriptor, parseProject } from "../cnb/project-descriptor.ts";
import { errnoOf, Fault, reasonOf } from "../std/fault.ts";
import { readText } from "../std/file.ts";
import { type HostPath, hostPath, under } from "../std/path.ts";
import type { IgnoreFile } from "./selection.ts";

/** A project descriptor, and the directory that relative paths in it begin at. */
export interface Project {
  readonly descriptor: ProjectDescriptor;
  readonly path: HostPath;
  readonly base: HostPath;
}

/**
 * Reads the project descriptor at `given`, else the app's own `project.toml`; undefined when the app has none. Throws Fault
 * `project.missing` when the given one is not there, and the parser's.
 */
export async function readProject(app: HostPath, given: HostPath | undefined): Promise<Project | undefined> {
  const path = given ?? under(app, "project.toml");
  const text = await textAt(path, given === undefined);
  if (text === undefined) return undefined;
  return { descriptor: parseProject(text, path), path, base: hostPath(dirname(path)) };
}

async function textAt(path: HostPath, mayMiss: boolean): Promise<string | undefined> {
  try {
    const text = await readText(path);
    if (text !== undefined || mayMiss) return text;
  } catch (cause) {
    if (errnoOf(cause) === undefined) throw cause;
    throw new Fault("project.read", `Cannot read project descriptor at ${path}: ${reasonOf(cause)}`, {
      cause,
      exit: "usage",
    });
  }
  throw new Fault("project.missing", `Cannot read project descriptor at ${path}: there is no such file`, {
    exit: "usage",
    hint: "give the path of a project.toml with --descriptor",
  });
}

/** Reads ignore files. Throws Fault `ignore-file.read`. */
export async function readIgnoreFiles(paths: readonly HostPath[]): Promise<readonly IgnoreFile[]> {
  return Promise.all(
    paths.map(async (path) => {
      try {
        return { name: basename(path), text: await readFile(path, "utf8") };
      } catch (cause) {
        const found = errnoOf(cause) === "ENOENT" ? "there is no such file" : reasonOf(cause);
        throw new Fault("ignore-file.read", `Cannot read ignore file at ${path}: ${found}`, { cause, exit: "usage" });
      }
    }),
  );
}
