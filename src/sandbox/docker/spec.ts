import type Docker from "dockerode";
import type { Shown } from "../view.ts";
import { ownerLabel } from "./owner.ts";

/** What a container may take of its machine at most; no limit unless said. */
export interface Limits {
  /** Bytes. */
  readonly memory?: number;
  /** Cores, also parts of one. */
  readonly cpus?: number;
}

/** What a container is made of. */
export interface ContainerParts {
  readonly image: string;
  /** `NAME=value` entries of the image, which jobs do not get. */
  readonly imageEnv: readonly string[];
  readonly network: string;
  readonly binds: readonly Shown[];
  readonly limits: Limits;
  readonly owner: string;
  /** Whether the engine's own program buries what nobody waits for. */
  readonly init: boolean;
}

// More than any build, less than what a machine can bear.
const mostProcesses = 16_384;

/**
 * The container of a sandbox: its first program waits for the end of its input, which comes with the end of our connection, and
 * with it the container ends and is removed. Jobs get nothing of it but the capabilities nobody has.
 */
export function containerSpec(parts: ContainerParts): Docker.ContainerCreateOptions {
  const { image, imageEnv, network, binds, limits, owner, init } = parts;
  return {
    Image: image,
    Entrypoint: ["/bin/sh", "-c", "read -r end"],
    Cmd: [],
    // Without an equals sign a variable of the image is taken away.
    Env: imageEnv.map((entry) => entry.split("=", 1)[0]!),
    User: "0:0",
    WorkingDir: "/",
    Labels: { [ownerLabel]: owner },
    Healthcheck: { Test: ["NONE"] },
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    StopSignal: "SIGKILL",
    HostConfig: {
      AutoRemove: true,
      Init: init,
      NetworkMode: network,
      CapDrop: ["ALL"],
      // For our own hands alone: who is not root gets none of them.
      CapAdd: ["DAC_OVERRIDE", "FOWNER"],
      SecurityOpt: ["no-new-privileges"],
      PidsLimit: mostProcesses,
      Mounts: binds.map(({ host, guest, access }) => ({
        Type: "bind",
        Source: host,
        Target: guest,
        ReadOnly: access === "ro",
      })),
      ...(limits.memory !== undefined && { Memory: limits.memory }),
      ...(limits.cpus !== undefined && { NanoCpus: Math.round(limits.cpus * 1e9) }),
    },
  };
}
