import type { Compressor } from "../oci/media-type.ts";
import type { Keeper } from "../reach/place.ts";
import type { CacheForm } from "../setting/cache-form.ts";
import type { SourceOptions } from "../setting/options.ts";
import type { EngineName } from "./extending.ts";

/** What a build is asked to do; only `app` and `image` are needed. */
export interface BuildOptions extends SourceOptions {
  /** The image's name in the local store, or `oci:DIR[:tag]`, `docker-archive:FILE[:name]`, `oci-archive:FILE[:tag]`. */
  readonly image: string;
  /** Who keeps it: the local store unless said, the registry its name says, or the Docker daemon. */
  readonly output?: Keeper;
  /** More names for it, kept by the same. */
  readonly tags?: readonly string[];
  /** The image whose layers may be reused; `image` unless said. */
  readonly previousImage?: string;
  /** The process type the image starts with; what the buildpacks say unless said. */
  readonly defaultProcess?: string;
  /** Where layers are cached for the next build; in the local store unless said. */
  readonly cache?: CacheForm;
  /** A directory where the image's layers are kept for a daemon, which then need not give them back; the local store does that unless said. */
  readonly launchCache?: CacheForm;
  /** Forget what earlier builds of this image have cached. */
  readonly clearCache?: boolean;
  /** How the Dockerfiles of image extensions are applied; the first that works here unless said. */
  readonly engine?: EngineName;
  /** Seconds since 1970; 1980-01-01T00:00:01Z unless said. */
  readonly creationTime?: number;
  /** Labels of the image; they win over those of buildpacks. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Annotations of the image's manifest. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Of layers that go to a directory or an archive; gzip unless said. */
  readonly compression?: Compressor;
  /** Where to write `report.toml`, and what the phases decided: `analyzed.toml`, `group.toml`, `plan.toml`, `metadata.toml`. */
  readonly reportDirectory?: string;
  /** Where to write the bills of materials. */
  readonly sbomDirectory?: string;
}
