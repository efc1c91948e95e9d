import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { guestPath, hostPath } from "../../../src/std/path.ts";
import { type Ground, groundOf, PATH, pulseIn, run } from "./ground.ts";
import { isolating, require } from "./kind.ts";

describe.each(isolating)("what a job sees in $title", (subject) => {
  let ground: Ground;
  beforeEach(async (test) => {
    await require(subject, test);
    ground = await groundOf(subject);
  });
  afterEach(() => ground?.[Symbol.asyncDispose]());

  const says = async (script: string, env: Record<string, string> = { PATH }) =>
    (await ground.sh(`${script} 2>&1`, { env })).said;

  it("is a user with a name, a group and a home to write in", async () => {
    expect(await says("id -u; id -g; id -un; id -gn; echo ~cnb; touch ~cnb/x && echo written")).toBe(
      "1000\n1000\ncnb\ncnb\n/home/cnb\nwritten\n",
    );
  });

  it("owns what it is given and what it writes", async () => {
    expect(await says("echo >file; stat -c %u:%g . file")).toBe("1000:1000\n1000:1000\n");
    expect(statSync(join(ground.open, "file")).uid).toBe(process.getuid!());
  });

  it("is nothing of this machine but its system folders", async () => {
    const shown = (await says("ls -A /")).trim().split("\n");
    const allowed = [
      "bin",
      "dev",
      "etc",
      "gnu",
      "home",
      "layers",
      "lib",
      "lib32",
      "lib64",
      "libx32",
      "nix",
      "platform",
    ];
    expect(shown.filter((name) => ![...allowed, "proc", "run", "sbin", "tmp", "usr", "var"].includes(name))).toEqual(
      [],
    );
    expect(await says("ls -A /home /var /tmp /var/tmp")).toBe("/home:\ncnb\n\n/tmp:\n\n/var:\ntmp\n\n/var/tmp:\n");
  });

  it.each(["/root", "/run/docker.sock", "/var/run/docker.sock", "/var/lib", "/sys", "/mnt", "/opt", "/srv"])(
    "has no %s",
    async (path) => {
      expect(await says(`[ -e ${path} ] || echo nothing`)).toBe("nothing\n");
    },
  );

  it("has no way to this project", async () => {
    expect(await says(`[ -e ${process.cwd()} ] || echo nothing`)).toBe("nothing\n");
  });

  it("cannot write to any system folder", async () => {
    const folders = "/ /usr /usr/bin /usr/local /etc /bin /proc/sys/kernel /platform";
    expect(await says(`for d in ${folders}; do touch $d/x 2>/dev/null && echo $d; done; echo end`)).toBe("end\n");
  });

  it("cannot write to a read-only mount, or make it writable", async () => {
    writeFileSync(join(ground.closed, "file"), "before");
    const tries = [
      "echo after >/platform/file",
      "rm -f /platform/file",
      "chmod 666 /platform/file",
      "mount -o remount,bind,rw /platform",
      "umount /platform",
      "unshare -Urm sh -c 'mount -o remount,bind,rw /platform; echo after >/platform/file'",
      "mv /platform /gone",
      "ln /platform/file /layers/hard && echo after >/layers/hard",
    ];
    await says(tries.map((attempt) => `(${attempt})`).join("; "));
    expect(readFileSync(join(ground.closed, "file"), "utf8")).toBe("before");
  });

  it("does not show what is only for some users, not even to root's jobs", async () => {
    const secret = readdirSync("/etc").filter(
      (name) => (statSync(`/etc/${name}`, { throwIfNoEntry: false })?.mode ?? 4) % 8 === 0,
    );
    for (const name of secret)
      expect(await says(`cat /etc/${name}; ls /etc/${name}/ `), name).toMatch(/Permission denied/);
    expect(await says("find /etc -type f -readable ! -perm -o+r 2>/dev/null; echo end")).toBe("end\n");
  });

  it("cannot turn the kernel's switches, not even as root's job", async () => {
    const switches =
      "/proc/sys/kernel/core_pattern /proc/sys/vm/swappiness /proc/sys/kernel/modprobe /proc/sysrq-trigger /proc/irq/default_smp_affinity";
    expect(await says(`for f in ${switches}; do (: >>$f) 2>/dev/null && echo $f; done; echo end`)).toBe("end\n");
  });

  it("sees no process but its own", async () => {
    const pids = (await says("ls /proc | grep -c '^[0-9]'")).trim();
    expect(Number(pids)).toBeLessThan(8);
    expect(await says(`cat /proc/${process.pid}/environ || echo none`)).toMatch(/none\n$/);
    expect(await says("kill -9 -1; echo still here", { PATH })).not.toMatch(/host/);
  });

  it("cannot look through the first process at the machine", async () => {
    expect(
      await says(
        "ls -A /proc/1/root/ 2>&1 | grep -x work; ls /proc/1/root/root; cat /proc/1/environ | tr '\\0' '\\n' | grep HOME; echo end",
      ),
    ).not.toMatch(/HOME|work/);
    const outside = join(ground.closed, "..", "scratch");
    expect(await says(`[ -e /proc/1/root${outside} ] || [ -e /proc/1/cwd${outside} ] || echo nothing`)).toBe(
      "nothing\n",
    );
  });

  it("cannot make devices, mounts, or namespaces of its own", async () => {
    const { said } = await ground.sh(
      "mknod disk b 254 0 2>/dev/null && echo mknod; mount -t tmpfs tmpfs /tmp 2>/dev/null && echo mount; unshare -Ur true 2>/dev/null && echo unshare; chroot / true 2>/dev/null && echo chroot; echo end",
    );
    expect(said).toBe("end\n");
  });

  it("has no capability, and gains none", async () => {
    const status = await says("cat /proc/self/status");
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).toMatch(/^CapPrm:\s+0+$/m);
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
  });

  it("has no terminal", async () => {
    expect(await says("(: </dev/tty) 2>/dev/null || echo none")).toBe("none\n");
  });

  it("cannot write outside through links it makes", async () => {
    const outside = join(ground.scratch, "..", "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "file"), "before");
    await says(
      `ln -s ${outside} out; ln -s ${outside}/file f; echo after >f; echo after >out/file; mkdir -p out/made; ln -s /proc/1/root/etc/passwd p; echo x >p`,
    );
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("before");
    expect(readdirSync(outside)).toEqual(["file"]);
  });

  it("cannot walk out of a folder that is moved while it is in it", async () => {
    expect(
      await says(
        "mkdir -p a/b; cd a/b; mv ../../a/b /tmp/b 2>/dev/null; cd ../../../../../../..; ls -d root work home/cnb 2>/dev/null; pwd -P",
      ),
    ).toBe("home/cnb\n/\n");
  });

  it("has its name resolved, and a name on every machine", async () => {
    expect(await says("getent hosts $(hostname) >/dev/null && echo known")).toBe("known\n");
  });

  it("keeps what it writes in /tmp to itself", async () => {
    expect(await says("echo x >/tmp/plinth-was-here; ls /tmp")).toBe("plinth-was-here\n");
    expect(existsSync("/tmp/plinth-was-here")).toBe(false);
    expect(await says("ls /tmp; stat -c %a /tmp")).toBe("plinth-was-here\n1777\n");
  });

  it("has the devices programs expect", async () => {
    expect(
      await says(
        "head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo x >/dev/null; echo x >/dev/shm/x && cat /dev/shm/x; (echo x >/dev/full) 2>/dev/null || echo full; ls /dev/fd/0",
      ),
    ).toBe("3\n3\nx\nfull\n/dev/fd/0\n");
  });

  it("dies with us", async () => {
    using pulse = pulseIn(ground);
    const module = (name: string) => JSON.stringify(join(process.cwd(), "src/sandbox", name));
    const backend = subject.title.includes("unshare") ? "unshare" : "bubblewrap({ nested: false })";
    const program = `
      import { namespaceOver } from ${module("namespace.ts")};
      import { bubblewrap } from ${module("bubblewrap.ts")};
      import { unshare } from ${module("unshare.ts")};
      const [open, scratch] = process.argv.slice(-2);
      const sandbox = await namespaceOver([${backend}]).open({
        root: { kind: "machine" }, user: { uid: 1000, gid: 1000 }, network: "host", scratch,
        mounts: [{ host: open, guest: "/layers", access: "rw" }],
      });
      const script = "${pulse.hold} (setsid sleep 1000 &); echo ready; sleep 1000";
      await sandbox.run({ argv: ["/bin/sh", "-c", script], cwd: "/layers", env: { PATH: "${PATH}" } }, (chunk) => process.stdout.write(chunk));
    `;
    const argv = ["--import", "tsx", "--input-type=module", "--eval", program, "--", ground.open, ground.scratch];
    const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    expect(pulse.isFlat()).toBe(false);
    child.kill("SIGKILL");
    await once(child, "exit");
    await expect.poll(() => pulse.isFlat(), { timeout: 20_000 }).toBe(true);
  });
});

describe.each(isolating)("the surroundings of $title", (subject) => {
  beforeEach((test) => require(subject, test));

  it("give a job the ids that are asked for", async () => {
    for (const user of [
      { uid: 0, gid: 0 },
      { uid: 4321, gid: 1234 },
      { uid: 65534, gid: 65534 },
    ]) {
      await using ground = await groundOf(subject, { user });
      expect(
        (
          await ground.sh(
            "echo $(id -u):$(id -g); id -un >/dev/null && echo named; touch $(getent passwd $(id -u) | cut -d: -f6)/x && echo home",
          )
        ).said,
      ).toBe(`${user.uid}:${user.gid}\nnamed\nhome\n`);
    }
  });

  it("give root in a sandbox no more power", async () => {
    await using ground = await groundOf(subject, { user: { uid: 0, gid: 0 } });
    writeFileSync(join(ground.closed, "file"), "before");
    const { said } = await ground.sh(
      "mkdir c; chroot . /c 2>/dev/null; perl -e 'mkdir q{jail}; chroot q{jail}; chdir q{..} for 1..20; chroot q{.}; print qq{escaped\\n} if -e q{/proc/1} && -e q{" +
        ground.scratch +
        "}'; (: >>/proc/sys/kernel/core_pattern) 2>/dev/null && echo switch; umount /platform 2>/dev/null && echo umount; mount -o remount,bind,rw /platform 2>/dev/null && echo remount; umount /etc/shadow 2>/dev/null && echo uncovered; unshare -m true 2>/dev/null && echo unshare; echo end",
    );
    expect(said).toBe("end\n");
  });

  it("keep a job from the network", async () => {
    await using ground = await groundOf(subject, { network: "none" });
    expect((await ground.sh("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).said).toBe("lo\n");
  });

  it("let a job use the host's network", async () => {
    const server = createServer((socket) => socket.end("hello\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = server.address();
      const port = typeof address === "object" ? address?.port : undefined;
      await using ground = await groundOf(subject);
      const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`;
      const job = { argv: ["/bin/bash", "-c", script] as [string, ...string[]], cwd: guestPath("/"), env: { PATH } };
      expect((await run(ground.sandbox, job)).said).toBe("hello\n");
      expect((await ground.sh("cat /etc/resolv.conf")).said).toBe(readFileSync("/etc/resolv.conf", "utf8"));
    } finally {
      server.close();
    }
  });

  it("are refused when there is nothing to mount, and nothing is left behind", async () => {
    await using place = await groundOf(subject);
    const before = place.remains();
    const host = hostPath(join(place.open, "missing"));
    const mounts = [{ host, guest: guestPath("/x"), access: "ro" as const }];
    const surroundings = { root: { kind: "machine" }, user: { uid: 1, gid: 1 }, network: "host" } as const;
    await expect(subject.kind.open({ ...surroundings, mounts, scratch: place.scratch })).rejects.toMatchObject({
      message: `Cannot open sandbox: there is nothing at ${host} to show as /x`,
    });
    expect(place.remains()).toEqual(before);
  });

  it("show mounts wherever they are asked for", async () => {
    await using ground = await groundOf(subject, {
      mounts: [
        { host: hostPath(join(process.cwd(), "src")), guest: guestPath("/deep/in a/new place"), access: "ro" },
        { host: hostPath(join(process.cwd(), "package.json")), guest: guestPath("/deep/file.json"), access: "ro" },
        { host: hostPath(join(process.cwd(), "src")), guest: guestPath("/usr/local/of/our/own"), access: "ro" },
        { host: hostPath(join(process.cwd(), "package.json")), guest: guestPath("/lib/of-our-own.json"), access: "ro" },
      ],
    });
    const { said } = await ground.sh(
      "ls -d '/deep/in a/new place/sandbox' /usr/local/of/our/own/sandbox; head -c 1 /deep/file.json; head -c 1 /lib/of-our-own.json; ls /usr/local/bin >/dev/null && [ -x /usr/bin/env ] && echo complete",
    );
    expect(said).toBe("/deep/in a/new place/sandbox\n/usr/local/of/our/own/sandbox\n{{complete\n");
    expect(existsSync("/usr/local/of")).toBe(false);
  });

  /** A root of links and empty folders into which the machine's /usr is mounted. */
  const imageIn = (ground: Ground) => {
    const image = hostPath(join(ground.scratch, "..", "image"));
    for (const name of ["usr", "etc", "real"]) mkdirSync(join(image, name), { recursive: true });
    for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(image, name));
    symlinkSync("/real", join(image, "alias"));
    writeFileSync(join(image, "etc/passwd"), "app:x:7:8::/app:/bin/sh");
    writeFileSync(join(image, "real/file"), "of the image");
    return image;
  };
  const usr = { host: hostPath("/usr"), guest: guestPath("/usr"), access: "ro" as const };

  it("can be an unpacked image nobody writes to", async () => {
    await using place = await groundOf(subject);
    const path = imageIn(place);
    const before = execFileSync("find", [path], { encoding: "utf8" });
    await using ground = await groundOf(subject, {
      root: { kind: "directory", path, access: "ro" },
      mounts: [usr],
    });
    const { said } = await ground.sh(
      "id -un; grep -c . /etc/passwd; cat /alias/file; touch /new /etc/new /real/new 2>/dev/null; touch /tmp/x ~cnb/x x && echo open; ls /; ls /root 2>/dev/null",
    );
    expect(said).toBe(
      "cnb\n2\nof the imageopen\nalias\nbin\ndev\netc\nhome\nlayers\nlib\nlib64\nplatform\nproc\nreal\nsbin\ntmp\nusr\nvar\n",
    );
    expect(execFileSync("find", [path], { encoding: "utf8" })).toBe(before);
  });

  it("can be an unpacked image for writing", async () => {
    await using place = await groundOf(subject);
    const path = imageIn(place);
    const user = { uid: 7, gid: 8 };
    await using ground = await groundOf(subject, {
      root: { kind: "directory", path, access: "rw" },
      mounts: [usr],
      user,
    });
    const { said } = await ground.sh("id -un; echo ~app; touch ~app/x; echo changed >/alias/file; echo new >/etc/new");
    expect(said).toBe("app\n/app\n");
    expect(readFileSync(join(path, "real/file"), "utf8")).toBe("changed\n");
    expect(readFileSync(join(path, "etc/new"), "utf8")).toBe("new\n");
  });

  it("mount upon what a link of the image leads to, inside the image", async () => {
    await using place = await groundOf(subject);
    const path = imageIn(place);
    const source = hostPath(join(process.cwd(), "src/sandbox"));
    const mounts = [usr, { host: source, guest: guestPath("/alias/deeper"), access: "ro" as const }];
    await using ground = await groundOf(subject, { root: { kind: "directory", path, access: "ro" }, mounts });
    expect((await ground.sh("ls /real/deeper/contract.ts; cat /real/file")).said).toBe(
      "/real/deeper/contract.ts\nof the image",
    );
    expect(existsSync("/real")).toBe(false);
  });
});
