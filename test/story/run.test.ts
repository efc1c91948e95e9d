import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunOptions, run } from "../../src/run.ts";
import { removeTree } from "../../src/std/remove.ts";
import { isolating, require } from "../contract/sandbox/kind.ts";
import { writeMachineImage } from "../support/machine-image.ts";

let home = "";
const env = [`PATH=/usr/bin`, "FROM_IMAGE=yes", "ODD.name=a=b"];

beforeAll(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "run-test-")));
  await writeMachineImage(home, "app", {
    config: {
      Env: env,
      Entrypoint: ["/bin/sh", "-c"],
      Cmd: ["echo from the image"],
      User: "cnb",
      WorkingDir: "/workspace",
    },
    files: { "/workspace/file": "of the image", "/etc/resolv.conf": "-> ../run/nowhere/resolv.conf" },
  });
});
afterAll(() => removeTree(home));

describe.each(isolating)("a run in $title", (subject) => {
  const { kind } = subject;
  beforeEach((test) => require(subject, test));

  /** Runs a script in the image and gives back the exit code and all it said. */
  async function sh(script: string, more: Partial<RunOptions> = {}) {
    let said = "";
    const options: RunOptions = {
      image: "app",
      home,
      stdin: "ignore",
      args: [script],
      onOutput: (chunk) => {
        said += Buffer.from(chunk).toString();
      },
      ...more,
    };
    const report = await run(options, kind);
    return { code: report.exitCode, said };
  }

  it("starts what the image says, as the image says", async () => {
    expect(await sh("", { args: [] })).toEqual({ code: 0, said: "from the image\n" });
    const { said } = await sh("id -u; id -g; pwd; echo $HOME $FROM_IMAGE; cat file");
    expect(said).toBe("1000\n1001\n/workspace\n/home/cnb yes\nof the image");
  });

  it("gives the program the image's environment and the caller's over it, and nothing else", async () => {
    const wanted = { FROM_IMAGE: "no", EXTRA: "new\nline" };
    const { said } = await sh("", {
      entrypoint: "/bin/cat",
      args: ["/proc/self/environ"],
      workdir: "/",
      env: wanted,
    });
    expect(said.split("\0").filter(Boolean).sort()).toEqual(
      ["EXTRA=new\nline", "FROM_IMAGE=no", "HOME=/home/cnb", "ODD.name=a=b", "PATH=/usr/bin"].sort(),
    );
  });

  it.each([0, 1, 42, 126, 127, 255])("ends with the program's exit code %i", async (code) => {
    expect((await sh(`exit ${code}`)).code).toBe(code);
  });

  it.each([
    ["TERM", 143],
    ["KILL", 137],
    ["INT", 130],
  ])("ends with 128 plus the number when SIG%s ends the program", async (name, code) => {
    expect((await sh(`kill -s ${name} $$; sleep 60`)).code).toBe(code);
  });

  it("throws the program's changes away, and leaves nothing behind", async () => {
    const { said } = await sh(
      "echo changed >file; rm -rf /home/cnb; echo x >/new 2>/dev/null || echo x >/tmp/new; cat file",
    );
    expect(said).toBe("changed\n");
    expect((await sh("cat file; ls -d /home/cnb; ls /new /tmp 2>/dev/null")).said).toBe(
      "of the image/home/cnb\n/tmp:\n",
    );
    expect(readdirSync(join(home, "work"))).toEqual([]);
  });

  it("keeps two runs of one image apart", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    server.close();
    const both = await Promise.all(["a", "b"].map((name) => sh(`echo ${name} >file; cat file`)));
    expect(both.map(({ said }) => said)).toEqual(["a\n", "b\n"]);
  });

  it("unpacks an image once, even when two runs begin at once", async () => {
    await writeMachineImage(home, "twice", { config: { Env: env, Cmd: ["/bin/sh", "-c", "echo here"] } });
    const both = await Promise.all([1, 2].map(() => sh("", { image: "twice", args: [] })));
    expect(both).toEqual([
      { code: 0, said: "here\n" },
      { code: 0, said: "here\n" },
    ]);
    expect(readdirSync(join(home, "layers")).filter((name) => name.startsWith("."))).toEqual([]);
  });

  it("shows files and directories of this machine", async () => {
    const shared = mkdtempSync(join(home, "shared-"));
    writeFileSync(join(shared, "in"), "from the host");
    const volumes = [
      { host: shared, guest: "/data", access: "rw" as const },
      { host: shared, guest: "/deep/closed", access: "ro" as const },
      { host: join(shared, "in"), guest: "/workspace/one-file", access: "ro" as const },
    ];
    const { said } = await sh(
      "cat /data/in one-file; echo out >/data/out; touch /deep/closed/x 2>/dev/null || echo closed",
      { volumes },
    );
    expect(said).toBe("from the hostfrom the hostclosed\n");
    expect(readFileSync(join(shared, "out"), "utf8")).toBe("out\n");
  });

  it("shares the host's network and its name resolution, unless it is to have none", async () => {
    const server = createServer((socket) => socket.end("hello\n")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port} && cat <&3`;
    const options = { entrypoint: "/bin/bash", args: ["-c", script] };
    expect((await sh("", options)).said).toBe("hello\n");
    expect((await sh("", { ...options, network: "none" })).code).not.toBe(0);
    server.close();
    expect((await sh("cat /etc/resolv.conf /etc/hosts")).said).toBe(
      readFileSync("/etc/resolv.conf", "utf8") + readFileSync("/etc/hosts", "utf8"),
    );
  });

  it("sees nothing else of this machine", async () => {
    expect((await sh(`ls -d ${home} /root/.ssh /work /sys/kernel /run/docker.sock 2>/dev/null; ls /home`)).said).toBe(
      "cnb\n",
    );
    expect(
      (
        await sh(
          "(: >>/proc/sys/kernel/core_pattern) 2>/dev/null && echo open; touch /etc/resolv.conf 2>/dev/null; echo end",
        )
      ).said,
    ).toBe("end\n");
  });

  it("runs as the user that is asked for", async () => {
    const ids = async (user: string) =>
      (await sh("echo $(id -u):$(id -g) $(id -un 2>/dev/null)", { user })).said.trim();
    expect(await ids("root")).toBe("0:0 root");
    expect(await ids("1000:wheel")).toBe("1000:10 cnb");
    expect(await ids("4711:12")).toBe("4711:12 cnb");
    await expect(sh("true", { user: "nobody-here" })).rejects.toMatchObject({
      message: "Cannot start app: it has no user nobody-here",
    });
  });

  describe("that is interrupted", () => {
    it("passes the signal on and waits for the program to end", async () => {
      const signals = new EventEmitter();
      const script = "trap 'echo cleaning; exit 7' INT; echo ready; while :; do sleep 0.05; done";
      let said = "";
      const report = await run(
        {
          image: "app",
          home,
          stdin: "ignore",
          args: [script],
          signals,
          onOutput: (chunk) => {
            said += Buffer.from(chunk).toString();
            if (said === "ready\n") signals.emit("SIGINT", "SIGINT");
          },
        },
        kind,
      );
      expect({ code: report.exitCode, said }).toEqual({ code: 7, said: "ready\ncleaning\n" });
      expect(signals.eventNames()).toEqual([]);
    });

    it("stops while the image is still being unpacked", async () => {
      const name = `slow-${subject.title.length}`;
      await writeMachineImage(home, name, { config: { Env: env, Cmd: ["/bin/sh"] }, files: { [`/${name}`]: "" } });
      const signals = new EventEmitter();
      const report = await run(
        {
          image: name,
          home,
          stdin: "ignore",
          args: ["/bin/touch", "/tmp/started"],
          signals,
          onEvent: (event) => void (event.type === "progress" && signals.emit("SIGINT", "SIGINT")),
        },
        kind,
      );
      expect(report).toEqual({ exitCode: 130 });
      expect(readdirSync(join(home, "work"))).toEqual([]);
      expect(signals.eventNames()).toEqual([]);
    });

    it("ends a program that does nothing about it", async () => {
      const signals = new EventEmitter();
      const options = { image: "app", home, stdin: "ignore", args: ["sleep 1000"], signals } as const;
      const running = run({ ...options, onOutput: () => {} }, kind);
      while (signals.listenerCount("SIGTERM") === 0) await new Promise((resolve) => setImmediate(resolve));
      // At once, so that it comes before the program has begun.
      signals.emit("SIGTERM", "SIGTERM");
      expect((await running).exitCode).toBe(143);
    });

    it("asks the program to end when it is aborted, and rejects with the reason", async () => {
      const abort = new AbortController();
      const reason = new Error("enough");
      let said = "";
      const options: RunOptions = {
        image: "app",
        home,
        stdin: "ignore",
        args: ["trap 'echo cleaning; exit 0' TERM; echo ready; while :; do sleep 0.05; done"],
        signal: abort.signal,
        onOutput: (chunk) => {
          said += Buffer.from(chunk).toString();
          abort.abort(reason);
        },
      };
      const running = run(options, kind);
      await expect(running).rejects.toBe(reason);
      expect(said).toBe("ready\ncleaning\n");
      expect(readdirSync(join(home, "work"))).toEqual([]);
    });

    it("leaves nothing running when we are killed, and the next run clears up", async () => {
      const program = `
        import { run } from ${JSON.stringify(join(process.cwd(), "src/run.ts"))};
        await run({ image: "app", home: process.argv.at(-1), stdin: "ignore", args: ["echo ready; exec sleep 1000"],
          volumes: [{ host: process.argv.at(-1), guest: "/home-of-ours", access: "ro" }] });
      `;
      const argv = ["--import", "tsx", "--input-type=module", "--eval", program, "--", home];
      const child = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
      await once(child.stdout, "data");
      child.kill("SIGKILL");
      // The pipe ends with the last process that could write to it: the program itself.
      child.stdout.resume();
      await once(child.stdout, "end");
      expect(readdirSync(join(home, "work"))).toHaveLength(1);
      await sh("true");
      expect(readdirSync(join(home, "work"))).toEqual([]);
    });
  });

  describe("that cannot begin", () => {
    it("says that there is no such image", async () => {
      await expect(sh("true", { image: "nowhere" })).rejects.toMatchObject({
        code: "run.missing",
        message: "Cannot run nowhere: there is no such image",
      });
    });

    it("says that the image is for another machine", async () => {
      await writeMachineImage(home, "foreign", { architecture: "s390x" });
      await expect(sh("true", { image: "foreign" })).rejects.toMatchObject({ code: "run.platform" });
    });

    it("says what is missing", async () => {
      const because = (more: Partial<RunOptions>) =>
        sh("true", more).then(
          () => "started",
          (error: Error) => error.message,
        );
      expect(await because({ entrypoint: "/no/such" })).toBe("Cannot start app: /no/such does not exist");
      expect(await because({ entrypoint: "no-such" })).toBe("Cannot start app: no-such is not on its PATH (/usr/bin)");
      expect(await because({ workdir: "/nowhere" })).toBe(
        "Cannot start app: there is no directory /nowhere to run it in",
      );
      expect(await because({ volumes: [{ host: "/no/such", guest: "/x", access: "ro" }] })).toBe(
        "Cannot mount /no/such: there is nothing at this path",
      );
      await writeMachineImage(home, "empty", {});
      expect(await because({ image: "empty", args: [] })).toBe("Cannot start empty: it names no program");
      expect(readdirSync(join(home, "work"))).toEqual([]);
    });
  });

  it("starts an image without a shell and without env", async () => {
    await writeMachineImage(home, "bare", {
      without: ["sh", "bash", "env"],
      config: { Entrypoint: ["/bin/cat", "/proc/self/environ"] },
    });
    if (subject.title.includes("unshare"))
      return expect(sh("", { image: "bare", args: [] })).rejects.toMatchObject({ code: "sandbox.env" });
    return expect(sh("", { image: "bare", args: [] })).resolves.toMatchObject({ code: 0 });
  });
});
