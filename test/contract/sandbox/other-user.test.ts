import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeTree } from "../../../src/std/remove.ts";
import { peer } from "../../support/peer.ts";
import { isolating, require } from "./kind.ts";

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "sandbox-test-")));
  chmodSync(base, 0o777);
});
afterEach(() => removeTree(base));

const from = (name: string) => JSON.stringify(join(process.cwd(), "src/sandbox", name));
const imports = `
  import { chooseSandbox } from ${from("choose.ts")};
  import { host } from ${from("host.ts")};
  import { namespace, namespaceOver } from ${from("namespace.ts")};
  import { bubblewrap } from ${from("bubblewrap.ts")};
  import { unshare } from ${from("unshare.ts")};
  import { openChangeable } from ${from("changeable.ts")};
`;

/** Runs a program of ours below another command, and parses the JSON it prints. */
function below(command: readonly string[], program: string): unknown {
  const node = [process.execPath, "--import", import.meta.resolve("tsx"), "--input-type=module", "--eval"];
  const [first, ...rest] = [...command, ...node, imports + program];
  const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: base, TMPDIR: base };
  return JSON.parse(execFileSync(first!, rest, { encoding: "utf8", env, cwd: base }));
}

// In a user namespace of one's own, its limits may be set: as if an administrator had.
const forbidden = ["unshare", "-Ur", "sh", "-c", 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', "sh"];

describe("where namespaces are forbidden", () => {
  beforeEach((test) => require(isolating[1]!, test));

  it("the probe names the setting, and the plain process is chosen", () => {
    const { probe, explanation } = below(
      forbidden,
      `const probe = await namespace.probe();
       const { explanation } = await chooseSandbox([namespace, host]);
       console.log(JSON.stringify({ probe, explanation }));`,
    ) as { probe: { usable: boolean; because: string; hint: string }; explanation: string };
    expect(probe.usable).toBe(false);
    expect(probe.because).toMatch(/^user.max_user_namespaces is 0 \(.+\)$/);
    expect(probe.hint).toMatch(/sysctl -w user.max_user_namespaces=/);
    expect(explanation).toMatch(
      /^host \(plain processes, no isolation: .*; not namespace: user.max_user_namespaces is 0/,
    );
  });

  it("opening one fails in the same words", () => {
    const fault = below(
      forbidden,
      `const surroundings = { root: { kind: "machine" }, mounts: [], user: { uid: 1, gid: 1 }, network: "host" };
       const fault = await namespace.open(surroundings).catch((error) => error);
       console.log(JSON.stringify({ code: fault.code, message: fault.message, hint: fault.hint }));`,
    );
    expect(fault).toMatchObject({
      code: "sandbox.unusable",
      message: expect.stringMatching(/^Cannot use sandbox namespace: user.max_user_namespaces is 0 \(.+\)$/),
      hint: expect.stringMatching(/sysctl/),
    });
  });

  it("a directory whose changes are thrown away is a copy", () => {
    mkdirSync(join(base, "lower/sub"), { recursive: true });
    writeFileSync(join(base, "lower/sub/file"), "text");
    symlinkSync("sub/file", join(base, "lower/link"));
    mkdirSync(join(base, "folder"));
    const made = below(
      forbidden,
      `const made = await openChangeable([${JSON.stringify(join(base, "lower"))}], ${JSON.stringify(join(base, "folder"))});
       console.log(JSON.stringify({ path: made.seen, command: made.enter(["a"]) }));`,
    ) as { path: string; command: string[] };
    expect(made.command).toEqual(["a"]);
    expect(readFileSync(join(made.path, "link"), "utf8")).toBe("text");
    writeFileSync(join(made.path, "sub/file"), "changed");
    expect(readFileSync(join(base, "lower/sub/file"), "utf8")).toBe("text");
  });
});

describe.each(isolating)("$title as an ordinary user", (subject) => {
  beforeEach((test) => require(subject, test));

  it("runs jobs as whom they ask for, and what they write is ours", (test) => {
    if (process.getuid?.() !== 0) return test.skip("this whole suite runs as an ordinary user");
    const setpriv = peer("setpriv", test);
    const ordinary = [setpriv, "--reuid=12345", "--regid=12346", "--clear-groups"];
    try {
      below(ordinary, "console.log(1)");
    } catch {
      return test.skip("an ordinary user cannot read this project");
    }
    mkdirSync(join(base, "open"), { mode: 0o777 });
    chmodSync(join(base, "open"), 0o777);
    const backend = subject.title.includes("unshare") ? "unshare" : "bubblewrap({ nested: false })";
    const result = below(
      ordinary,
      `import { statSync } from "node:fs";
       const kind = namespaceOver([${backend}]);
       const sandbox = await kind.open({ root: { kind: "machine" }, network: "none", user: { uid: 1000, gid: 1001 },
         mounts: [{ host: ${JSON.stringify(join(base, "open"))}, guest: "/layers", access: "rw" }] });
       let said = "";
       const script = "id -u; id -g; id -un; cat /proc/net/dev | wc -l; echo x >file; ls -A /; cat /etc/shadow || echo closed";
       const job = { argv: ["/bin/sh", "-c", script + " 2>/dev/null"], cwd: "/layers", env: { PATH: "/usr/bin:/bin" } };
       const exit = await sandbox.run(job, (chunk) => { said += chunk; });
       await sandbox[Symbol.asyncDispose]();
       console.log(JSON.stringify({ exit, said, owner: statSync(${JSON.stringify(join(base, "open/file"))}).uid }));`,
    ) as { exit: unknown; said: string; owner: number };
    expect(result.exit).toEqual({ kind: "exited", code: 0 });
    expect(result.said).toMatch(/^1000\n1001\ncnb\n3\n/);
    expect(result.said).toMatch(/closed\n$/);
    expect(result.owner).toBe(12345);
  });
});
