import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { beforeEach, describe, expect, it } from "vitest";
import type { Overlay } from "../../../src/sandbox/contract.ts";
import { host } from "../../../src/sandbox/host.ts";
import { guestPath, type HostPath, hostPath } from "../../../src/std/path.ts";
import { type Ground, groundOf } from "./ground.ts";
import { isolating, require } from "./kind.ts";

const usr = { host: hostPath("/usr"), guest: guestPath("/usr"), access: "ro" as const };

/** A folder of files by path; text ending in a slash is a folder, `-> target` a link, `whiteout` the mark of a removed file. */
function folderOf(base: HostPath, name: string, files: Record<string, string>): HostPath {
  const folder = hostPath(join(base, name));
  mkdirSync(folder, { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    if (text === "/") mkdirSync(file, { recursive: true });
    else if (text === "whiteout") execFileSync("mknod", [file, "c", "0", "0"]);
    else if (text.startsWith("-> ")) symlinkSync(text.slice(3), file);
    else writeFileSync(file, text);
  }
  return folder;
}

const listing = (folder: string) =>
  execFileSync("find", [folder, "-printf", "%P %y %m %s %T@\n"], { encoding: "utf8" }).split("\n").sort();

describe.each(isolating)("directories stacked in $title", (subject) => {
  beforeEach((test) => require(subject, test));

  /** A place with a sandbox of its own that is of no further use. */
  const placeOf = () => groundOf(subject);

  function overlayIn(place: Ground, lower: readonly HostPath[], more: Partial<Overlay> = {}): Overlay {
    const base = hostPath(join(place.scratch, "..", "over, lay:\\ of"));
    const [upper, work] = [hostPath(join(base, "upper")), hostPath(join(base, "work"))];
    for (const folder of [upper, work]) mkdirSync(folder, { recursive: true });
    return { lower, upper, work, guest: guestPath("/workspace"), access: "rw", ...more };
  }

  it("are possible here", async () => {
    await using place = await placeOf();
    expect(await subject.kind.stacks(place.scratch)).toBe(true);
    expect(place.remains().filter((name) => !name.startsWith("plinth-sandbox-"))).toEqual([]);
  });

  it("show the upper ones before the lower ones, and what a job changes lands in the uppermost", async () => {
    await using place = await placeOf();
    const base = hostPath(join(place.scratch, ".."));
    const below = folderOf(base, "lower, one:", { a: "a of one", b: "b of one", "sub/kept": "kept", "gone/file": "x" });
    const above = folderOf(base, "lower two\\", { b: "b of two" });
    const before = [below, above].map(listing);
    const overlay = overlayIn(place, [below, above]);
    await using ground = await groundOf(subject, { overlays: [overlay] });
    const script = "cd /workspace; cat a b; echo changed >a; rm b; rm -r gone; mkdir gone; echo new >sub/new; ls";
    expect((await ground.sh(script)).said).toBe("a of oneb of twoa\ngone\nsub\n");
    expect([below, above].map(listing)).toEqual(before);
    expect(readFileSync(join(overlay.upper, "a"), "utf8")).toBe("changed\n");
    expect(lstatSync(join(overlay.upper, "b"))).toMatchObject({ rdev: 0 });
    expect(lstatSync(join(overlay.upper, "b")).isCharacterDevice()).toBe(true);
    expect(readdirSync(join(overlay.upper, "sub"))).toEqual(["new"]);
    expect(readdirSync(join(overlay.upper, "gone"))).toEqual([]);
  });

  it("are seen from outside as long as the sandbox is open, and from there again with what was changed", async () => {
    await using place = await placeOf();
    const lower = folderOf(hostPath(join(place.scratch, "..")), "lower", { file: "text", other: "other" });
    const overlay = overlayIn(place, [lower]);
    let seen: HostPath;
    {
      await using ground = await groundOf(subject, { overlays: [overlay] });
      await ground.sh("echo more >>/workspace/file; rm /workspace/other");
      seen = ground.sandbox.see(guestPath("/workspace/file"));
      expect(readFileSync(seen, "utf8")).toBe("textmore\n");
      expect(readdirSync(ground.sandbox.see(guestPath("/workspace")))).toEqual(["file"]);
      expect(ground.sandbox.see(guestPath("/layers/x"))).toBe(join(ground.open, "x"));
    }
    expect(existsSync(seen)).toBe(false);
    await using again = await groundOf(subject, { overlays: [{ ...overlay, access: "ro" }] });
    expect((await again.sh("cat /workspace/*; echo x 2>/dev/null >/workspace/x || echo closed")).said).toBe(
      "textmore\nclosed\n",
    );
    expect(() => again.sandbox.see(guestPath("/proc/1"))).toThrow("nothing of this machine is mounted there");
  });

  it("can be mounted in each other, and upon a mount", async () => {
    await using place = await placeOf();
    const base = hostPath(join(place.scratch, ".."));
    const outer = folderOf(base, "outer", { "node_modules/old": "old", app: "app" });
    const inner = folderOf(base, "inner", { "left-pad": "pad" });
    const overlays = [
      overlayIn(place, [inner], { guest: guestPath("/workspace/node_modules") }),
      { ...overlayIn(place, [outer]), upper: folderOf(base, "u2", {}), work: folderOf(base, "w2", {}) },
      {
        ...overlayIn(place, [inner]),
        upper: folderOf(base, "u3", {}),
        work: folderOf(base, "w3", {}),
        guest: guestPath("/layers/a/b"),
      },
    ];
    mkdirSync(join(place.open, "a/b"), { recursive: true });
    const mounts = [{ host: place.open, guest: guestPath("/layers"), access: "rw" as const }];
    const surroundings = { root: { kind: "machine" }, user: { uid: 1, gid: 1 }, network: "none", mounts } as const;
    await using sandbox = await subject.kind.open({ ...surroundings, overlays, scratch: place.scratch });
    let said = "";
    const script = "ls /workspace /workspace/node_modules /layers/a/b; echo x >/layers/a/b/new; echo y >/layers/a/c";
    const job = { argv: ["/bin/sh", "-c", script] as const, cwd: guestPath("/"), env: { PATH: "/usr/bin:/bin" } };
    await sandbox.run({ ...job, argv: [...job.argv] }, (chunk) => {
      said += Buffer.from(chunk);
    });
    expect(said).toBe(
      "/layers/a/b:\nleft-pad\n\n/workspace:\napp\nnode_modules\n\n/workspace/node_modules:\nleft-pad\n",
    );
    expect(readdirSync(join(place.open, "a/b"))).toEqual([]);
    expect(readdirSync(join(base, "u3"))).toEqual(["new"]);
    expect(readdirSync(join(place.open, "a"))).toEqual(["b", "c"]);
  });

  const links = { bin: "-> usr/bin", sbin: "-> usr/sbin", lib: "-> usr/lib", lib64: "-> usr/lib64", usr: "/" };

  it("are the root of jobs, which cannot change it but for their home", async () => {
    await using place = await placeOf();
    const base = hostPath(join(place.scratch, ".."));
    const layers = [
      folderOf(base, "l0", {
        ...links,
        "etc/passwd": "app:x:1000:1000::/home/app:/bin/sh\n",
        "etc/old": "old",
        "cnb/a": "a",
      }),
      folderOf(base, "l1", { "home/app/.profile": "mine", "real/f": "f", alias: "-> /real", "etc/old": "whiteout" }),
      folderOf(base, "l2", { "cnb/b": "b" }),
    ];
    chmodSync(layers[2]!, 0o555);
    const before = layers.map(listing);
    const extra = { host: place.closed, guest: guestPath("/alias/deep/platform"), access: "ro" as const };
    const file = { host: folderOf(base, "f", { x: "of the file" }), guest: guestPath("/cnb/b"), access: "ro" as const };
    const mounts = [usr, extra, { ...file, host: hostPath(join(file.host, "x")) }];
    await using ground = await groundOf(subject, { root: { kind: "image", layers }, mounts });
    const script =
      "id -un; echo ~; ls -A ~; echo x >~/new; ls /etc /; cat /cnb/a /cnb/b; ls -d /real/deep/platform; " +
      "touch /new /etc/new /cnb/new 2>/dev/null; rm -rf /cnb/a 2>/dev/null; echo x >/layers/x; cat /real/f";
    const { said } = await ground.sh(script, { env: { PATH: "/usr/bin:/bin", HOME: "/home/app" } });
    expect(said.replace("group\nhosts\n", "").replace("resolv.conf\n", "")).toBe(
      "app\n/home/app\n.profile\n/:\nalias\nbin\ncnb\ndev\netc\nhome\nlayers\nlib\nlib64\nplatform\nproc\nreal\nsbin\ntmp\nusr\nvar\n\n" +
        "/etc:\npasswd\naof the file/real/deep/platform\nf",
    );
    expect(readFileSync(ground.sandbox.see(guestPath("/home/app/new")), "utf8")).toBe("x\n");
    expect(readFileSync(join(ground.open, "x"), "utf8")).toBe("x\n");
    expect(layers.map(listing)).toEqual(before);
    chmodSync(layers[2]!, 0o755);
  });

  it("are the root of jobs, whose changes are kept where they are asked for", async () => {
    await using place = await placeOf();
    const base = hostPath(join(place.scratch, ".."));
    const changes = { upper: folderOf(base, "upper", {}), work: folderOf(base, "work", {}) };
    const layers = [folderOf(base, "l0", { ...links, "etc/os": "old", "var/lib/x": "x" })];
    await using ground = await groundOf(subject, { root: { kind: "image", layers, changes }, mounts: [usr] });
    await ground.sh("echo new >/etc/os; rm -r /var/lib; mkdir /opt; echo x >/opt/x");
    expect(readFileSync(join(changes.upper, "etc/os"), "utf8")).toBe("new\n");
    expect(readFileSync(join(changes.upper, "opt/x"), "utf8")).toBe("x\n");
    expect(lstatSync(join(changes.upper, "var/lib")).isCharacterDevice()).toBe(true);
    expect(readFileSync(join(layers[0]!, "etc/os"), "utf8")).toBe("old");
  });

  it("may be more than a hundred, and the same one twice", async () => {
    await using place = await placeOf();
    const base = hostPath(join(place.scratch, "..", `deep-${"x".repeat(100)}`, `deeper-${"y".repeat(100)}`));
    const first = folderOf(base, "first", { ...links, common: "first" });
    const layers = Array.from({ length: 150 }, (_, n) =>
      folderOf(base, `layer-${n}`, { [`f${n}`]: `${n} `, common: `${n}` }),
    );
    await using ground = await groundOf(subject, {
      root: { kind: "image", layers: [first, ...layers, layers[3]!] },
      mounts: [usr],
    });
    expect((await ground.sh("ls /f* | wc -l; cat /f0 /f149 /common")).said).toBe("150\n0 149 3");
  });

  it("are refused in one sentence when the kernel refuses them, and nothing is left", async () => {
    await using place = await placeOf();
    const before = place.remains();
    const gone = hostPath(join(place.open, "gone"));
    const overlay = overlayIn(place, [gone]);
    const surroundings = { root: { kind: "machine" }, user: { uid: 1, gid: 1 }, network: "host", mounts: [] } as const;
    await expect(
      subject.kind.open({ ...surroundings, overlays: [overlay], scratch: place.scratch }),
    ).rejects.toMatchObject({ code: "sandbox.overlay", message: expect.stringMatching(/^Cannot stack directories: /) });
    expect(place.remains()).toEqual(before);
  });
});

describe.each(isolating)("what holds the stacks of $title", (subject) => {
  beforeEach((test) => require(subject, test));

  const from = (name: string) => JSON.stringify(join(process.cwd(), "src/sandbox", name));
  const backend = subject.title.includes("unshare") ? "unshare" : "bubblewrap({ nested: false })";
  const opening = `
    import { namespaceOver } from ${from("namespace.ts")};
    import { bubblewrap } from ${from("bubblewrap.ts")};
    import { unshare } from ${from("unshare.ts")};
    import { mkdirSync } from "node:fs";
    const [scratch, open] = process.argv.slice(-2);
    for (const name of ["upper", "work"]) mkdirSync(open + "/" + name);
    const sandbox = await namespaceOver([${backend}]).open({
      root: { kind: "machine" }, user: { uid: 1000, gid: 1000 }, network: "host", scratch, mounts: [],
      overlays: [{ lower: [open], upper: open + "/upper", work: open + "/work", guest: "/workspace", access: "rw" }],
    });
    console.log(sandbox.see("/workspace"));
  `;
  const programOf = (ground: Ground, rest: string) => {
    const argv = [
      "--import",
      "tsx",
      "--input-type=module",
      "--eval",
      opening + rest,
      "--",
      ground.scratch,
      ground.open,
    ];
    return spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  };

  it("ends with the sandbox, which the program waits for", async () => {
    await using ground = await groundOf(subject);
    const child = programOf(ground, `await sandbox[Symbol.asyncDispose](); console.log("closed");`);
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
    expect({ said, code }).toEqual({ said: expect.stringMatching(/^\/proc\/\d+\/root\/.*\nclosed\n$/), code: 0 });
  });

  it("ends with us, however we end", async () => {
    await using ground = await groundOf(subject);
    const child = programOf(ground, "setInterval(() => {}, 1000);");
    const seen = String((await once(child.stdout, "data"))[0]).trim();
    expect(existsSync(seen)).toBe(true);
    child.kill("SIGKILL");
    await once(child, "exit");
    await expect.poll(() => existsSync(seen), { timeout: 20_000 }).toBe(false);
  });

  it("keeps nobody from ending who does not close it", async () => {
    await using ground = await groundOf(subject);
    const child = programOf(ground, "");
    expect(await once(child, "exit")).toEqual([0, null]);
  });
});

describe("the plain process", () => {
  it("stacks nothing", async () => {
    const place = hostPath("/");
    expect(await host.stacks(place)).toBe(false);
    const overlay: Overlay = { lower: [place], upper: place, work: place, guest: guestPath("/x"), access: "rw" };
    const surroundings = { root: { kind: "machine" }, mounts: [], user: { uid: 1, gid: 1 }, network: "host" } as const;
    await expect(host.open({ ...surroundings, overlays: [overlay] })).rejects.toMatchObject({ code: "sandbox.host" });
    await expect(host.open({ ...surroundings, root: { kind: "image", layers: [place] } })).rejects.toThrow(
      "it cannot make an image the root of jobs",
    );
  });
});
