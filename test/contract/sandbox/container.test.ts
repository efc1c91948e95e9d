import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { dockerOver } from "../../../src/sandbox/docker/docker.ts";
import { removeOrphans } from "../../../src/sandbox/docker/owner.ts";
import { guestPath, hostPath } from "../../../src/std/path.ts";
import { connect } from "../../../src/store/daemon/connect.ts";
import { groundOf } from "./ground.ts";
import { containerIn, require } from "./kind.ts";

const docker = containerIn("Docker", { copies: true });
const podman = containerIn("Podman", { copies: true });

const rows = (text: string) => text.split("\n").filter(Boolean);

describe.each([docker, podman])("copies of mounts in $title", (subject) => {
  it("go there before a job and come back after it, with modes, links and what was removed", async (test) => {
    await require(subject, test);
    const { client } = await subject.engine(test);
    {
      await using ground = await groundOf(subject);
      const { open, closed } = ground;
      mkdirSync(join(open, "kept/deep"), { recursive: true });
      writeFileSync(join(open, "kept/tool"), "#!/bin/sh\necho tool says $1\n", { mode: 0o755 });
      writeFileSync(join(open, "gone"), "x");
      writeFileSync(join(open, ".hidden"), "hidden");
      symlinkSync("kept/tool", join(open, "link"));
      writeFileSync(join(closed, "file"), "before");
      const first = await ground.sh(
        "id -u; id -g; ./link hello; rm -r gone .hidden; mkdir -p new/dir; echo text >new/dir/file; chmod 640 new/dir/file; ln -s ../kept new/kept; ln new/dir/file new/hard; (echo x >>/platform/file) 2>/dev/null; cat /platform/file; env",
      );
      expect(first.exit).toEqual({ kind: "exited", code: 0 });
      expect(rows(first.said)).toEqual([
        "1000",
        "1000",
        "tool says hello",
        "beforePATH=/usr/local/bin:/usr/bin:/bin",
        "PWD=/layers",
      ]);
      expect(readdirSync(open).sort()).toEqual(["kept", "link", "new"]);
      expect(readFileSync(join(open, "new/dir/file"), "utf8")).toBe("text\n");
      expect(readlinkSync(join(open, "new/kept"))).toBe("../kept");
      expect(lstatSync(join(open, "new/dir/file")).mode & 0o777).toBe(0o640);
      expect(lstatSync(join(open, "kept/tool")).mode & 0o777).toBe(0o755);
      expect(readlinkSync(join(open, "link"))).toBe("kept/tool");
      expect(lstatSync(join(open, "new/hard")).ino).toBe(lstatSync(join(open, "new/dir/file")).ino);
      expect(readFileSync(join(closed, "file"), "utf8")).toBe("before");

      const untouched = lstatSync(join(open, "new/dir/file"));
      await ground.sh("echo more >one-more; rm link");
      expect(lstatSync(join(open, "new/dir/file"))).toMatchObject({ ino: untouched.ino, ctimeMs: untouched.ctimeMs });
      expect(readdirSync(open).sort()).toEqual(["kept", "new", "one-more"]);
      await ground.sh("rm one-more; ln -s kept/tool link");

      writeFileSync(join(open, "kept/more"), "more");
      writeFileSync(join(closed, "late"), "late");
      const second = await ground.sh("ls; cat kept/more /platform/late; echo changed >kept/tool");
      expect(second.said).toBe("kept\nlink\nnew\nmorelate");
      expect(readFileSync(join(open, "kept/tool"), "utf8")).toBe("changed\n");
      expect(client("ps", "-q")).not.toBe("");
    }
    expect(client("ps", "-aq")).toBe("");
    expect(client("volume", "ls", "-q")).toBe("");
  });

  it("give a user the image does not know a name, and bring links and pipes back as such", async (test) => {
    await require(subject, test);
    await using ground = await groundOf(subject, { user: { uid: 4321, gid: 4322 } });
    const { said } = await ground.sh("id -un; id -gn; ln -s /etc etc; mkfifo pipe; ls -l");
    expect(rows(said).slice(0, 2)).toEqual(["cnb", "cnb"]);
    expect(readlinkSync(join(ground.open, "etc"))).toBe("/etc");
    expect(lstatSync(join(ground.open, "pipe")).isFIFO()).toBe(true);
  });
});

describe("the containers of a sandbox", () => {
  it("see no network with none, and only what is asked for of memory and cores", async (test) => {
    await require(docker, test);
    const { client, address } = await docker.engine(test);
    const kind = dockerOver(() => connect(address), { memory: 64 * 1024 ** 2, cpus: 0.5 });
    await using ground = await groundOf({ ...docker, kind }, { network: "none" });
    expect((await ground.sh("tail -n +3 /proc/net/dev")).said).toMatch(/^\s*lo:.*\n$/);
    const [id = ""] = rows(client("ps", "-q"));
    const { HostConfig } = JSON.parse(client("inspect", id))[0];
    expect(HostConfig).toMatchObject({ Memory: 64 * 1024 ** 2, NanoCpus: 5e8, NetworkMode: "none", Privileged: false });
    expect(HostConfig.CapDrop).toEqual(["ALL"]);
  });

  it("are made for a network of the engine by its name, which must be there", async (test) => {
    await require(docker, test);
    const opening = groundOf(docker, { network: "no-such-network" });
    await expect(opening).rejects.toMatchObject({
      code: "sandbox.docker",
      message: expect.stringMatching(/^Cannot start a container at unix:.*no-such-network/),
    });
    expect((await docker.engine(test)).client("ps", "-aq")).toBe("");
  });

  it("are not made without an image, or where the image is not in the engine", async (test) => {
    await require(docker, test);
    await expect(groundOf(docker, { root: { kind: "machine" } })).rejects.toMatchObject({
      code: "sandbox.docker",
      hint: "name a builder image with --builder",
    });
    const gone = { kind: "image", layers: [], inEngine: async () => "nothing/of-this-name" } as const;
    await expect(groundOf(docker, { root: gone })).rejects.toMatchObject({ code: "sandbox.image" });
  });

  it("end with us, however we end", async (test) => {
    await require(docker, test);
    const { client, address } = await docker.engine(test);
    const path = (name: string) => JSON.stringify(join(process.cwd(), "src", name));
    const program = `
      import { dockerOver } from ${path("sandbox/docker/docker.ts")};
      import { connect } from ${path("store/daemon/connect.ts")};
      const sandbox = await dockerOver(() => connect(${JSON.stringify(address)})).open({
        root: { kind: "image", layers: [], inEngine: async () => "jobs" },
        mounts: [], user: { uid: 1000, gid: 1000 }, network: "none",
      });
      const job = { argv: ["/bin/sh", "-c", "echo ready; sleep 1000"], cwd: "/", env: { PATH: "/usr/bin" } };
      await sandbox.run(job, (chunk) => process.stdout.write(chunk));
    `;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    expect(rows(client("ps", "-q"))).toHaveLength(1);
    child.kill("SIGKILL");
    await once(child, "exit");
    await expect.poll(() => client("ps", "-aq"), { timeout: 30_000 }).toBe("");
  });

  it("are swept up when whoever made them is gone, and only then", async (test) => {
    await require(docker, test);
    const { client, address } = await docker.engine(test);
    await using _ground = await groundOf(docker);
    const [living = ""] = rows(client("ps", "-q"));
    const label = JSON.parse(client("inspect", "--format", "{{json .Config.Labels}}", living))["io.plinth.sandbox"];
    const run = (owner: string) =>
      client("run", "-d", "--network", "none", "--label", `io.plinth.sandbox=${owner}`, "jobs", "sleep", "1000").slice(
        0,
        12,
      );
    const orphan = run(label.replace(/\d+ \d+$/, "4194000 1"));
    const stranger = run("another-machine pid:[1] 4194000 1");
    using engine = await connect(address);
    await removeOrphans(engine);
    expect(rows(client("ps", "-q")).sort()).toEqual([living, stranger].sort());
    expect(rows(client("ps", "-aq"))).not.toContain(orphan);
    client("rm", "-f", stranger);
  });

  it("show a volume of one file, and where this machine has what is mounted", async (test) => {
    await require(docker, test);
    await using place = await groundOf(docker);
    const file = hostPath(join(place.open, "one"));
    writeFileSync(file, "one");
    const mounts = [{ host: file, guest: guestPath("/etc/deep/one"), access: "rw" as const }];
    await using ground = await groundOf(docker, { mounts });
    expect((await ground.sh("cat /etc/deep/one; echo two >/etc/deep/one")).said).toBe("one");
    expect(readFileSync(file, "utf8")).toBe("two\n");
    expect(ground.sandbox.see(guestPath("/layers/x"))).toBe(join(ground.open, "x"));
    expect(() => ground.sandbox.see(guestPath("/etc/passwd"))).toThrow("nothing of this machine is mounted there");
    expect(existsSync(ground.scratch)).toBe(true);
  });
});
