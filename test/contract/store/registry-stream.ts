// Pushes an image of generated layers to a registry and pulls it again; says the most memory it took, in bytes.
import { createHash, randomBytes } from "node:crypto";
import { diffIdOfTar, digestFrom } from "../../../src/oci/digest.ts";
import type { Image } from "../../../src/oci/image.ts";
import { mediaTypes } from "../../../src/oci/media-type.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { openRegistry } from "../../../src/store/registry.ts";

const [host, mebibytes, count] = process.argv.slice(2);
const size = Number(mebibytes) << 20;
const noise = Buffer.concat([randomBytes(1 << 19), Buffer.alloc(1 << 19)]);

async function* tar(number: number) {
  for (let at = 0; at < size; at += noise.length) {
    const piece = Buffer.from(noise);
    piece.writeUInt32LE(at + number, 0);
    yield piece;
  }
}

const layers = await Promise.all(
  Array.from({ length: Number(count) }, async (_, number) => {
    const hash = createHash("sha256");
    for await (const piece of tar(number)) hash.update(piece);
    const digest = digestFrom(hash);
    return { diffId: diffIdOfTar(digest), descriptor: { mediaType: mediaTypes.oci.tar, size, digest } };
  }),
);
const image: Image = {
  family: "oci",
  layers,
  config: { architecture: "amd64", os: "linux", history: [], diffIds: layers.map(({ diffId }) => diffId), config: {} },
};
const name = parseReference(`${host}/stream/app:v1`);
{
  await using registry = openRegistry();
  await registry.write(image, [name], {
    has: async () => true,
    open: (descriptor) => tar(layers.findIndex((layer) => layer.descriptor.digest === descriptor.digest)),
  });
}
await using registry = openRegistry();
const stored = await registry.read(name);
let pulled = 0;
for (const layer of stored!.image.layers) {
  for await (const piece of stored!.blobs.open(layer.descriptor)) pulled += piece.length;
}
console.log(JSON.stringify({ pulled, peak: process.resourceUsage().maxRSS * 1024 }));
