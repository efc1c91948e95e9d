import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { buildah } from "../engine/buildah.ts";
import { chooseEngine } from "../engine/choose.ts";
import { docker } from "../engine/docker.ts";
import { Fault } from "../std/fault.ts";
import { hostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import { findDaemon } from "../store/daemon.ts";
import { areaOf, type DoctorOptions, type Finding } from "./diagnosis.ts";

const finding = areaOf("engines");

/** Every engine that could apply the Dockerfiles of image extensions, and which one builds would take. Builds without extensions need none. */
export async function lookAtEngines({ outside = {} }: DoctorOptions): Promise<Finding[]> {
  // Nothing is left in the pack home only to look.
  const scratch = hostPath(await mkdtemp(under(hostPath(tmpdir()), "plinth-doctor-")));
  try {
    const { env = {}, dockerHost } = outside;
    const address = async () => (await findDaemon(env, dockerHost)).chosen.address;
    const kinds = [buildah(scratch), docker(address, scratch)];
    const looked = await Promise.all(
      kinds.map(async ({ name, probe, open }) => {
        const found = await probe();
        return { name, open, probe: async () => found, found };
      }),
    );
    const probed = looked.map(({ name, found }) =>
      found.usable ? finding(name, "ok", found.detail) : finding(name, "none", found.because, found.hint),
    );
    try {
      const { name } = await chooseEngine(looked);
      return [finding("choice for image extensions", "ok", name), ...probed];
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      const found = "there is none: builders whose image extensions write Dockerfiles cannot be used";
      return [
        finding("choice for image extensions", "none", found, "install buildah, or start Docker or Podman"),
        ...probed,
      ];
    }
  } finally {
    await removeTree(scratch);
  }
}
