import type { ContainerConfig } from "../oci/config.ts";
import { guestPath } from "../std/path.ts";
import type { Program } from "./container.ts";

const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What a caller may want otherwise than an image says. */
export interface Wishes {
  readonly args?: readonly string[];
  readonly entrypoint?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
}

/** An entrypoint of the caller's own goes without the arguments the image has for its own. */
function argvOf({ Entrypoint = [], Cmd = [] }: ContainerConfig, { entrypoint, args = [] }: Wishes): readonly string[] {
  const begin = entrypoint === undefined ? Entrypoint : [entrypoint];
  return [...begin, ...(args.length > 0 || entrypoint !== undefined ? args : Cmd)];
}

function environmentOf({ Env = [] }: ContainerConfig): Record<string, string> {
  const pairs = Env.map((entry): [string, string] => {
    const at = entry.indexOf("=");
    return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
  });
  return Object.fromEntries(pairs);
}

/** The program an image starts (OCI image spec, "Conversion"): undefined when neither image nor caller names one. */
export function programOf(config: ContainerConfig, wishes: Wishes, home: string): Program | undefined {
  const [name, ...rest] = argvOf(config, wishes);
  if (name === undefined) return undefined;
  return {
    argv: [name, ...rest],
    cwd: guestPath(wishes.workdir ?? (config.WorkingDir || "/")),
    env: { PATH: standardPath, HOME: home, ...environmentOf(config), ...wishes.env },
  };
}
