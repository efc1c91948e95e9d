import type { ProjectMetadata } from "../cnb/project-file.ts";
import type { Reference } from "../oci/reference.ts";
import type { CachePlace } from "../phase/cache.ts";
import type { ImagePlace } from "../reach/place.ts";
import type { Setting } from "../setting/setting.ts";
import type { Emit } from "../std/event.ts";
import type { HostPath } from "../std/path.ts";
import type { BuildOptions } from "./options.ts";

/** What the phases of a build share: what was asked for, and what has been opened for it. */
export interface Work {
  /** With everything filled in that the project or the configuration says. */
  readonly options: BuildOptions;
  readonly setting: Setting;
  /** Where the image goes, and under which names besides. */
  readonly target: ImagePlace;
  readonly tags: readonly Reference[];
  /** The registry it goes to, if it goes to one. */
  readonly registry: string | undefined;
  readonly cachePlace: CachePlace;
  /** A directory with tars of layers that a daemon may be sent. */
  readonly launchCache: HostPath | undefined;
  /** Where the source comes from, when that is to be remembered. */
  readonly project: ProjectMetadata | undefined;
  readonly execEnv: string;
  /** RFC 3339. */
  readonly created: string;
  readonly emit: Emit;
}
