import { type Emit, logTo } from "../std/event.ts";
import { Fault } from "../std/fault.ts";
import { namesIn } from "../std/file.ts";
import { type HostPath, under } from "../std/path.ts";
import { type Apt, complaintsOf } from "./apt.ts";
import { listCache } from "./list-cache.ts";
import { type Archive, formatArchives, redacted } from "./suite.ts";

/** How package lists are brought. */
export interface ListOptions {
  readonly architecture: string;
  readonly cache: HostPath;
  /** Take the lists of an earlier run and fetch nothing. */
  readonly offline: boolean;
  /** `ID` of the machine's os-release: where several archives carry a suite, the distribution's own is meant. */
  readonly distribution: string | undefined;
}

/** A package list apt holds, and whose it is. */
interface PackageList {
  readonly suite: string;
  readonly uri: string;
  /** `Origin` of the archive's Release file. */
  readonly origin: string;
  /** Whether a signature we accept covers it. */
  readonly trusted: boolean;
}

const columns = ["$(RELEASE)", "$(REPO_URI)", "$(ORIGIN)", "$(TRUSTED)"];

async function packageLists(apt: Apt): Promise<PackageList[]> {
  const { stdout } = await apt.run("apt-get", ["indextargets", "--format", columns.join("\t"), "Created-By: Packages"]);
  return stdout.split("\n").flatMap((line) => {
    const [suite, uri, origin, trusted] = line.split("\t");
    return suite && uri ? [{ suite, uri, origin: origin ?? "", trusted: trusted === "yes" }] : [];
  });
}

/** Whether each archive's signed document is here; an older apt takes a failed download for a warning. */
async function isComplete(apt: Apt, archives: readonly Archive[]): Promise<boolean> {
  const releases = (await namesIn(apt.lists)).filter((name) => /_(In)?Release$/.test(name));
  return releases.length >= new Set(archives.map(({ suite, uri }) => `${uri} ${suite}`)).size;
}

const described = (archives: readonly Archive[]) =>
  archives.map(({ suite, uri }) => `${suite} at ${redacted(uri)}`).join(", ");

/** apt leaves what it fetched and could not verify where it was being fetched to. */
async function refusal(
  apt: Apt,
  archives: readonly Archive[],
  complaints: readonly string[],
  kept: boolean,
): Promise<Fault> {
  const unverified = (await namesIn(under(apt.lists, "partial"))).some((name) =>
    /_(In)?Release(\.gpg)?(\.FAILED)?$/.test(name),
  );
  const found = redacted(complaints.join("; ")) || "apt does not say why";
  if (unverified)
    return new Fault("base.signature", `Cannot verify the package lists of ${described(archives)}: ${found}`, {
      hint: "the archive is signed with a key this machine does not trust for it (--keyring names one), or something was changed on the way",
    });
  return new Fault("base.fetch", `Cannot fetch the package lists of ${described(archives)}: ${found}`, {
    hint: `check the name of the suite, the network and apt's proxy${kept ? "; --offline uses the lists fetched before" : ""}`,
  });
}

function ownArchives(
  archives: readonly Archive[],
  lists: readonly PackageList[],
  distribution: string | undefined,
): Archive[] {
  const isOwn = ({ suite, uri }: Archive) =>
    lists.some((list) => list.suite === suite && sameUri(list.uri, uri) && list.origin.toLowerCase() === distribution);
  return archives.filter((archive) => {
    const rivals = archives.filter(({ suite }) => suite === archive.suite);
    return isOwn(archive) || !rivals.some(isOwn);
  });
}

function sameUri(a: string, b: string): boolean {
  const plain = (uri: string) =>
    redacted(uri)
      .replace(/^file:\/+/, "file:/")
      .replace(/\/+$/, "");
  return plain(a) === plain(b);
}

/**
 * Brings the archives' package lists, fetched and verified by apt, and makes them its only sources; gives the archives that
 * are used. Lists of an earlier run save the download when nothing changed. Throws Fault `base.fetch`, `base.signature`,
 * or `base.offline` when there are no lists to go without the network.
 */
export async function bringLists(
  apt: Apt,
  archives: readonly Archive[],
  options: ListOptions,
  emit: Emit,
): Promise<Archive[]> {
  const sources = formatArchives(archives, options.architecture);
  await apt.setSources(sources);
  // Keys may lie in apt's own directory, which is another one each time.
  const cache = listCache(options.cache, sources.replaceAll(apt.root, ""));
  const kept = await cache.restore(apt.lists);
  if (options.offline && !kept)
    throw new Fault(
      "base.offline",
      `Cannot resolve packages offline: no lists of ${described(archives)} are at ${options.cache}`,
      {
        hint: "run once with the network",
      },
    );
  if (!options.offline) {
    const outcome = await apt.run("apt-get", ["update", "-q"]);
    const complaints = complaintsOf(outcome);
    if (outcome.code !== 0 || !(await isComplete(apt, archives))) throw await refusal(apt, archives, complaints, kept);
    for (const complaint of complaints) logTo(emit).warn(redacted(complaint));
  }
  const lists = await packageLists(apt);
  if (lists.some(({ trusted }) => !trusted))
    throw await refusal(apt, archives, ["a list is not covered by a signature"], kept);
  if (!options.offline) await cache.keep(apt.lists);
  const used = ownArchives(archives, lists, options.distribution);
  for (const { suite, uri } of archives.filter((archive) => !used.includes(archive)))
    logTo(emit).debug(`Leaving out ${suite} at ${redacted(uri)}: the distribution's own archive has that suite`);
  await apt.setSources(formatArchives(used, options.architecture));
  return used;
}
