import { mkdir, mkdtemp, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { type ImageConfig, parseConfig } from "../oci/config.ts";
import { hexOf } from "../oci/digest.ts";
import { withLayers } from "../oci/image.ts";
import type { Exit, Output, Probe, Sandbox } from "../sandbox/contract.ts";
import { host } from "../sandbox/host.ts";
import { toolPath } from "../sandbox/spawn.ts";
import { isAbandoned, markOwned } from "../std/claim.ts";
import { Fault } from "../std/fault.ts";
import { namesIn, readText, writeText } from "../std/file.ts";
import { guestPath, type HostPath, hostPath, under } from "../std/path.ts";
import { removeTree } from "../std/remove.ts";
import type { StoredImage } from "../store/contract.ts";
import { openLayoutDirectory } from "../store/layout-directory.ts";
import type { Engine, EngineKind, EngineSettings, Step } from "./contract.ts";
import { endOf, failedStep, lastLines } from "./ending.ts";

/** Storage drivers, best first: overlayfs needs the kernel's leave, plain directories are copied for every layer. */
const drivers = ["overlay", "vfs"] as const;
/** Processes, mounts and, where there is to be none, the network are the command's own, and end with it. */
const apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
const isOrdinary = () => process.getuid?.() !== 0;

/** Puts a command where it may mount and own files of several users: an ordinary user gets a user namespace from buildah itself. */
function inside(argv: readonly string[], network: string): readonly [string, ...string[]] {
  const shut = network === "none" ? ["--net"] : [];
  return isOrdinary()
    ? ["buildah", "unshare", ...apart, ...shut, ...argv]
    : [apart[0]!, ...apart.slice(1), ...shut, ...argv];
}

/** Everything of the user's own is out of reach: his settings, his images, his credentials. */
function environmentIn(folder: HostPath): Readonly<Record<string, string>> {
  return {
    PATH: toolPath,
    HOME: under(folder, "home"),
    XDG_RUNTIME_DIR: under(folder, "home"),
    TMPDIR: under(folder, "tmp"),
  };
}

async function openTools(folder: HostPath): Promise<Sandbox> {
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return host.open({ root: { kind: "machine" }, mounts: [], user, network: "host", scratch: folder });
}

/** Makes the folder with the settings that keep buildah to itself. */
async function furnish(folder: HostPath): Promise<void> {
  await mkdir(under(folder, "home", ".config", "containers"), { recursive: true });
  await mkdir(under(folder, "tmp"));
  const policy = JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] });
  await writeText(under(folder, "home", ".config", "containers", "policy.json"), policy);
}

async function clear(tools: Sandbox, folder: HostPath, paths: readonly HostPath[]): Promise<void> {
  const argv = inside(["rm", "-rf", "--", ...paths], "host");
  await tools.run({ argv, cwd: guestPath("/"), env: environmentIn(folder) }, () => {});
}

/** A folder of this process's own, after removing what processes that were killed have left. */
async function claimFolder(scratch: HostPath): Promise<HostPath> {
  await mkdir(scratch, { recursive: true });
  await using tools = await openTools(scratch);
  for (const name of await namesIn(scratch)) {
    const left = under(scratch, name);
    if (await isAbandoned(left)) await clear(tools, left, [left]);
  }
  const folder = hostPath(await mkdtemp(under(scratch, "buildah-")));
  await markOwned(folder);
  return folder;
}

class Buildah implements Engine {
  readonly #base: StoredImage;
  readonly #folder: HostPath;
  readonly #settings: EngineSettings;
  readonly #tools: Sandbox;
  #driver: string = drivers[0];
  /** The image as it stands, by its ID. */
  #current: string;
  #config: ImageConfig;
  #steps = 0;

  constructor(base: StoredImage, folder: HostPath, settings: EngineSettings, tools: Sandbox) {
    this.#base = base;
    this.#folder = folder;
    this.#settings = settings;
    this.#tools = tools;
    this.#current = hexOf(base.identity.imageId);
    this.#config = base.image.config;
  }

  #path(...names: readonly string[]): HostPath {
    return under(this.#folder, ...names);
  }

  #exchange(tag: string) {
    const { architecture, os } = this.#base.image.config;
    return openLayoutDirectory(this.#path("layout"), { tag, compression: "none", platform: { architecture, os } });
  }

  #run(argv: readonly string[], output: Output, network: string = "host"): Promise<Exit> {
    const storage = ["--root", this.#path("root"), "--runroot", this.#path("run"), "--storage-driver", this.#driver];
    const [program, ...rest] = argv;
    const command = program === "buildah" ? ["buildah", ...storage, ...rest] : argv;
    const job = {
      argv: inside(command, network),
      cwd: guestPath(this.#folder),
      env: environmentIn(this.#folder),
    };
    return this.#tools.run(job, output, this.#settings.signal);
  }

  async #ask(verb: string, argv: readonly string[]): Promise<void> {
    const tail = lastLines();
    const failure = endOf(await this.#run(argv, tail.take));
    if (failure)
      throw new Fault("engine.failed", `Cannot ${verb} with buildah: ${tail.text() || failure}`, { exit: "extend" });
  }

  /** Hands the base over, to the first storage driver that takes it. */
  async begin(): Promise<void> {
    await furnish(this.#folder);
    {
      await using exchange = this.#exchange("base");
      await exchange.write(this.#base.image, [], this.#base.blobs, this.#base);
    }
    // By a relative path: buildah makes a name of it, and a whole one may hold what names do not.
    const pull = ["buildah", "pull", "--quiet", "oci:layout:base"];
    for (const driver of drivers) {
      this.#driver = driver;
      if (driver === drivers.at(-1)) await this.#ask("read the base image", pull);
      else if (endOf(await this.#run(pull, () => {})) === undefined) return;
      else await this.#clear("root", "run");
    }
  }

  async apply({ text, context, arguments: given }: Step, output: Output): Promise<ImageConfig> {
    this.#steps += 1;
    const [file, id] = [this.#path(`${this.#steps}.Dockerfile`), this.#path(`${this.#steps}.id`)];
    await writeText(file, text);
    const args = [{ name: "base_image", value: this.#current }, ...given].flatMap(({ name, value }) => [
      "--build-arg",
      `${name}=${value}`,
    ]);
    const tail = lastLines(output);
    const exit = await this.#run(
      [
        ...["buildah", "build", "--isolation", "chroot", "--format", "docker", "--layers", "--identity-label=false"],
        ...["--pull-never", "--http-proxy=false", "--force-rm", "--iidfile", id, ...args, "--file", file, context],
      ],
      tail.take,
      this.#settings.network,
    );
    const failure = endOf(exit);
    if (failure) throw failedStep(tail.text() || failure);
    this.#current = (await readFile(id, "utf8")).trim().replace("sha256:", "");
    this.#config = await this.#readConfig();
    return this.#config;
  }

  /** The config as buildah keeps it: in an OCI image layout, some of what Docker knows would be lost. */
  async #readConfig(): Promise<ImageConfig> {
    const file = this.#path(`${this.#steps}.json`);
    const words = ["buildah", "--root", this.#path("root"), "--runroot", this.#path("run")];
    const inspect = [
      ...words,
      "--storage-driver",
      this.#driver,
      "inspect",
      "--type",
      "image",
      "--format",
      "{{.Config}}",
    ];
    await this.#ask("read the extended image", ["sh", "-c", 'exec "$@" >"$0"', file, ...inspect, this.#current]);
    return parseConfig(await readFile(file, "utf8"), "the image that buildah made");
  }

  async result() {
    await this.#ask("write the extended image", ["buildah", "push", "--quiet", this.#current, "oci:layout:result"]);
    const exchange = this.#exchange("result");
    const stored = await exchange.sole();
    if (!stored) throw new Fault("engine.failed", "Cannot write the extended image with buildah: it is not there");
    const layers = stored.image.layers;
    return { image: withLayers({ ...stored.image, config: this.#config }, layers), blobs: stored.blobs };
  }

  /** What buildah made belongs to users that only its user namespace knows. */
  async #clear(...names: readonly string[]): Promise<void> {
    const paths = names.map((name) => this.#path(name));
    const job = {
      argv: inside(["rm", "-rf", "--", ...paths], "host"),
      cwd: guestPath("/"),
      env: environmentIn(this.#folder),
    };
    await this.#tools.run(job, () => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clear("root", "run");
    await this.#tools[Symbol.asyncDispose]();
    await removeTree(this.#folder);
  }
}

async function hasSubordinateIds(): Promise<boolean> {
  const { username, uid } = userInfo();
  const texts = await Promise.all(["/etc/subuid", "/etc/subgid"].map(async (path) => (await readText(path)) ?? ""));
  return texts.every((text) => text.split("\n").some((line) => [username, String(uid)].includes(line.split(":")[0]!)));
}

/** buildah: without a daemon, in storage of its own below `scratch`, for root and for users with subordinate ids. */
export function buildah(scratch: HostPath): EngineKind {
  return {
    name: "buildah",
    async probe(): Promise<Probe> {
      await mkdir(scratch, { recursive: true });
      await using tools = await openTools(scratch);
      const refuse = (because: string, hint: string): Probe => ({ usable: false, because, hint });
      const ask = async (argv: readonly [string, ...string[]]) => {
        const tail = lastLines();
        const env = { PATH: toolPath, HOME: scratch };
        const exit = await tools.run({ argv, cwd: guestPath("/"), env }, tail.take);
        return { failure: endOf(exit), said: tail.text(), isThere: exit.kind !== "unstartable" };
      };
      const version = await ask(["buildah", "--version"]);
      if (!version.isThere) return refuse("it is not installed", "install the package buildah");
      if (isOrdinary() && !(await hasSubordinateIds()))
        return refuse(
          "you have no subordinate ids in /etc/subuid and /etc/subgid",
          "have them added with usermod --add-subuids 100000-165535 --add-subgids 100000-165535",
        );
      const tried = await ask(inside(["true"], "none"));
      if (tried.failure) return refuse(tried.said || tried.failure, "allow namespaces, as in a privileged container");
      return { usable: true, detail: version.said };
    },
    async open(base, settings) {
      const folder = await claimFolder(scratch);
      const engine = new Buildah(base, folder, settings, await openTools(folder));
      try {
        await engine.begin();
        return engine;
      } catch (error) {
        await engine[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}
