import { bubblewrap } from "../../../src/sandbox/bubblewrap.ts";
import type { SandboxKind, Surroundings } from "../../../src/sandbox/contract.ts";
import { dockerOver } from "../../../src/sandbox/docker/docker.ts";
import { host } from "../../../src/sandbox/host.ts";
import { type NamespaceKind, namespaceOver } from "../../../src/sandbox/namespace.ts";
import { unshare } from "../../../src/sandbox/unshare.ts";
import { connect } from "../../../src/store/daemon/connect.ts";
import { type EngineName, engineFor, type RunningEngine } from "../../support/dockerd.ts";
import { tarOf } from "../../support/machine-image.ts";

interface Skippable {
  skip(note?: string): never;
}

/** A kind of sandbox under test. */
export interface Subject<Kind = SandboxKind> {
  readonly title: string;
  readonly kind: Kind;
  /** What it is opened with where the machine's own is not to be had. */
  readonly surroundings?: () => Promise<Partial<Surroundings>>;
  /** Whether jobs work on copies of what is mounted, so that nobody sees a job's files while it runs. */
  readonly copies?: boolean;
  /** Starts what it needs. */
  readonly start?: (test: Skippable) => Promise<unknown>;
}

/** The sandboxes that keep jobs apart from the machine, each way to make one by itself. */
export const isolating: readonly Subject<NamespaceKind>[] = [
  { title: "namespace (bubblewrap)", kind: namespaceOver([bubblewrap({ nested: false })]) },
  { title: "namespace (unshare)", kind: namespaceOver([unshare]) },
];

/** All sandboxes that need no engine. */
export const subjects: readonly Subject[] = [{ title: "host", kind: host }, ...isolating];

const image = "jobs:latest";
const more = [
  "printf",
  "setsid",
  "ln",
  "chmod",
  "tee",
  "mkfifo",
  "find",
  "perl",
  "mknod",
  "date",
  "dd",
  "true",
  "grep",
];

/** A subject with an engine of the file's own; bound mounts take a user who is who we are. */
export function containerIn(
  name: EngineName,
  { copies }: { readonly copies: boolean },
): Subject & {
  readonly engine: (test: Skippable) => Promise<RunningEngine>;
} {
  const engine = engineFor(name);
  let running: RunningEngine | undefined;
  const start = async (test: Skippable) => {
    if (running !== undefined) return running;
    const started = await engine(test);
    started.load(tarOf({ more }), image, "ENV PATH=/usr/bin:/bin", "ENV OF_THE_IMAGE=1", "VOLUME /var/cache");
    running = started;
    return started;
  };
  const ids = () => ({ uid: process.getuid!(), gid: process.getgid!() });
  return {
    title: `docker (${name}, ${copies ? "copies" : "bound"})`,
    kind: dockerOver(() => connect(running!.address)),
    copies,
    engine: start,
    start,
    surroundings: async () => ({
      root: { kind: "image", layers: [], inEngine: async () => image },
      ...(!copies && { user: ids() }),
    }),
  };
}

/** Leaves a test out where its sandbox does not work, with the reason printed; under CI that is a failure. */
export async function require({ title, kind, start }: Subject, test: Skippable): Promise<void> {
  await start?.(test);
  const probe = await kind.probe();
  if (probe.usable) return;
  const reason = `${title} does not work here: ${probe.because}`;
  if (process.env["CI"] === "true") throw new Error(reason);
  console.log(`skipped: ${reason}`);
  test.skip(reason);
}
