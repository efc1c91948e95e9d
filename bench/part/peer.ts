import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { isInstalled } from "../../test/support/peer.ts";
import { type Result, resultOf, timed } from "../measure.ts";
import { buildWords, discard, type Ground, makeHome, pack, repeat } from "./ground.ts";

/** What other tools take for the same bytes or the same image: compressing, copying, unpacking. */
export async function measurePeers(ground: Ground): Promise<Record<string, Result>> {
  const { folder, runs, say, workload } = ground;
  say("other tools");
  const results: Record<string, Result> = {};
  const files = workload.parts.slice(0, 2).map((part) => `'${part}'`);
  for (const [program, command] of [
    ["gzip", "gzip -1"],
    ["pigz", "pigz -1"],
  ] as const) {
    if (!isInstalled(program)) continue;
    const line = `tar -cf - ${files.join(" ")} 2>/dev/null | ${command} >/dev/null`;
    results[`tar to ${command}`] = resultOf(await repeat(Math.min(runs, 3), () => timed(["sh", "-c", line])));
  }
  if (!isInstalled("skopeo")) return results;
  const home = await makeHome(ground);
  const copy = join(folder, "copy");
  const layout = join(folder, "layout");
  try {
    await pack(ground, home, buildWords(ground, "app", ["--run-image", "bench/run"]));
    const from = `oci:${home}/store:docker.io/library/app:latest`;
    results["skopeo copy to dir:"] = resultOf([await timed(["skopeo", "copy", from, `dir:${copy}`])]);
    discard(ground, copy);
    results["pack copy to oci: uncompressed"] = resultOf([
      await pack(ground, home, ["copy", "app", `oci:${copy}`, "--compression", "none"]),
    ]);
    discard(ground, copy);
    if (isInstalled("umoci") && process.getuid?.() === 0) {
      execFileSync("skopeo", ["copy", "--dest-oci-accept-uncompressed-layers", from, `oci:${layout}:app`], {
        stdio: "pipe",
      });
      results["umoci unpack"] = resultOf([await timed(["umoci", "unpack", "--image", `${layout}:app`, copy])]);
    }
    return results;
  } finally {
    for (const path of [home, copy, layout]) discard(ground, path);
  }
}
