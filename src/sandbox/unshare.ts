import { mkdir, readFile, writeFile } from "node:fs/promises";
import { posix } from "node:path";
import { Fault } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";
import { type Backend, hostname, type Program, type Setting } from "./container.ts";
import { type MountPoint, parseMountInfo } from "./mount-table.ts";
import { line, quote } from "./shell.ts";
import { isFolder, makeDev, makeSkeleton } from "./skeleton.ts";
import { optionsOf, tableOf } from "./table.ts";
import { isWithin, mountStep, seenAs, type View } from "./view.ts";

/** The shell commands that mount the root directory of a view at `root`, run in `scratch`. */
async function rootCommands(
  view: View,
  scratch: HostPath,
  root: HostPath,
  points: readonly MountPoint[],
): Promise<string[]> {
  const step = view.steps.find(({ guest }) => guest === "/");
  if (step?.make === "mount")
    return [line("mount", "-n", "--rbind", "-o", optionsOf(step, points).join(","), step.host, root)];
  const skeleton = under(scratch, "skeleton");
  await mkdir(skeleton);
  await makeSkeleton(skeleton, view);
  const own = mountStep({ host: skeleton, guest: view.steps[0]!.guest, access: "ro" });
  return [line("mount", "-n", "--bind", "-o", optionsOf(own, points).join(","), skeleton, root)];
}

/** The shell commands that make the files mounts go upon, where the root directory is writable and may lack them. */
async function fileCommands(view: View, root: HostPath): Promise<string[]> {
  const isWritable = view.steps.some((step) => step.guest === "/" && step.make === "mount" && step.access === "rw");
  const mounts = isWritable ? view.steps.filter((step) => step.make === "mount") : [];
  const commands = mounts.map(async (step) => {
    const { guest } = step;
    if (isWithin(guest, "/proc") || (await isFolder(seenAs(step)))) return [];
    const path = under(root, guest);
    return [`[ -e ${quote(path)} ] || { ${line("mkdir", "-p", posix.dirname(path))}; : >${quote(path)}; }`];
  });
  return (await Promise.all(commands)).flat();
}

/** The shell commands that put a container together, as root of a user namespace of their own; the last one leaves us in the new root. */
async function setUp({ view, user, network, scratch }: Setting): Promise<string[]> {
  const root = under(scratch, "root");
  const dev = under(scratch, "dev");
  const table = under(scratch, "table");
  await Promise.all([root, dev].map((folder) => mkdir(folder)));
  const points = parseMountInfo(await readFile("/proc/self/mountinfo", "utf8")).filter(
    ({ path }) => !isWithin(path, "/proc"),
  );
  await writeFile(table, await tableOf(view, root, points, { folder: dev, names: await makeDev(dev) }));
  await writeFile(under(scratch, "user"), "");
  const ids = line(`--map-user=${user.uid}`, `--map-group=${user.gid}`);
  return [
    "set -eu",
    "read -r pid rest </proc/self/stat",
    `echo '{"child-pid":'$pid',"preparing":true}' >&4`,
    // Our own /proc also here, so that the pids in it are those we see.
    "mount -n -t proc proc /proc",
    line("cd", scratch),
    ...(await rootCommands(view, scratch, root, points)),
    ...(await fileCommands(view, root)),
    line("mount", "-n", "-a", "-T", table),
    // The program gets a user namespace inside ours, made by a process that waits until we hold on to it: from there nothing
    // we mounted can be taken away.
    `unshare --user ${ids} sh -c 'echo $$; exec sleep 60' | { read -r maker; mount -n --bind /proc/$maker/ns/user user; kill -s PIPE $maker; }`,
    // One of each kind is there; nobody inside makes another.
    "for most in /proc/sys/user/max_*_namespaces; do { echo 1 >$most; } 2>/dev/null || :; done",
    `${line("hostname", hostname)} 2>/dev/null || :`,
    ...(network === "none" ? ["ip link set lo up 2>/dev/null || :"] : []),
    // The new root goes over the old one, so that no way up leads out of it.
    line("cd", root),
    "mount -n --move . /",
  ];
}

/** The shell command that starts a program in a container that is put together. */
function commandOf(program: Program, env: string, scratch: HostPath): string {
  const enter = ["setpriv", "--no-new-privs", "nsenter", `--user=${under(scratch, "user")}`, "--preserve-credentials"];
  const pairs = Object.entries(program.env).map(([name, value]) => `${name}=${value}`);
  return line(...enter, "--root=.", `--wdns=${program.cwd}`, env, "-i", ...pairs, ...program.argv);
}

// The command comes through a descriptor, because it holds the environment.
const startIt = [
  "command=$(cat <&3)",
  // A shell says so when a signal ends what it started; that is none of the program's words.
  "exec 3<&- 5>&2 2>/dev/null",
  "code=0",
  `echo '{"begun":true}' >&4`,
  '(eval "exec $command 2>&5 4>&- 5>&-") || code=$?',
  `echo '{"exit-code":'$code'}' >&4`,
];

const namespaces = [
  "--user",
  "--map-root-user",
  "--mount",
  "--pid",
  "--ipc",
  "--uts",
  "--cgroup",
  "--fork",
  "--kill-child",
];

/** Starts containers with the programs of util-linux, which are nearly everywhere; it takes several times as long as bubblewrap. */
export const unshare: Backend = {
  name: "unshare",
  async prepare(setting) {
    const { env } = setting;
    if (env === undefined) {
      throw new Fault("sandbox.env", "Cannot open sandbox: its root has no program env", {
        hint: "install bubblewrap, which needs none",
      });
    }
    const script = under(setting.scratch, "script");
    await writeFile(script, [...(await setUp(setting)), ...startIt, ""].join("\n"));
    const network = setting.network === "none" ? ["--net"] : [];
    const argv = ["setpriv", "--pdeathsig", "KILL", "unshare", ...namespaces, ...network, "sh", script];
    return (program) => ({ argv, input: commandOf(program, env, setting.scratch) });
  },
};
