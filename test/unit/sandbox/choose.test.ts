import { describe, expect, it } from "vitest";
import { chooseSandbox } from "../../../src/sandbox/choose.ts";
import type { Probe, SandboxKind } from "../../../src/sandbox/contract.ts";
import { explainRefusal, type Facts } from "../../../src/sandbox/refusal.ts";

const unfit = { usable: false, because: "it needs an image", hint: "name one" } as const;

function kind(name: SandboxKind["name"], probe: Probe): SandboxKind & { probed: number } {
  return {
    name,
    probed: 0,
    translates: true,
    stacks: async () => false,
    refuses: ({ root }) => (name === "docker" && root !== "image" ? unfit : undefined),
    isolation: { filesystem: true, network: true, user: true },
    async probe() {
      this.probed += 1;
      return probe;
    },
    open: () => Promise.reject(new Error("not in this test")),
  };
}

const good = (name: SandboxKind["name"]) => kind(name, { usable: true, detail: `${name} works` });
const bad = (name: SandboxKind["name"]) =>
  kind(name, { usable: false, because: `${name} is off`, hint: `turn ${name} on` });

describe("the choice of a sandbox", () => {
  it("is the first that works, and no later one is tried", async () => {
    const [first, second] = [good("namespace"), good("host")];
    expect(await chooseSandbox([first, second])).toEqual({ kind: first, explanation: "namespace (namespace works)" });
    expect(second.probed).toBe(0);
  });

  it("says in one line what was passed over, and which setting would change it", async () => {
    const { kind, explanation } = await chooseSandbox([bad("namespace"), good("host")]);
    expect(kind.name).toBe("host");
    expect(explanation).toBe("host (host works); not namespace: namespace is off (turn namespace on)");
  });

  it("is the one that is wanted, even where another comes first", async () => {
    expect((await chooseSandbox([good("namespace"), good("host")], "host")).kind.name).toBe("host");
  });

  it("fails when the wanted one does not work", async () => {
    await expect(chooseSandbox([bad("namespace"), good("host")], "namespace")).rejects.toMatchObject({
      code: "sandbox.unusable",
      message: "Cannot use sandbox namespace: namespace is off",
      hint: "turn namespace on",
    });
  });

  it("fails when there is none of the wanted name", async () => {
    await expect(chooseSandbox([good("namespace")], "vm")).rejects.toMatchObject({
      code: "sandbox.unknown",
      exit: "usage",
      hint: "choose one of namespace",
    });
  });

  it("tries none that cannot serve the need, and takes none by hand", async () => {
    const docker = good("docker");
    const { kind, explanation } = await chooseSandbox([docker, good("host")]);
    expect({ name: kind.name, probed: docker.probed }).toEqual({ name: "host", probed: 0 });
    expect(explanation).toBe("host (host works)");
    const need = { root: "image", network: "host", limited: false } as const;
    expect((await chooseSandbox([docker, good("host")], undefined, need)).kind.name).toBe("docker");
    await expect(chooseSandbox([docker, good("host")], "docker")).rejects.toMatchObject({
      code: "sandbox.unusable",
      message: "Cannot use sandbox docker: it needs an image",
      hint: "name one",
    });
    await expect(chooseSandbox([bad("namespace"), docker])).rejects.toThrow("docker: it needs an image");
  });

  it("fails with every reason when none works", async () => {
    await expect(chooseSandbox([bad("namespace"), bad("host")])).rejects.toMatchObject({
      code: "sandbox.none",
      message: "Cannot run buildpacks: no sandbox works here (namespace: namespace is off; host: host is off)",
      hint: "for namespace, turn namespace on; for host, turn host on",
    });
  });
});

describe("why namespaces cannot be used", () => {
  const free: Facts = {
    cloneAllowed: undefined,
    most: "1000",
    apparmorRestricts: undefined,
    isFiltered: false,
    isProcCovered: false,
    hasTool: true,
  };

  it.each([
    [{ hasTool: false }, "neither bwrap nor unshare is installed", /install bubblewrap/],
    [{ most: "0" }, "user.max_user_namespaces is 0", /sysctl -w user.max_user_namespaces=/],
    [{ cloneAllowed: "0" }, "kernel.unprivileged_userns_clone is 0", /unprivileged_userns_clone=1/],
    [{ apparmorRestricts: "1" }, "kernel.apparmor_restrict_unprivileged_userns is 1", /AppArmor profile/],
    [{ isFiltered: true }, "a seccomp filter watches this process, as in a container", /seccomp=unconfined/],
    [{ isProcCovered: true }, "parts of /proc are covered, as in a container", /systempaths=unconfined/],
  ] satisfies [Partial<Facts>, string, RegExp][])("is the setting that forbids them: %j", (facts, because, hint) => {
    const refusal = explainRefusal({ ...free, ...facts }, ["bwrap: no", "unshare: no", "bwrap: no"]);
    expect(refusal.because).toBe(`${because} (bwrap: no; unshare: no)`);
    expect(refusal.hint).toMatch(hint);
  });

  it("is what the tools said where no setting is known to", () => {
    expect(explainRefusal(free, ["bwrap: odd"]).because).toBe("bwrap: odd");
  });
});
