import type { DockerfileArgument } from "../cnb/extend-config.ts";
import type { ImageConfig } from "../oci/config.ts";
import type { Image } from "../oci/image.ts";
import type { Output, Probe } from "../sandbox/contract.ts";
import type { HostPath } from "../std/path.ts";
import type { BlobSource, StoredImage } from "../store/contract.ts";

/** A Dockerfile to apply. */
export interface Step {
  /** It begins with `FROM ${base_image}`, which the engine resolves. */
  readonly text: string;
  /** Where ADD and COPY find files. */
  readonly context: HostPath;
  readonly arguments: readonly DockerfileArgument[];
}

/** An engine opened for one image. Disposing it removes all it made for itself. */
export interface Engine extends AsyncDisposable {
  /**
   * Applies a Dockerfile to the image as it stands after the ones before, and gives the config it then has. `output` takes what its commands print.
   * Throws Fault `engine.step` when an instruction fails; an aborted signal ends it and rejects with the signal's reason.
   */
  apply(step: Step, output: Output): Promise<ImageConfig>;
  /** The image as it now stands; its blobs can be read until the engine is disposed of. */
  result(): Promise<{ readonly image: Image; readonly blobs: BlobSource }>;
}

/** What an engine is opened with. */
export interface EngineSettings {
  /** The network that RUN sees: `host`, `none`, or the name of one that a container engine has. */
  readonly network: string;
  readonly signal?: AbortSignal | undefined;
}

/** A way to apply Dockerfiles. */
export interface EngineKind {
  readonly name: "buildah" | "docker" | "buildctl";
  probe(): Promise<Probe>;
  open(base: StoredImage, settings: EngineSettings): Promise<Engine>;
}
