import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { goneOf, readProcess, send } from "../../src/std/process.ts";
import type { DaemonAddress } from "../../src/store/daemon.ts";
import { peer } from "./peer.ts";

/** What a test context offers to leave a test out. */
interface Skippable {
  skip(note?: string): never;
}

/** A container engine of a test's own: its data, its socket, nobody else's images. */
export interface RunningEngine {
  readonly address: DaemonAddress;
  /** A folder of its own, removed with the engine. */
  readonly folder: string;
  /** Runs the engine's own client and gives what it prints, without the line's end. */
  client(...words: string[]): string;
  /** Makes an image of a tar of files, with the engine's own client. */
  load(tar: Buffer, name: string, ...changes: string[]): void;
  /** Ends the engine at once, as a crash would. */
  crash(): Promise<void>;
}

/** The engines that tests run against. */
export type EngineName = "Docker" | "Podman";

interface Starting {
  readonly words: readonly string[];
  readonly isReady: (line: string) => boolean;
  readonly client: readonly string[];
}

/** What keeps a test from running: skipped with the reason printed, but failed under CI. */
function refuse(test: Skippable, reason: string): never {
  if (process.env["CI"] === "true") throw new Error(`${reason}, and under CI it must be`);
  console.log(`skipped: ${reason}`);
  return test.skip(reason);
}

function dockerd(test: Skippable, folder: string, data: string): Starting {
  const host = `unix://${folder}/engine.sock`;
  const places = ["--data-root", data, "--exec-root", `${folder}/exec`, "--pidfile", `${folder}/engine.pid`];
  return {
    words: [peer("dockerd", test), ...places, "--host", host, "--iptables=false", "--bridge=none"],
    isReady: (line) => line.includes("API listen on"),
    client: [peer("docker", test), "--config", `${folder}/config`, "--host", host],
  };
}

function podman(test: Skippable, folder: string, data: string): Starting {
  const program = peer("podman", test);
  // Its own defaults want more than a root without CAP_SYS_RESOURCE may give, and a machine without older cgroups.
  const settings = [
    '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]',
    '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"',
  ];
  writeFileSync(join(folder, "containers.conf"), `${settings.join("\n")}\n`);
  const places = ["--root", data, "--runroot", `${folder}/exec`, "--tmpdir", `${folder}/tmp`, "--log-level", "info"];
  return {
    words: [program, ...places, "system", "service", "--time=0", `unix://${folder}/engine.sock`],
    isReady: (line) => line.includes("API service listening"),
    client: [program, "--root", data, "--runroot", `${folder}/exec`, "--tmpdir", `${folder}/tmp`],
  };
}

/** Ends what the engine has started and left behind, by the pid it wrote down. */
async function endLeftover(folder: string): Promise<void> {
  const file = join(folder, "exec", "containerd", "containerd.pid");
  const pid = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  const seen = pid > 0 ? await readProcess(pid) : undefined;
  if (!seen || !readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder)) return;
  send(pid, "SIGTERM");
  await goneOf(seen);
}

function unmountBelow(folder: string): void {
  const mounts = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const below = mounts.map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(`${folder}/`));
  for (const path of below.reverse()) execFileSync("umount", ["--lazy", path]);
}

async function remove(folder: string, daemon: ChildProcess, ended: Promise<unknown>): Promise<void> {
  daemon.kill("SIGTERM");
  await ended;
  await endLeftover(folder);
  unmountBelow(folder);
  rmSync(folder, { recursive: true, force: true });
}

/** Starts an engine; `room` gives it a disk of so many megabytes. */
async function start(name: EngineName, test: Skippable, room?: number) {
  if (process.getuid?.() !== 0) return refuse(test, `${name} is started as root only`);
  const folder = mkdtempSync(join(tmpdir(), "plinth-engine-"));
  const data = join(folder, "data");
  const { words, isReady, client } = (name === "Docker" ? dockerd : podman)(test, folder, data);
  if (room !== undefined)
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${room}m,mode=711`, "--mkdir", "tmpfs", data]);
  const [program, ...rest] = words;
  // The engine's own client must not reach for another engine, nor this one for somebody's registry.
  const env = {
    PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`,
    HOME: folder,
    CONTAINERS_CONF: join(folder, "containers.conf"),
  };
  const daemon = spawn(program!, rest, { env, stdio: ["ignore", "ignore", "pipe"] });
  const ended = once(daemon, "close");
  const said: string[] = [];
  for await (const line of createInterface({ input: daemon.stderr })) {
    said.push(line);
    if (isReady(line)) break;
  }
  daemon.stderr.resume();
  if (daemon.exitCode !== null || !isReady(said.at(-1) ?? "")) {
    await remove(folder, daemon, ended);
    return refuse(test, `no ${name} can run here: ${said.at(-1)}`);
  }
  const running: RunningEngine = {
    address: { kind: "socket", path: join(folder, "engine.sock") },
    folder,
    client: (...more) =>
      execFileSync(client[0]!, [...client.slice(1), ...more], {
        encoding: "utf8",
        env,
        stdio: ["ignore", "pipe", "pipe"],
        maxBuffer: 1 << 26,
      }).trimEnd(),
    load: (tar, name, ...changes) => {
      const words = changes.flatMap((change) => ["--change", change]);
      const file = join(folder, "image.tar");
      writeFileSync(file, tar);
      execFileSync(client[0]!, [...client.slice(1), "import", ...words, file, name], { env, stdio: "pipe" });
    },
    crash: async () => {
      daemon.kill("SIGKILL");
      await ended;
    },
  };
  return { running, stop: () => remove(folder, daemon, ended) };
}

/**
 * An engine for the tests of a file, started when the first one asks for it and removed after the last. A test that asks is skipped
 * with the reason printed where it cannot run.
 */
export function engineFor(
  name: EngineName,
  options: { readonly room?: number } = {},
): (test: Skippable) => Promise<RunningEngine> {
  let started: ReturnType<typeof start> | undefined;
  afterAll(async () => {
    await (await started?.catch(() => undefined))?.stop();
  });
  return async (test) => {
    started ??= start(name, test, options.room);
    try {
      return (await started).running;
    } catch (error) {
      started = undefined;
      throw error;
    }
  };
}
