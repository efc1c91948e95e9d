import { createHash, randomBytes } from "node:crypto";
import { createWriteStream, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { isInstalled } from "../../test/support/peer.ts";
import { startRegistry } from "../../test/support/registry.ts";
import { type Result, type Run, resultOf, timed } from "../measure.ts";
import { buildWords, discard, type Ground, makeHome, pack, repeat } from "./ground.ts";

const refuse = (note?: string): never => {
  throw new Error(note);
};

/** Transfers of one image, and how their times compare with those of skopeo. */
export interface TransferFigures {
  readonly results: Record<string, Result>;
  readonly ratios: Record<string, number>;
}

/** Pushes and pulls of the workload's image by `pack copy` and by `skopeo copy`, each from and to the same, each with a registry of its own. */
export async function measureTransfers(ground: Ground): Promise<TransferFigures> {
  const { folder, runs, say } = ground;
  const home = await makeHome(ground);
  const [packed, pulled] = [join(folder, "packed"), join(folder, "pulled")];
  const results: Record<string, Result> = {};
  const ratios: Record<string, number> = {};
  const skopeo = (from: string, to: string) =>
    timed(["skopeo", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false", from, to]);
  const ours = (from: string, to: string) => pack(ground, home, ["copy", from, to, "--quiet"]);
  const measure = async (
    title: string,
    from: (host: string) => readonly [ours: string, theirs: string],
    to: (host: string) => string,
    before: (host: string) => Promise<unknown> = async () => undefined,
  ) => {
    const each = (work: (host: string) => Promise<Run>) =>
      repeat(runs, async () => {
        discard(ground, pulled);
        // What one run has left must not help the next one.
        await using registry = await startRegistry({ skip: refuse });
        await before(registry.host);
        return await work(registry.host);
      });
    say(`${title} (pack)`);
    const mine = resultOf(await each((host) => ours(from(host)[0], to(host))));
    results[`${title} (pack)`] = mine;
    if (!isInstalled("skopeo")) return;
    say(`${title} (skopeo)`);
    const theirs = resultOf(await each((host) => skopeo(from(host)[1], to(host))));
    results[`${title} (skopeo)`] = theirs;
    ratios[title] = Math.round((mine.medianMs / theirs.medianMs) * 1000) / 1000;
  };
  const at = (host: string) => `docker://${host}/bench/app:latest`;
  const layout = `oci:${packed}:app`;
  try {
    await pack(ground, home, buildWords(ground, "app", ["--run-image", "bench/run"]));
    await ours("app", layout);
    await measure("push, compressed on the way", () => ["app", `oci:${home}/store:docker.io/library/app:latest`], at);
    await measure("push of compressed layers", () => [layout, layout], at);
    await measure(
      "pull into a layout",
      (host) => [at(host), at(host)],
      () => `oci:${pulled}:app`,
      (host) => ours(layout, at(host)),
    );
  } finally {
    for (const path of [home, packed, pulled]) discard(ground, path);
  }
  return { results, ratios };
}

/** Writes an image layout with one uncompressed layer of so many bytes; half of its bytes are chance, the other half are not. */
async function writeLargeLayout(root: string, bytes: number): Promise<void> {
  mkdirSync(join(root, "blobs/sha256"), { recursive: true });
  const part = Buffer.concat([randomBytes(1 << 19), Buffer.alloc(1 << 19, "nothing new ")]);
  const size = Math.floor(bytes / part.length) * part.length;
  const header = Buffer.alloc(512);
  header.write("large", 0);
  header.write("0000644\0".concat("0000000\0", "0000000\0"), 100);
  // A length beyond eight gigabytes would need a number in base 256.
  header.write(`${size.toString(8).padStart(11, "0")}\0`, 124);
  header.write("00000000000\0        0", 136);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const temporary = join(root, "layer");
  const file = createWriteStream(temporary);
  const hash = createHash("sha256");
  const write = async (piece: Buffer) => {
    hash.update(piece);
    if (!file.write(piece)) await new Promise<void>((done) => file.once("drain", () => done()));
  };
  await write(header);
  for (let at = 0; at < size; at += part.length) {
    // Each part is another one, so that no two are the same.
    part.writeUInt32LE(at / part.length, 0);
    await write(Buffer.from(part));
  }
  await write(Buffer.alloc(1024));
  file.end();
  await finished(file);
  const blob = (content: string | undefined, mediaType: string, length: number, hex: string) => {
    if (content !== undefined) writeFileSync(join(root, "blobs/sha256", hex), content);
    return { mediaType, size: length, digest: `sha256:${hex}` };
  };
  const text = (content: unknown, mediaType: string) => {
    const json = JSON.stringify(content);
    return blob(json, mediaType, json.length, createHash("sha256").update(json).digest("hex"));
  };
  const hex = hash.digest("hex");
  renameSync(temporary, join(root, "blobs/sha256", hex));
  const layer = blob(undefined, "application/vnd.oci.image.layer.v1.tar", size + 1536, hex);
  const rootfs = { type: "layers", diff_ids: [layer.digest] };
  const config = text(
    { architecture: "amd64", os: "linux", config: {}, rootfs },
    "application/vnd.oci.image.config.v1+json",
  );
  const type = "application/vnd.oci.image.manifest.v1+json";
  const manifest = text({ schemaVersion: 2, mediaType: type, config, layers: [layer] }, type);
  writeFileSync(join(root, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(root, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [manifest] }));
}

/** The push of an image with one layer of so many bytes, compressed on the way; its peak of memory is what counts. */
export async function measureLargeLayer(ground: Ground, bytes: number): Promise<Record<string, Result>> {
  const { folder, say } = ground;
  const root = join(folder, "large");
  say(`Generating a layer of ${bytes} bytes`);
  await writeLargeLayout(root, bytes);
  await using registry = await startRegistry({ skip: refuse });
  const name = `push of a layer of ${Math.round(bytes / 1e8) / 10} GB (pack)`;
  say(name);
  const words = ["copy", `oci:${root}`, `docker://${registry.host}/bench/large`, "--quiet"];
  const run = await pack(ground, join(folder, "large-home"), words);
  discard(ground, root);
  return { [name]: resultOf([{ ...run, output: "" }]) };
}
