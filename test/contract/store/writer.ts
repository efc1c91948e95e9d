// Writes images as another process than the test's: node --import tsx writer.ts layout|archive PATH NAME COUNT
import { randomBytes } from "node:crypto";
import { parseReference } from "../../../src/oci/reference.ts";
import { hostPath } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import { openLayout } from "../../../src/store/layout.ts";
import { sampleImage } from "./sample.ts";

const [kind, path = "", name = "", count = "1"] = process.argv.slice(2);

/** A line for the test, written at once: what it has seen is what had happened when this process was killed. */
function say(...words: string[]): void {
  process.stdout.write(`${words.join(" ")}\n`);
}

await using store = kind === "archive" ? openArchive(hostPath(path), { form: "docker" }) : openLayout(hostPath(path));
for (let at = 0; at < Number(count); at++) {
  const sample = sampleImage({ files: [Buffer.from("every image has this layer"), randomBytes(200_000)] });
  const blobs = {
    has: sample.blobs.has,
    async *open(descriptor: Parameters<typeof sample.blobs.open>[0]) {
      for await (const part of sample.blobs.open(descriptor)) {
        say("piece");
        yield part;
      }
      say("blob");
    },
  };
  const reference = parseReference(name.replace("*", String(at)));
  const { imageId } = await store.write(sample.image, [reference], blobs);
  say("image", `${reference.repository}:${reference.tag}`, imageId);
}
