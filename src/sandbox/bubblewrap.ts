import { type Backend, type Container, hostname, type Start } from "./container.ts";
import type { Step } from "./view.ts";

function argumentsOf(step: Step): string[] {
  switch (step.make) {
    case "mount":
      return [step.access === "ro" ? "--ro-bind" : "--bind", step.host, step.guest];
    case "directory":
      return ["--dir", step.guest];
    case "link":
      return ["--symlink", step.target, step.guest];
    case "cover":
      // A device on a mount that allows none cannot be opened.
      return step.kind === "file"
        ? ["--ro-bind", "/dev/null", step.guest]
        : ["--perms", "0000", "--tmpfs", step.guest, "--remount-ro", step.guest];
    case "proc":
      return ["--proc", step.guest];
    case "dev":
      return ["--dev", step.guest];
  }
}

/** Bubblewrap sets PWD itself; a job sees the one it was given, or none. */
function withOwnPwd({ argv, env, cwd }: Container): readonly string[] {
  const given = env["PWD"];
  if (given === cwd) return argv;
  return given === undefined ? ["/usr/bin/env", "-u", "PWD", ...argv] : ["/usr/bin/env", `PWD=${given}`, ...argv];
}

/** Starts containers with bubblewrap; its options go through a descriptor, where no `ps` shows them. */
export const bubblewrap: Backend = {
  name: "bubblewrap",
  startOf(container: Container): Start {
    const { user, network, view, env, cwd } = container;
    const options = [
      ...["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
      ...(network === "none" ? ["--unshare-net"] : []),
      ...["--uid", String(user.uid), "--gid", String(user.gid), "--hostname", hostname, "--cap-drop", "ALL"],
      ...["--new-session", "--die-with-parent", "--json-status-fd", "4"],
      ...view.steps.flatMap(argumentsOf),
      ...(view.sealed ? ["--remount-ro", "/"] : []),
      ...["--clearenv", ...Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value])],
      ...["--chdir", cwd],
    ];
    return {
      argv: ["bwrap", "--args", "3", "--", ...withOwnPwd(container)],
      input: options.map((option) => `${option}\0`).join(""),
    };
  },
};
