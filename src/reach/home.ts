import { homedir } from "node:os";
import { type HostPath, hostPath, under } from "../std/path.ts";

/** Where everything of ours lives on this machine. */
export interface Home {
  /** All of it. */
  readonly root: HostPath;
  /** The local store: an OCI image layout. */
  readonly store: HostPath;
  /** Directories of running builds. */
  readonly work: HostPath;
  /** Directories of finished builds for the next one, by the key of the image's cache. */
  readonly kept: HostPath;
  /** Unpacked buildpack archives, by content. */
  readonly modules: HostPath;
  /** Unpacked layers of images, by diffID. */
  readonly layers: HostPath;
  /** Files that were downloaded, by their URL. */
  readonly downloads: HostPath;
  /** Images unpacked as one directory, by image ID, where layers cannot be stacked. */
  readonly roots: HostPath;
  /** When images were last fetched from their registries. */
  readonly pulls: HostPath;
  /** Caches that were given a name. */
  readonly volumes: HostPath;
  /** Manifest lists that are being put together. */
  readonly manifests: HostPath;
  /** What engines that apply Dockerfiles work in. */
  readonly engines: HostPath;
  /** What was found out about sandboxes on this machine. */
  readonly sandbox: HostPath;
  /** Downloaded distribution packages. */
  readonly packages: HostPath;
}

/** The directories below `path`, `~/.pack` unless said. */
export function homeAt(path?: string): Home {
  const root = hostPath(path ?? `${homedir()}/.pack`);
  return {
    root,
    store: under(root, "store"),
    work: under(root, "work"),
    kept: under(root, "kept"),
    modules: under(root, "modules"),
    layers: under(root, "layers"),
    downloads: under(root, "download-cache"),
    roots: under(root, "roots"),
    pulls: under(root, "pulls"),
    volumes: under(root, "volumes"),
    manifests: under(root, "manifests"),
    engines: under(root, "engines"),
    sandbox: under(root, "sandbox.json"),
    packages: under(root, "packages"),
  };
}
