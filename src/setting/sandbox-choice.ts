import type { OutsideOptions } from "../reach/outside.ts";
import { type Choice, chooseSandbox } from "../sandbox/choose.ts";
import type { Root, SandboxKind } from "../sandbox/contract.ts";
import { dockerOver } from "../sandbox/docker/docker.ts";
import type { Limits } from "../sandbox/docker/spec.ts";
import { host } from "../sandbox/host.ts";
import { namespace } from "../sandbox/namespace.ts";
import type { HostPath } from "../std/path.ts";

/** What a caller may say about where buildpacks run. */
export interface SandboxOptions {
  /** Where buildpacks run; the safest that works here unless said. */
  readonly sandbox?: SandboxKind["name"];
  /** The network buildpacks see: `host`, `none`, or in the sandbox `docker` the name of a network of its engine; `host` unless said. */
  readonly network?: string;
  /** What buildpacks may take at most; only the sandbox `docker` keeps to it. */
  readonly limits?: Limits;
  readonly outside?: OutsideOptions;
}

/** The sandboxes there are, in the order they are tried. */
export function sandboxKinds({ outside = {}, limits }: SandboxOptions): readonly SandboxKind[] {
  // Only a connection gets there; what finds it and what else it is used for stays here.
  const dial = async () => {
    const [{ findDaemon }, { connect }] = await Promise.all([
      import("../store/daemon.ts"),
      import("../store/daemon/connect.ts"),
    ]);
    const { chosen } = await findDaemon(outside.env ?? {}, outside.dockerHost);
    return connect(chosen.address);
  };
  return [namespace, dockerOver(dial, limits), host];
}

/** Chooses the sandbox for a build in this machine's system folders or in a builder image; throws as `chooseSandbox` does. */
export function sandboxFor(options: SandboxOptions, root: Root["kind"]): Promise<Choice> {
  const { sandbox, network = "host", limits } = options;
  return chooseSandbox(sandboxKinds(options), sandbox, { root, network, limited: limits !== undefined });
}

/** Begins to find out what works here, where `memory` does not tell it; resolves when that is known, whatever it is. */
export async function probeEarly({ sandbox = "namespace" }: SandboxOptions, memory: HostPath): Promise<void> {
  namespace.remember(memory);
  if (sandbox === "namespace") await namespace.probe().catch(() => {});
}
