import { realpath } from "node:fs/promises";
import { Fault } from "../../std/fault.ts";
import { type HostPath, hostPath } from "../../std/path.ts";
import type { ImageRoot, Mount, Surroundings } from "../contract.ts";
import { outerFirst } from "../view.ts";
import { bindProof } from "./bind.ts";
import { type Running, readImage, startContainer } from "./container.ts";
import { type Copies, copiesOf, noCopies } from "./copies.ts";
import type { Engine } from "./engine.ts";
import type { Limits } from "./spec.ts";

/** A container with what jobs see in place. */
export interface Furnished {
  readonly running: Running;
  readonly copies: Copies;
  readonly imageEnv: readonly string[];
}

function refuse(because: string, hint: string): never {
  throw new Fault("sandbox.docker", `Cannot open sandbox docker: ${because}`, { hint });
}

async function imageOf({ root, overlays }: Surroundings): Promise<string> {
  if (root.kind !== "image") {
    const thing = root.kind === "machine" ? "this machine" : root.path;
    return refuse(`it cannot make ${thing} the root of jobs`, "name a builder image with --builder");
  }
  if (overlays?.length) return refuse("it cannot stack directories", "use the sandbox namespace");
  return nameInEngine(root);
}

async function nameInEngine({ inEngine }: ImageRoot): Promise<string> {
  return inEngine ? inEngine() : refuse("the image is not in the engine", "use the sandbox namespace");
}

/** Mounts as they really are, links followed. */
async function realMounts(mounts: readonly Mount[]): Promise<Mount[]> {
  const real = mounts.map(async (mount) => ({ ...mount, host: hostPath(await realpath(mount.host)) }));
  return outerFirst(await Promise.all(real));
}

/** A container with the mounts bound; undefined where the engine does not see this machine's files, or maps ids. */
async function withBinds(
  engine: Engine,
  parts: Omit<Parameters<typeof startContainer>[1], "binds">,
  { mounts, user }: Pick<Surroundings, "mounts" | "user">,
  scratch: HostPath,
): Promise<Running | undefined> {
  // Who is somebody else outside could not even make files for it.
  if (user.uid !== 0 && (user.uid !== process.getuid?.() || user.gid !== process.getgid?.())) return undefined;
  const proof = await bindProof(scratch);
  let running: Running | undefined;
  try {
    running = await startContainer(engine, { ...parts, binds: [...mounts, proof.mount] });
    if (await proof.holds(running.container, mounts, user)) return running;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== "sandbox.docker") throw error;
  }
  await running?.[Symbol.asyncDispose]();
  return undefined;
}

/** Starts a container with the mounts in place: bound if that is possible, else as places for copies. */
export async function furnish(
  engine: Engine,
  limits: Limits,
  surroundings: Surroundings,
  scratch: HostPath,
): Promise<Furnished> {
  const { user, network } = surroundings;
  const image = await imageOf(surroundings);
  const { env: imageEnv } = await readImage(engine, image);
  const mounts = await realMounts(surroundings.mounts);
  const parts = { image, imageEnv, network, limits };
  const bound = await withBinds(engine, parts, { mounts, user }, scratch);
  const running = bound ?? (await startContainer(engine, { ...parts, binds: [] }));
  return { running, copies: bound ? noCopies : copiesOf(running.container, mounts, user, scratch), imageEnv };
}
