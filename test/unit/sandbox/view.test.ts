import { chmodSync, mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { missingFolders, withPlaces } from "../../../src/sandbox/layout.ts";
import { envIn, locate, textAt } from "../../../src/sandbox/locate.ts";
import { obstacleOf } from "../../../src/sandbox/obstacle.ts";
import { foldersAbove, isWithin, mountStep, outerFirst, type Step } from "../../../src/sandbox/view.ts";
import { guestPath, type HostPath, hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";

let base: HostPath;
beforeEach(() => {
  base = hostPath(realpathSync(mkdtempSync(join(tmpdir(), "view-test-"))));
});
afterEach(() => removeTree(base));

function make(files: Record<string, string>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(base, dirname(path)), { recursive: true });
    if (path.endsWith("/")) mkdirSync(join(base, path), { recursive: true });
    else if (content.startsWith("-> ")) symlinkSync(content.slice(3), join(base, path));
    else writeFileSync(join(base, path), content, { mode: content.startsWith("#!") ? 0o755 : 0o644 });
  }
}

const root = (access: "ro" | "rw" = "ro") => mountStep({ host: base, guest: guestPath("/"), access });
const mount = (host: string, guest: string) =>
  mountStep({ host: hostPath(join(base, host)), guest: guestPath(guest), access: "ro" });

describe("a path in a view", () => {
  const find = async (steps: readonly Step[], path: string) => {
    const { guest, host } = await locate(steps, guestPath(path));
    return `${guest} ${host.replace(base, "@")}`;
  };

  it("follows links inside the root and never outside", async () => {
    make({
      "usr/bin/sh": "#!",
      bin: "-> usr/bin",
      abs: "-> /usr",
      up: "-> ../../../../../../etc",
      "etc/passwd": "mine",
      "deep/er/back": "-> ../../etc/./passwd",
      loop: "-> loop",
      dangling: "-> /not/here",
    });
    expect(await find([root()], "/bin/sh")).toBe("/usr/bin/sh @/usr/bin/sh");
    expect(await find([root()], "/abs/bin/sh")).toBe("/usr/bin/sh @/usr/bin/sh");
    expect(await find([root()], "/up/passwd")).toBe("/etc/passwd @/etc/passwd");
    expect(await find([root()], "/deep/er/back")).toBe("/etc/passwd @/etc/passwd");
    expect(await find([root()], "/../../bin/../bin/sh")).toBe("/usr/bin/sh @/usr/bin/sh");
    expect(await find([root()], "/dangling/x")).toBe("/not/here/x nothing");
    expect(await find([root()], "/loop/x")).toBe("/loop/x nothing");
    expect(await find([root()], "/")).toBe("/ @");
  });

  it("is decided by the last step that covers it", async () => {
    make({ "a/file": "", "b/file": "", "b/sub/x": "" });
    const steps: Step[] = [
      { make: "directory", guest: guestPath("/layers") },
      mount("a", "/layers/a"),
      mount("b", "/layers/a/sub"),
      { make: "link", guest: guestPath("/l"), target: "layers" },
      { make: "proc", guest: guestPath("/proc") },
      mount("a", "/proc/sys"),
      { make: "cover", guest: guestPath("/layers/a/file"), kind: "file" },
    ];
    expect(await find(steps, "/l/a/sub/file")).toBe("/layers/a/sub/file @/b/file");
    expect(await find(steps, "/layers/a/file")).toBe("/layers/a/file nothing");
    expect(await find(steps, "/layers")).toBe("/layers kernel");
    expect(await find(steps, "/layers/none")).toBe("/layers/none nothing");
    expect(await find(steps, "/proc/self")).toBe("/proc/self kernel");
    expect(await find(steps, "/proc/sys/file")).toBe("/proc/sys/file @/a/file");
    expect(await find(steps, "/elsewhere")).toBe("/elsewhere nothing");
    expect(await find(steps, "/")).toBe("/ kernel");
  });

  it("gives text and env only where they are", async () => {
    make({ "etc/os-release": "ID=x", "bin/env": "#!" });
    expect(await textAt([root()], "/etc/os-release")).toBe("ID=x");
    expect(await textAt([root()], "/etc/none")).toBeUndefined();
    expect(await envIn([root()])).toBe("/bin/env");
    expect(await envIn([mount("etc", "/")])).toBeUndefined();
  });
});

describe("a read-only folder with places to mount upon", () => {
  const short = (steps: readonly Step[]) => steps.map((step) => `${step.make} ${step.guest}`).sort();

  it("stays whole where it has them all", async () => {
    make({ "opt/app/": "", "etc/passwd": "" });
    expect(short(await withPlaces(root(), [guestPath("/opt/app"), guestPath("/etc/passwd")]))).toEqual(["mount /"]);
    expect(short(await withPlaces(root(), []))).toEqual(["mount /"]);
    expect(short(await withPlaces(mount("etc", "/etc"), [guestPath("/etc"), guestPath("/opt/x")]))).toEqual([
      "mount /etc",
    ]);
  });

  it("is taken apart just as far as it must be", async () => {
    make({ "opt/app/file": "", "opt/other/": "", "etc/x/y": "", bin: "-> usr/bin", top: "" });
    expect(short(await withPlaces(root(), [guestPath("/opt/app/new/deep")]))).toEqual([
      "directory /opt",
      "directory /opt/app",
      "link /bin",
      "mount /etc",
      "mount /opt/app/file",
      "mount /opt/other",
      "mount /top",
    ]);
    expect(short(await withPlaces(mount("opt", "/opt"), [guestPath("/opt/new")]))).toEqual([
      "directory /opt",
      "mount /opt/app",
      "mount /opt/other",
    ]);
  });

  it("lacks the folders no step provides, the outer ones first", () => {
    const shown: Step[] = [mount("usr", "/usr"), { make: "directory", guest: guestPath("/var") }];
    const places = ["/var/tmp/a", "/usr/x/y", "/a/b/c", "/a/d", "/top"].map(guestPath);
    expect(missingFolders(shown, places).map(({ guest }) => guest)).toEqual(["/a", "/a/b", "/var/tmp"]);
  });
});

describe("paths", () => {
  it("are within a folder or not", () => {
    expect(isWithin("/a/b", "/a")).toBe(true);
    expect(isWithin("/a", "/a")).toBe(true);
    expect(isWithin("/ab", "/a")).toBe(false);
    expect(isWithin("/x", "/")).toBe(true);
  });

  it("have folders above them, and come after those that hold them", () => {
    expect(foldersAbove(guestPath("/a/b/c"))).toEqual(["/a", "/a/b"]);
    expect(foldersAbove(guestPath("/a"))).toEqual([]);
    const order = outerFirst(["/a/b", "/z", "/a", "/a/b/c"].map((guest) => mount("x", guest)));
    expect(order.map(({ guest }) => guest)).toEqual(["/z", "/a", "/a/b", "/a/b/c"]);
  });
});

describe("what stands in a job's way", () => {
  const because = (argv: [string, ...string[]], env: Record<string, string> = {}, cwd = "/") =>
    obstacleOf({ argv, cwd: guestPath(cwd), env }, async (path) => (await locate([root()], guestPath(path))).host);

  it("is nothing when there is nothing", async () => {
    make({ "bin/tool": "#!/bin/run -x\n", "bin/run": "#!no\nbinary", "opt/bin": "-> ../bin" });
    chmodSync(join(base, "bin/run"), 0o755);
    writeFileSync(join(base, "bin/elf"), Buffer.from([0x7f, 0x45]), { mode: 0o755 });
    expect(await because(["/bin/elf"])).toBeUndefined();
    expect(await because(["elf"], { PATH: "/none:/opt/bin" })).toBeUndefined();
    expect(await because(["elf"])).toBeUndefined();
    expect(await because(["./elf"], {}, "/bin")).toBeUndefined();
    expect(await because(["elf"], { PATH: "" }, "/bin")).toBeUndefined();
  });

  it("is said in one sentence", async () => {
    make({ "bin/script": "#!/bin/missing\n", "bin/plain": "text", "bin/to-folder": "#! /opt\n", "opt/": "" });
    expect(await because(["/bin/none"])).toBe("/bin/none does not exist");
    expect(await because(["plain"], { PATH: "/bin" })).toBe("plain is not on its PATH (/bin)");
    expect(await because(["a=b"])).toBe("the name a=b has an equals sign, which env takes for a variable");
    expect(await because(["/bin/script"])).toBe(
      "the first line of /bin/script asks for an interpreter, and /bin/missing does not exist",
    );
    expect(await because(["/bin/to-folder"])).toBe(
      "the first line of /bin/to-folder asks for an interpreter, and /opt is a directory",
    );
    expect(await because(["/bin/script"], {}, "/bin/plain")).toBe("there is no directory /bin/plain to run it in");
  });
});
