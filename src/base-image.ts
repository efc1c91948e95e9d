import { readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type BaseReport, createBase } from "./base/create.ts";
import { parseDefinition } from "./base/definition.ts";
import type { Origin } from "./base/from.ts";
import { parseMirror } from "./base/suite.ts";
import { createdTime } from "./cnb/app-image.ts";
import { ociArchitecture } from "./oci/platform.ts";
import { parseReference, withDefaultTag } from "./oci/reference.ts";
import { homeAt } from "./reach/home.ts";
import { openPlace } from "./reach/place.ts";
import type { Emit } from "./std/event.ts";
import { errnoOf, Fault, reasonOf } from "./std/fault.ts";
import { hostPath } from "./std/path.ts";
import { OpenedStack } from "./std/stack.ts";
import { type Layout, openLayout } from "./store/layout.ts";
import { parseLocation } from "./store/locate.ts";

/** What `createBaseImage` is asked to do. */
export interface BaseImageOptions {
  /** The run image's name in the local store. */
  readonly name: string;
  readonly tags?: readonly string[];
  /** The path of a `base.toml`; with `from` an empty one unless said. */
  readonly file?: string;
  /** A root file system to take instead of packages: a tar file, or an image (`oci:DIR[:tag]`, an archive, a name). */
  readonly from?: string;
  /** `[SUITE=]URL` of package archives to use instead of this machine's sources. */
  readonly mirrors?: readonly string[];
  /** A keyring file those archives are signed with. */
  readonly keyring?: string;
  /** Fetch nothing: only what earlier runs have kept. */
  readonly offline?: boolean;
  /** Seconds since 1970; 1980-01-01T00:00:01Z unless said. */
  readonly creationTime?: number;
  readonly home?: string;
  /** Relative paths begin here; the working directory unless said. */
  readonly base?: string;
  readonly onEvent?: Emit;
  readonly signal?: AbortSignal;
}

async function readDefinition(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const found = errnoOf(cause) === "ENOENT" ? "there is no such file" : reasonOf(cause);
    throw new Fault("base.definition", `Cannot read base definition at ${path}: ${found}`, { cause, exit: "usage" });
  }
}

async function isPlainArchive(text: string): Promise<boolean> {
  return (
    /\.(tar|tar\.gz|tgz)$/.test(text) &&
    (await stat(text).then(
      (found) => found.isFile(),
      () => false,
    ))
  );
}

/** What `--from` means: an image archive is an image, any other tar is a root file system. */
async function originOf(text: string, store: Layout, opened: OpenedStack, base: string): Promise<Origin> {
  const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
  const location = parseLocation(text, hostPath(base));
  const place = opened.use(openPlace(text, store, { base: hostPath(base), platform }));
  const isFile = location.kind === "archive" && !location.isFormSaid && (await isPlainArchive(location.file));
  const stored = await place.read().catch((error) => {
    if (isFile && error instanceof Fault) return undefined;
    throw error;
  });
  if (stored) return { kind: "image", stored };
  if (isFile) return { kind: "archive", file: location.file };
  throw new Fault("base.from", `Cannot make a base from ${text}: there is no such image or archive`, { exit: "usage" });
}

/** Makes a run image without a Dockerfile and keeps it in the local store; see `createBase`. */
export async function createBaseImage(options: BaseImageOptions): Promise<BaseReport> {
  const base = options.base ?? process.cwd();
  const home = homeAt(options.home);
  const names = [options.name, ...(options.tags ?? [])].map((name) => withDefaultTag(parseReference(name)));
  if (options.file === undefined && options.from === undefined) {
    throw new Fault("base.definition", `Cannot make base ${options.name}: nothing says what it consists of`, {
      exit: "usage",
      hint: "give --file base.toml or --from ARCHIVE",
    });
  }
  const definition = parseDefinition(
    options.file === undefined ? "" : await readDefinition(options.file),
    options.file ?? "--from",
  );
  await using opened = new OpenedStack();
  const store = opened.use(openLayout(home.store, { hold: true }));
  const from = options.from === undefined ? undefined : await originOf(options.from, store, opened, base);
  return await createBase({
    definition,
    names,
    store,
    cache: home.packages,
    // Not below the home: as root apt fetches and verifies under an account that could not get there.
    temporary: hostPath(tmpdir()),
    emit: options.onEvent ?? (() => {}),
    created: createdTime(options.creationTime?.toString()).created,
    ...(from && { from }),
    ...(options.mirrors && { mirrors: options.mirrors.map(parseMirror) }),
    ...(options.keyring && { keyring: hostPath(options.keyring) }),
    ...(options.offline && { offline: true }),
    ...(options.signal && { signal: options.signal }),
  });
}
