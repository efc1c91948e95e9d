import type { Shape } from "../std/toml-shape.ts";

const module = {
  id: true,
  version: true,
  uri: true,
  image: true,
  name: true,
  description: true,
  homepage: true,
  keywords: true,
  licenses: { type: true, uri: true },
  "exec-env": true,
  "clear-env": true,
  "sbom-formats": true,
} satisfies Shape;
const entry = { id: true, version: true, optional: true, "exec-env": true } satisfies Shape;
const side = { buildpacks: entry } satisfies Shape;

/** The keys that a builder.toml may have. */
export const builderShape = {
  description: true,
  buildpacks: module,
  extensions: module,
  order: { group: { ...module, ...entry } },
  "order-extensions": { group: { ...module, ...entry } },
  stack: { id: true, "build-image": true, "run-image": true, "run-image-mirrors": true },
  lifecycle: { uri: true, version: true },
  run: { images: { image: true, mirrors: true } },
  build: { image: true, env: { name: true, value: true, suffix: true, delim: true } },
  targets: {
    os: true,
    arch: true,
    variant: true,
    "arch-variant": true,
    distros: { name: true, version: true, versions: true },
  },
  system: { pre: side, post: side },
} satisfies Shape;
