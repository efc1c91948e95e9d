/** A run.Dockerfile in the order of its extensions. */
export interface RunDockerfile {
  readonly switchesTo?: string;
  readonly extends: boolean;
}

/** What the run.Dockerfiles make of the run image. */
export interface RunImagePlan<T extends RunDockerfile> {
  /** The image to stand on in place of the one that was chosen; undefined when no Dockerfile switches. */
  readonly switchesTo?: string;
  /** Those to apply, in order; one that only switches is not among them. */
  readonly applied: readonly T[];
  /** Those without effect, as a later one switches. */
  readonly ignored: readonly T[];
}

/** Which run image the Dockerfiles choose and which of them extend it (Platform spec, "Run Image Extension"): the last switch wins, what was before it is ignored. */
export function planRunImage<T extends RunDockerfile>(dockerfiles: readonly T[]): RunImagePlan<T> {
  const last = dockerfiles.findLastIndex(({ switchesTo }) => switchesTo !== undefined);
  const switchesTo = dockerfiles[last]?.switchesTo;
  return {
    ...(switchesTo !== undefined && { switchesTo }),
    applied: dockerfiles.slice(Math.max(last, 0)).filter((one) => one.extends),
    ignored: dockerfiles.slice(0, Math.max(last, 0)),
  };
}
