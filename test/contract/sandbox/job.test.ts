import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { guestPath } from "../../../src/std/path.ts";
import { type Ground, groundOf, PATH, pulseIn, run, writeScript } from "./ground.ts";
import { containerIn, require, subjects } from "./kind.ts";

describe.each([...subjects, containerIn("Docker", { copies: false })])("a job in $title", (subject) => {
  let ground: Ground;
  beforeEach(async (test) => {
    await require(subject, test);
    ground = await groundOf(subject);
  });
  afterEach(() => ground?.[Symbol.asyncDispose]());

  const environment = async (env: Record<string, string>) => {
    const { said } = await run(ground.sandbox, {
      argv: ["/bin/cat", "/proc/self/environ"],
      cwd: ground.guest.open,
      env,
    });
    return said.split("\0").filter(Boolean).sort();
  };

  it("has exactly the environment it was given", async () => {
    expect(await environment({})).toEqual([]);
    expect(await environment({ A: "1", PATH })).toEqual(["A=1", `PATH=${PATH}`]);
  });

  it("gets every variable as it is, whatever its name and value", async () => {
    const env = {
      PWD: "/elsewhere",
      OLDPWD: "/before",
      SHLVL: "7",
      _: "underscore",
      IFS: "x",
      PS1: "$ ",
      UID: "5",
      "with.dot": "a",
      "with-dash": "b",
      "npm_config_//host/:key": "c",
      QUOTES: `a'b"c$d\`e\\f`,
      LINES_: "one\ntwo\n",
      EMPTY: "",
      UNICODE: "grüße ☃",
      LD_NOTHING: "1",
    };
    expect(await environment(env)).toEqual(
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .sort(),
    );
  });

  it("gets a long environment", async () => {
    const env = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`V${index}`, "x".repeat(1000)]));
    expect(await environment(env)).toHaveLength(500);
  });

  it("gets every argument as it is", async () => {
    const argv = [
      "/usr/bin/printf",
      "[%s]",
      "a b",
      "--",
      "--bind",
      "",
      "'",
      '"',
      "$HOME",
      "\\n",
      "new\nline",
      "*",
    ] as const;
    const { said } = await run(ground.sandbox, { argv: [...argv], cwd: guestPath("/"), env: {} });
    expect(said).toBe(
      argv
        .slice(2)
        .map((argument) => `[${argument}]`)
        .join(""),
    );
  });

  it.each([
    ["a name", { "A=B": "x" }],
    ["no name", { "": "x" }],
    ["a value", { A: "x\0--bind\0/\0/mnt" }],
    ["a name with zero", { "A\0": "x" }],
  ])("is refused when no process can have its environment (%s)", async (_, env) => {
    const job = { argv: ["/bin/true"] as [string], cwd: guestPath("/"), env };
    await expect(ground.sandbox.run(job, () => {})).rejects.toMatchObject({ code: "sandbox.job" });
  });

  it("is refused when an argument holds a zero byte", async () => {
    const job = { argv: ["/bin/echo", "a\0b"] as [string, string], cwd: guestPath("/"), env: {} };
    await expect(ground.sandbox.run(job, () => {})).rejects.toMatchObject({ code: "sandbox.job" });
  });

  it("starts in its working directory", async () => {
    mkdirSync(join(ground.open, "a b"));
    const { said } = await ground.sh("pwd", { cwd: guestPath(`${ground.guest.open}/a b`) });
    expect(said).toBe(`${ground.guest.open}/a b\n`);
  });

  it("has umask 022 whatever ours is", async () => {
    const ours = process.umask(0o077);
    try {
      expect((await ground.sh("umask; echo x >file; mkdir folder; stat -c %a file folder")).said).toBe(
        "0022\n644\n755\n",
      );
    } finally {
      process.umask(ours);
    }
  });

  it("has an empty standard input", async () => {
    expect(await ground.sh("cat; echo end")).toEqual({ exit: { kind: "exited", code: 0 }, said: "end\n" });
  });

  it("has no descriptor but the three, whatever our own parent left open", async () => {
    const job = { argv: ["/bin/ls", "-l", "/proc/self/fd"] as [string, ...string[]], cwd: guestPath("/"), env: {} };
    const { said } = await run(ground.sandbox, job);
    const open = said.split("\n").flatMap(
      (row) =>
        row
          .match(/(\d+) -> (.*)/)
          ?.slice(1)
          .join(" ") ?? [],
    );
    // The last one is the folder ls reads.
    expect(open.filter((row) => !/^[012] |\/dev\/null$|\/proc\/\d+\/fd$/.test(row))).toEqual([]);
    expect(open.length).toBeGreaterThan(3);
  });

  it("keeps standard output and standard error in their order", async () => {
    const { said } = await ground.sh("i=0; while [ $i -lt 300 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done");
    expect(said).toBe(Array.from({ length: 300 }, (_, index) => `o${index}\ne${index}\n`).join(""));
  });

  it("can open its standard streams by name", async () => {
    const { exit, said } = await ground.sh(
      "echo one >/dev/stdout; echo two >/dev/stderr; echo three | tee /dev/stderr >/dev/null",
    );
    expect(exit).toEqual({ kind: "exited", code: 0 });
    expect(said).toBe("one\ntwo\nthree\n");
  });

  it.each([0, 1, 2, 100, 125, 126, 127, 128, 200, 255])("exits with %i", async (code) => {
    expect((await ground.sh(`exit ${code}`)).exit).toEqual({ kind: "exited", code });
  });

  it.each(["TERM", "KILL", "INT", "SEGV", "HUP", "USR1"])("is killed by its own SIG%s", async (name) => {
    const { exit, said } = await ground.sh(`kill -s ${name} $$; sleep 60`);
    expect({ exit, said }).toEqual({ exit: { kind: "killed", signal: `SIG${name}` }, said: "" });
  });

  it("does not ignore signals a terminal sends", async () => {
    expect((await ground.sh("trap 'echo got; exit 3' INT; kill -s INT $$")).said).toBe("got\n");
  });

  describe("that cannot be started", () => {
    const because = async (...argv: [string, ...string[]]) => {
      const { exit } = await run(ground.sandbox, { argv, cwd: ground.guest.open, env: { PATH } });
      return exit.kind === "unstartable" ? exit.because : exit;
    };

    it("says that a program is missing", async () => {
      expect(await because("no-such-program")).toBe(`no-such-program is not on its PATH (${PATH})`);
      expect(await because("/no/such/program")).toBe("/no/such/program does not exist");
      expect(await because("./missing")).toBe("./missing does not exist");
    });

    it("says that a file is no program", async () => {
      writeFileSync(join(ground.open, "plain"), "#!/bin/sh\n", { mode: 0o644 });
      expect(await because(`${ground.guest.open}/plain`)).toBe(`${ground.guest.open}/plain is not executable`);
      expect(await because(ground.guest.open)).toBe(`${ground.guest.open} is a directory`);
    });

    it("says that an interpreter is missing", async () => {
      writeScript(ground.open, "script", "#! /opt/no/ruby -w\nputs 1\n");
      expect(await because("./script")).toBe(
        "the first line of ./script asks for an interpreter, and /opt/no/ruby does not exist",
      );
    });

    it("says that a first line ends like on Windows", async () => {
      writeScript(ground.open, "script", "#!/bin/sh\r\necho 1\r\n");
      expect(await because("./script")).toBe(
        "the first line of ./script ends like lines on Windows, with a carriage return",
      );
    });

    it("says that its working directory is missing", async () => {
      const cwd = guestPath("/no/such/folder");
      const { exit } = await run(ground.sandbox, { argv: ["/bin/true"], cwd, env: {} });
      expect(exit).toEqual({ kind: "unstartable", because: "there is no directory /no/such/folder to run it in" });
    });
  });

  it("finds its program through links and on its own PATH", async () => {
    mkdirSync(join(ground.open, "bin"));
    writeScript(ground.open, "real", "#!/bin/sh\necho found $0\n");
    await ground.sh("ln -s ../real bin/linked");
    const env = { PATH: `${ground.guest.open}/bin:${PATH}` };
    const { said } = await run(ground.sandbox, { argv: ["linked"], cwd: ground.guest.open, env });
    expect(said).toBe(`found ${ground.guest.open}/bin/linked\n`);
  });

  it("has written to the host what it wrote under a writable mount", async () => {
    await ground.sh("mkdir -p a/b; echo text >a/b/file; ln -s file a/b/link");
    expect(readFileSync(join(ground.open, "a/b/link"), "utf8")).toBe("text\n");
  });

  it("sees what the host has written meanwhile", async () => {
    writeFileSync(join(ground.closed, "late"), "news");
    expect((await ground.sh(`cat ${ground.guest.closed}/late`)).said).toBe("news");
  });

  it("streams its output: it may wait for an answer to what it said", async () => {
    let length = 0;
    const script = "head -c 1000000 /dev/zero; while ! [ -e answer ]; do sleep 0.05; done; head -c 9000000 /dev/zero";
    const job = { argv: ["/bin/sh", "-c", script] as [string, ...string[]], cwd: ground.guest.open, env: { PATH } };
    const exit = await ground.sandbox.run(job, (chunk) => {
      length += chunk.length;
      if (length >= 1_000_000 && !existsSync(join(ground.open, "answer")))
        writeFileSync(join(ground.open, "answer"), "");
    });
    expect({ exit, length }).toEqual({ exit: { kind: "exited", code: 0 }, length: 10_000_000 });
  });

  it("runs beside others", async () => {
    const names = ["a", "b", "c", "d"];
    const script = (name: string) =>
      `: >${name}; while ! { ${names.map((n) => `[ -e ${n} ]`).join(" && ")}; }; do sleep 0.05; done; echo ${name}`;
    const all = await Promise.all(names.map((name) => ground.sh(script(name))));
    expect(all.map(({ said }) => said)).toEqual(["a\n", "b\n", "c\n", "d\n"]);
  });

  it("leaves no process behind, however it hides", async () => {
    using pulse = pulseIn(ground);
    const daemon = "trap '' TERM HUP INT; while :; do sleep 1000; done";
    const { exit } = await ground.sh(
      `${pulse.hold} ${daemon} </dev/null >/dev/null 2>&1 & (setsid sh -c "${daemon}" </dev/null >/dev/null 2>&1 &); ` +
        `(setsid sh -c '(setsid sh -c "${daemon.replaceAll("'", `'\\''`)}" &)' </dev/null >/dev/null 2>&1 &); env -i setsid -f sh -c 'exec sleep 1000' ; exit 5`,
    );
    expect(exit).toEqual({ kind: "exited", code: 5 });
    expect(pulse.isFlat()).toBe(true);
  });

  it("does not wait for a process that still holds its output", async () => {
    const { exit, said } = await ground.sh("(setsid sh -c 'sleep 1000' &) ; echo done");
    expect({ exit, said }).toEqual({ exit: { kind: "exited", code: 0 }, said: "done\n" });
  });

  describe("that is aborted", () => {
    it("is killed with its whole tree, and run rejects with the reason", async () => {
      using pulse = pulseIn(ground);
      const abort = new AbortController();
      const reason = new Error("enough");
      const stubborn = "trap '' TERM HUP INT; while :; do sleep 1000; done";
      const script = `${pulse.hold} (setsid sh -c "${stubborn}" >/dev/null 2>&1 &); echo ready; ${stubborn}`;
      const job = { argv: ["/bin/sh", "-c", script] as [string, ...string[]], cwd: ground.guest.open, env: { PATH } };
      await expect(ground.sandbox.run(job, () => abort.abort(reason), abort.signal)).rejects.toBe(reason);
      expect(pulse.isFlat()).toBe(true);
    });

    it("is not started when that happened before", async () => {
      const reason = new Error("too late");
      await expect(ground.sh("echo >started", {}, AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(existsSync(join(ground.open, "started"))).toBe(false);
    });

    it("is killed while it is being started", async () => {
      using pulse = pulseIn(ground);
      const runs = Array.from({ length: 8 }, async (_, turns) => {
        const abort = new AbortController();
        const reason = new Error(`after ${turns} turns`);
        const running = ground.sh(`${pulse.hold} sleep 1000`, {}, abort.signal);
        const ended = expect(running).rejects.toBe(reason);
        for (let turn = 0; turn < turns * 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        abort.abort(reason);
        await ended;
      });
      await Promise.all(runs);
      expect(pulse.isFlat()).toBe(true);
    });
  });

  it("ends when its sandbox is closed, which leaves nothing behind", async () => {
    using pulse = pulseIn(ground);
    let ready = () => {};
    const said = new Promise<void>((resolve) => {
      ready = resolve;
    });
    const script = `${pulse.hold} trap '' TERM; mkdir -p /tmp/kept/deep; chmod 0 /tmp/kept; echo ready; while :; do sleep 1000; done`;
    const job = {
      argv: ["/bin/sh", "-c", subject.kind.translates ? script : script.replaceAll("/tmp/kept", "kept")] as [
        string,
        ...string[],
      ],
      cwd: ground.guest.open,
      env: { PATH },
    };
    const running = ground.sandbox.run(job, () => ready());
    const ended = expect(running).rejects.toMatchObject({ code: "sandbox.closed" });
    await said;
    await ground.sandbox[Symbol.asyncDispose]();
    await ended;
    expect(pulse.isFlat()).toBe(true);
    expect(ground.remains()).toEqual([]);
    if (!subject.kind.translates) chmodSync(join(ground.open, "kept"), 0o755);
  });

  it("is refused once its sandbox is closed", async () => {
    await ground.sandbox[Symbol.asyncDispose]();
    await expect(ground.sh("true")).rejects.toMatchObject({ code: "sandbox.closed" });
  });
});
