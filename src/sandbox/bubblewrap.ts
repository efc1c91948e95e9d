import { type Backend, hostname, type Program } from "./container.ts";
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

/** Bubblewrap sets PWD itself; where there is `env`, a program sees the one it was given, or none. */
function withOwnPwd(program: Program, env: string | undefined): readonly string[] {
  const { argv, cwd } = program;
  const given = program.env["PWD"];
  if (given === cwd || env === undefined) return argv;
  return given === undefined ? [env, "-u", "PWD", ...argv] : [env, `PWD=${given}`, ...argv];
}

/**
 * Starts containers with bubblewrap, which reads its options from a descriptor: no `ps` shows the environment. With `nested: false`
 * (version 0.8 or newer) programs cannot make namespaces of their own, as in other containers.
 */
export function bubblewrap({ nested }: { readonly nested: boolean }): Backend {
  return {
    name: "bubblewrap",
    async prepare({ view, user, network, env }) {
      const common = [
        ...["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
        ...(nested ? [] : ["--disable-userns"]),
        ...(network === "none" ? ["--unshare-net"] : []),
        ...["--uid", String(user.uid), "--gid", String(user.gid), "--hostname", hostname, "--cap-drop", "ALL"],
        ...["--new-session", "--die-with-parent", "--json-status-fd", "4"],
        ...view.steps.flatMap(argumentsOf),
        ...(view.sealed ? ["--remount-ro", "/"] : []),
        "--clearenv",
      ];
      return (program) => {
        const variables = Object.entries(program.env).flatMap(([name, value]) => ["--setenv", name, value]);
        const options = [...common, ...variables, "--chdir", program.cwd];
        return {
          argv: ["bwrap", "--args", "3", "--", ...withOwnPwd(program, env)],
          input: options.map((option) => `${option}\0`).join(""),
        };
      };
    },
  };
}
