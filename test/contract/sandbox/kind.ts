import { bubblewrap } from "../../../src/sandbox/bubblewrap.ts";
import type { SandboxKind } from "../../../src/sandbox/contract.ts";
import { host } from "../../../src/sandbox/host.ts";
import { type NamespaceKind, namespaceOver } from "../../../src/sandbox/namespace.ts";
import { unshare } from "../../../src/sandbox/unshare.ts";

/** A kind of sandbox under test. */
export interface Subject<Kind = SandboxKind> {
  readonly title: string;
  readonly kind: Kind;
}

/** The sandboxes that keep jobs apart from the machine, each way to make one by itself. */
export const isolating: readonly Subject<NamespaceKind>[] = [
  { title: "namespace (bubblewrap)", kind: namespaceOver([bubblewrap({ nested: false })]) },
  { title: "namespace (unshare)", kind: namespaceOver([unshare]) },
];

/** All sandboxes. */
export const subjects: readonly Subject[] = [{ title: "host", kind: host }, ...isolating];

interface Skippable {
  skip(note?: string): never;
}

/** Leaves a test out where its sandbox does not work, with the reason printed; under CI that is a failure. */
export async function require({ title, kind }: Subject, test: Skippable): Promise<void> {
  const probe = await kind.probe();
  if (probe.usable) return;
  const reason = `${title} does not work here: ${probe.because}`;
  if (process.env["CI"] === "true") throw new Error(reason);
  console.log(`skipped: ${reason}`);
  test.skip(reason);
}
