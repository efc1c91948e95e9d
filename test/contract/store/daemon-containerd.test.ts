import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { describe, expect, it, type TestContext } from "vitest";
import { documentsOf } from "../../../src/oci/image.ts";
import { blobParcel, tarOf } from "../../../src/store/daemon/parcel.ts";
import { peer } from "../../support/peer.ts";
import { sampleImage } from "./sample.ts";

/** Runs `work` with containerd's own client for a containerd of this test, which is removed afterwards. */
async function withContainerd(
  test: TestContext,
  work: (folder: string, ctr: (...words: string[]) => string) => Promise<void>,
): Promise<void> {
  const [program, client] = [peer("containerd", test), peer("ctr", test)];
  if (process.getuid?.() !== 0) {
    if (process.env["CI"] === "true") throw new Error("containerd is started as root only, and under CI it must be");
    console.log("skipped: containerd is started as root only");
    return test.skip("containerd is started as root only");
  }
  const folder = mkdtempSync(join(tmpdir(), "plinth-containerd-"));
  const config = join(folder, "config.toml");
  const socket = join(folder, "containerd.sock");
  writeFileSync(
    config,
    `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${folder}/opt"
`,
  );
  const daemon = spawn(program, ["--config", config], { stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(daemon, "close");
  try {
    for await (const line of createInterface({ input: daemon.stderr })) if (line.includes("successfully booted")) break;
    await work(folder, (...words) =>
      execFileSync(client, ["--address", socket, "--namespace", "moby", ...words], { encoding: "utf8", stdio: "pipe" }),
    );
  } finally {
    daemon.stderr.resume();
    daemon.kill();
    await ended;
    const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
    for (const line of mounts.filter((one) => one.includes(` ${folder}/`)))
      execFileSync("umount", ["--lazy", line.split(" ")[1]!]);
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("containerd", () => {
  it("takes what a containerd image store is sent, as Docker has it imported, and unpacks it", (test) =>
    withContainerd(test, async (folder, ctr) => {
      for (const compression of ["none", "gzip"] as const)
        for (const family of ["oci", "docker"] as const) {
          const sample = sampleImage({ compression, family });
          const documents = documentsOf(sample.image);
          const file = join(folder, `${compression}-${family}.tar`);
          await pipeline(tarOf(blobParcel(documents, sample.blobs)), createWriteStream(file));
          const name = `moby-dangling@${documents.identity.digest}`;
          const words = ["--snapshotter", "native", "--digests", "--base-name", "moby-dangling"];
          expect(ctr("image", "import", ...words, file)).toContain(`unpacking ${name}`);
          const [line] = ctr("image", "ls", `name==${name}`).split("\n").slice(1);
          expect(line).toContain(documents.identity.digest);
          expect(line).toContain("linux/amd64");
        }
    }));
});
