import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, describe, expect, it } from "vitest";
import { hostPath } from "../../../src/std/path.ts";
import { removeTree } from "../../../src/std/remove.ts";
import { groundOf, pulseIn } from "./ground.ts";
import { containerIn, isolating, require, type Subject } from "./kind.ts";

const container = containerIn("Docker", { copies: false });
const all: readonly Subject[] = [...isolating, container];

const base = realpathSync(mkdtempSync(join(tmpdir(), "sandbox-safety-")));
afterAll(() => removeTree(base));

const from = (name: string) => JSON.stringify(join(process.cwd(), "src", name));

/** The words of a program that make the subject's kind, and what it is opened with. */
async function wordsFor(
  subject: Subject,
  test: { skip(note?: string): never },
): Promise<{ kind: string; more: string }> {
  if (subject === container) {
    const { address } = await container.engine(test);
    return {
      kind: `dockerOver(() => connect(${JSON.stringify(address)}))`,
      more: `root: { kind: "image", layers: [], inEngine: async () => "jobs" }, user: { uid: process.getuid(), gid: process.getgid() }`,
    };
  }
  const backend = subject.title.includes("unshare") ? "unshare" : "bubblewrap({ nested: false })";
  return { kind: `namespaceOver([${backend}])`, more: `root: { kind: "machine" }, user: { uid: 1000, gid: 1000 }` };
}

describe.each(all)("who looks for secrets in $title", (subject) => {
  it("finds none: not in its environment, in files, in open descriptors, in sockets, nor in other processes", async (test) => {
    await require(subject, test);
    const home = mkdtempSync(join(base, "home-"));
    const secret = `planted-${process.pid}-secret`;
    mkdirSync(join(home, ".docker"));
    mkdirSync(join(home, "open"), { mode: 0o755 });
    for (const name of [".docker/config.json", ".npmrc", ".netrc", "inherited"])
      writeFileSync(join(home, name), secret);
    const server = createServer((socket) => socket.end(secret));
    await new Promise<void>((resolve) => server.listen(join(home, "docker.sock"), resolve));
    const { kind, more } = await wordsFor(subject, test);
    const job = `
      env
      cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'
      for fd in /proc/[0-9]*/fd/*; do [ -d "$fd" ] && ls -A "$fd/" "$fd/.." 2>/dev/null; readlink "$fd"; done
      for name in .docker .npmrc .netrc inherited docker.sock; do [ -e "${home}/$name" ] && echo "there is $name"; done
      for place in / /home /root /tmp /run /var /mnt /srv /opt /layers; do ls -A $place; done 2>/dev/null
      find /home /root /tmp /run /var /mnt /srv /opt /layers /dev -type s 2>/dev/null
      grep -rsl ${secret.replace("planted", "plan[t]ed")} /etc /home /root /tmp /run /var /mnt /srv /opt /layers 2>/dev/null
      echo searched
    `;
    // As a file: a command line would be found, with all that it names.
    writeFileSync(join(home, "open/search"), job);
    const program = `
      import { dockerOver } from ${from("sandbox/docker/docker.ts")};
      import { connect } from ${from("store/daemon/connect.ts")};
      import { namespaceOver } from ${from("sandbox/namespace.ts")};
      import { bubblewrap } from ${from("sandbox/bubblewrap.ts")};
      import { unshare } from ${from("sandbox/unshare.ts")};
      const sandbox = await (${kind}).open({ ${more}, network: "none",
        mounts: [{ host: ${JSON.stringify(join(home, "open"))}, guest: "/layers", access: "rw" }] });
      const job = { argv: ["/bin/sh", "/layers/search"], cwd: "/", env: { PATH: "/usr/bin:/bin" } };
      const exit = await sandbox.run(job, (chunk) => process.stdout.write(chunk));
      await sandbox[Symbol.asyncDispose]();
    `;
    const node = [process.execPath, "--import", import.meta.resolve("tsx"), "--input-type=module", "--eval", program];
    const child = spawn("/bin/sh", ["-c", `exec 7<${home}/inherited 8<${home}; exec "$@"`, "sh", ...node], {
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        HOME: home,
        TMPDIR: home,
        DOCKER_HOST: `unix://${home}/docker.sock`,
        CNB_REGISTRY_AUTH: secret,
        NPM_TOKEN: secret,
        AWS_SECRET_ACCESS_KEY: secret,
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = await Promise.all([text(child.stdout), once(child, "exit")]);
    server.close();
    expect(said).toMatch(/searched\n$/);
    expect(said).not.toContain(secret);
    expect(said).not.toMatch(
      /DOCKER_HOST|CNB_REGISTRY_AUTH|TOKEN|AWS_|there is|docker\.sock|config\.json|inherited|npmrc/,
    );
  }, 60_000);
});

describe.each(all)("a hostile job in $title", (subject) => {
  it("forks, doubles, hides and ignores signals, and is gone when it is aborted", async (test) => {
    await require(subject, test);
    await using ground = await groundOf(subject);
    using pulse = pulseIn(ground);
    const bomb = `
      ${pulse.hold}
      trap '' TERM HUP INT QUIT
      spread() {
        [ $1 -eq 0 ] && while :; do sleep 1000; done
        (spread $(($1 - 1))) & (setsid sh -c 'trap "" TERM HUP; while :; do sleep 1000; done' &) ; spread $(($1 - 1))
      }
      (sleep 1; echo ready) &
      spread 5
    `;
    const abort = new AbortController();
    const job = {
      argv: ["/bin/sh", "-c", bomb] as [string, ...string[]],
      cwd: ground.guest.open,
      env: { PATH: "/usr/bin:/bin" },
    };
    await expect(ground.sandbox.run(job, () => abort.abort(new Error("enough")), abort.signal)).rejects.toThrow(
      "enough",
    );
    expect(pulse.isFlat()).toBe(true);
    expect((await ground.sh("echo still usable")).said).toBe("still usable\n");
  });

  it("leaves links, pipes, devices, setuid files and closed directories, and harms nobody", async (test) => {
    await require(subject, test);
    const outside = mkdtempSync(join(base, "outside-"));
    writeFileSync(join(outside, "file"), "before");
    let place: string;
    {
      await using ground = await groundOf(subject);
      place = join(ground.open, "..");
      symlinkSync(outside, join(ground.open, "given"));
      const { said } = await ground.sh(`
        (echo after >given/file) 2>/dev/null; (: >given/new) 2>/dev/null
        ln -s ${outside} out; (echo after >out/file) 2>/dev/null; (rm -rf out/file given/file) 2>/dev/null
        ln -s /proc/1/root${outside} proc; (echo after >proc/file) 2>/dev/null
        ln -s /proc/1/cwd cwd; ln -s /dev/fd/0 fd
        mkfifo pipe
        mknod disk b 8 0 2>/dev/null && echo "made a device"
        mknod memory c 1 1 2>/dev/null && echo "made a device"
        printf '#!/bin/sh\\nid -u\\n' >setuid; chmod 6755 setuid
        mkdir -p closed/deep/er; echo x >closed/deep/file; chmod 0 closed/deep closed
        mkdir -p /tmp/closed/deep && chmod 0 /tmp/closed
        deep=.; for i in 1 2 3 4 5 6 7 8 9; do deep=$deep/$(printf 'long-name-%0200d' $i); done; mkdir -p $deep
        echo done
      `);
      expect(said).toBe("done\n");
      for (const name of readdirSync(ground.open)) {
        const found = lstatSync(join(ground.open, name));
        expect({ name, device: found.isBlockDevice() || (found.isCharacterDevice() && found.rdev !== 0) }).toEqual({
          name,
          device: false,
        });
      }
    }
    expect(existsSync(place)).toBe(false);
    expect(readdirSync(outside)).toEqual(["file"]);
    expect(readFileSync(join(outside, "file"), "utf8")).toBe("before");
  });

  it("fills its disk, and the room is there again afterwards", async (test) => {
    await require(subject, test);
    if (process.getuid?.() !== 0) return test.skip("only root may mount a small disk");
    const disk = mkdtempSync(join(base, "disk-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk]);
    try {
      const free = () => statfsSync(disk).bavail;
      const [before] = [free()];
      const place = (name: string) => {
        mkdirSync(join(disk, name), { mode: 0o755 });
        return hostPath(join(disk, name));
      };
      const mounts = [{ host: place("filled"), guest: "/filled" as never, access: "rw" as const }];
      {
        await using ground = await groundOf(subject, { mounts, scratch: place("scratch") });
        const { exit, said } = await ground.sh("head -c 64000000 /dev/zero >/filled/big || echo full; rm /filled/big");
        expect({ exit, said: said.includes("full") }).toEqual({ exit: { kind: "exited", code: 0 }, said: true });
        expect((await ground.sh("echo small >/filled/small; cat /filled/small")).said).toBe("small\n");
      }
      await removeTree(join(disk, "filled"));
      await removeTree(join(disk, "scratch"));
      expect(free()).toBeGreaterThanOrEqual(before - 2);
    } finally {
      execFileSync("umount", [disk]);
    }
  });

  it("has no network with none: not even this machine's own services", async (test) => {
    await require(subject, test);
    const server = createServer((socket) => socket.end("hello\n"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const abstract = createServer((socket) => socket.end("hello\n"));
    const name = `\0plinth-test-${process.pid}-${subject.title}`;
    await new Promise<void>((resolve) => abstract.listen(name, resolve));
    try {
      await using ground = await groundOf(subject, { network: "none" });
      const script = `(exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3) 2>/dev/null; tail -n +3 /proc/net/dev | while read -r device rest; do echo "$device"; done; grep -c plinth-test /proc/net/unix`;
      const { said } = await ground.sh("", { argv: ["/bin/bash", "-c", script] });
      expect(said).toBe("lo:\n0\n");
    } finally {
      server.close();
      abstract.close();
    }
  });
});
