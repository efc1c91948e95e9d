import { execFileSync } from "node:child_process";
import { startRegistry } from "../../test/support/registry.ts";
import { type Result, resultOf } from "../measure.ts";
import { buildWords, discard, forgetBuilds, type Ground, makeHome, pack, repeat } from "./ground.ts";

/** What a registry's part of the bench found. */
export interface RegistryFigures {
  readonly results: Record<string, Result>;
  /** Bytes of the compressed layers above the base, and of gzip level 1 over the same files. */
  readonly sizes: { readonly ours: number; readonly gzip: number };
}

interface Manifest {
  readonly layers: readonly { readonly size: number }[];
}

async function manifestAt(host: string, repository: string): Promise<Manifest> {
  const accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
  const reply = await fetch(`http://${host}/v2/${repository}/manifests/latest`, { headers: { accept } });
  return (await reply.json()) as Manifest;
}

/** Builds to a registry on this machine and rebases in it. */
export async function measureRegistry(ground: Ground, sandbox: string): Promise<RegistryFigures> {
  const { runs, say, workload } = ground;
  const refuse = (note?: string): never => {
    throw new Error(note);
  };
  await using registry = await startRegistry({ skip: refuse });
  const home = await makeHome(ground);
  const name = (text: string) => `${registry.host}/bench/${text}`;
  try {
    for (const base of ["run", "next"]) await pack(ground, home, ["copy", `bench/${base}`, `docker://${name(base)}`]);
    const options = ["--publish", "--run-image", name("run"), "--sandbox", sandbox];
    const cold = await repeat(runs, async (at) => {
      await forgetBuilds(ground, home);
      say(`${sandbox}: first build to a registry`);
      // A repository of its own each time: nothing is there yet.
      return pack(ground, home, buildWords(ground, name(`app${at}`), options));
    });
    say("rebases in the registry");
    const rebased = await repeat(runs, (at) =>
      pack(ground, home, [
        "rebase",
        name("app0"),
        "--publish",
        "--run-image",
        name(at % 2 ? "run" : "next"),
        "--force",
      ]),
    );
    const all = await manifestAt(registry.host, "bench/app0");
    const base = await manifestAt(registry.host, "bench/run");
    const sum = ({ layers }: Manifest, from = 0) => layers.slice(from).reduce((total, { size }) => total + size, 0);
    // The cache goes to no registry.
    const files = workload.parts.slice(0, 2).map((part) => `'${part}'`);
    const gzip = execFileSync("sh", ["-c", `tar -cf - ${files.join(" ")} 2>/dev/null | gzip -1 | wc -c`], {
      encoding: "utf8",
    });
    return {
      results: {
        [`first build to a registry (${sandbox})`]: resultOf(cold),
        "rebase in a registry": resultOf(rebased),
      },
      sizes: { ours: sum(all, base.layers.length), gzip: Number(gzip) },
    };
  } finally {
    discard(ground, home);
  }
}
