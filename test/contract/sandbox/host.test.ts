import { spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Surroundings } from "../../../src/sandbox/contract.ts";
import { host } from "../../../src/sandbox/host.ts";
import { guestPath, hostPath } from "../../../src/std/path.ts";
import { groundOf, PATH, pulseIn } from "./ground.ts";

describe("the plain process", () => {
  it("always works, and says that it isolates nothing", async () => {
    expect(await host.probe()).toEqual({
      usable: true,
      detail: "plain processes, no isolation: buildpacks see this whole machine",
    });
    expect(host.isolation).toEqual({ filesystem: false, network: false, user: false });
  });

  const place = hostPath(tmpdir());
  it.each([
    [{ root: { kind: "directory", path: place, access: "ro" } }, `it cannot make ${place} the root of jobs`],
    [{ network: "none" }, "it cannot give jobs another network than this machine's"],
    [{ mounts: [{ host: place, guest: guestPath("/layers"), access: "rw" }] }, `it cannot show ${place} as /layers`],
  ] satisfies [Partial<Surroundings>, string][])("refuses what it cannot do: %j", async (wanted, because) => {
    const surroundings = { root: { kind: "machine" }, mounts: [], user: { uid: 1, gid: 1 }, network: "host" } as const;
    await expect(host.open({ ...surroundings, ...wanted })).rejects.toMatchObject({
      code: "sandbox.host",
      message: `Cannot open sandbox host: ${because}`,
    });
  });

  it("does not outlive us when we exit in the middle of a job", async () => {
    await using ground = await groundOf({ kind: host });
    using pulse = pulseIn(ground);
    const program = `
      import { host } from ${JSON.stringify(join(process.cwd(), "src/sandbox/host.ts"))};
      const sandbox = await host.open({ root: { kind: "machine" }, user: { uid: 1, gid: 1 }, network: "host", mounts: [] });
      const script = "${pulse.hold} echo ready; sleep 1000 & wait";
      await sandbox.run({ argv: ["/bin/sh", "-c", script], cwd: "/", env: { PATH: "${PATH}" } }, () => process.exit(3));
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program]);
    const [code] = await once(child, "exit");
    expect(code).toBe(3);
    await expect.poll(() => pulse.isFlat(), { timeout: 20_000 }).toBe(true);
  });

  it("asks an aborted job to end before it kills it", async () => {
    await using ground = await groundOf({ kind: host });
    const abort = new AbortController();
    let said = "";
    const job = {
      argv: ["/bin/sh", "-c", "trap 'echo cleaned; exit 0' TERM; echo ready; while :; do sleep 0.05; done"] as const,
      cwd: ground.guest.open,
      env: { PATH },
    };
    const running = ground.sandbox.run(
      { ...job, argv: [...job.argv] },
      (chunk) => {
        said += Buffer.from(chunk).toString();
        if (said === "ready\n") abort.abort(new Error("enough"));
      },
      abort.signal,
    );
    await expect(running).rejects.toThrow("enough");
    // Its sleep was asked, too, which some shells remark on.
    expect(said.replace("Terminated\n", "")).toBe("ready\ncleaned\n");
  });
});
