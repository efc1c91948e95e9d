/** The two families of documents an image can be written in. */
export type Family = "oci" | "docker";

/** Media types by family (OCI image spec "Media Types"; Docker image manifest version 2, schema 2). */
export const mediaTypes = {
  oci: {
    index: "application/vnd.oci.image.index.v1+json",
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    tar: "application/vnd.oci.image.layer.v1.tar",
    gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
    zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  },
  docker: {
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    tar: "application/vnd.docker.image.rootfs.diff.tar",
    gzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    zstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  },
} as const;

/** How a layer's tar is stored. */
export type Compression = "none" | "gzip" | "zstd";

/** How layers that are stored uncompressed leave a store: `reference` is gzip with the very bytes the reference lifecycle makes. */
export type Compressor = Compression | "reference";

/** What the layers a compressor makes are by their media type. */
export function compressionBy(compressor: Exclude<Compressor, "none">): Exclude<Compression, "none"> {
  return compressor === "reference" ? "gzip" : compressor;
}

/** How the blob behind a layer media type is compressed, or undefined for a type that is no layer we know. */
export function compressionOf(mediaType: string): Compression | undefined {
  for (const family of [mediaTypes.oci, mediaTypes.docker]) {
    if (mediaType === family.tar) return "none";
    if (mediaType === family.gzip) return "gzip";
    if (mediaType === family.zstd) return "zstd";
  }
  if (
    /^application\/vnd\.(oci\.image\.layer\.nondistributable\.v1\.tar|docker\.image\.rootfs\.foreign\.diff\.tar)([.+]gzip)?$/.test(
      mediaType,
    )
  )
    return /gzip$/.test(mediaType) ? "gzip" : "none";
  return undefined;
}

/** The family a manifest or index media type belongs to, or undefined. */
export function familyOf(mediaType: string): Family | undefined {
  for (const family of ["oci", "docker"] as const) {
    if (mediaType === mediaTypes[family].manifest || mediaType === mediaTypes[family].index) return family;
  }
  return undefined;
}

/** Whether the media type is that of an image index or manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.oci.index || mediaType === mediaTypes.docker.index;
}
