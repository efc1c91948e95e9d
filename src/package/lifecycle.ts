import { buildpackApis, platformApis } from "../cnb/api.ts";
import { formatLifecycleFile, type LifecycleFile, parseLifecycleFile } from "../cnb/lifecycle-file.ts";
import { type Bytes, collect } from "../std/byte.ts";
import { Fault } from "../std/fault.ts";
import { layerHeader } from "../tar/entry.ts";
import { readTar } from "../tar/read.ts";
import type { TarItem } from "../tar/write.ts";

/** A lifecycle on its way into a builder. */
export interface Lifecycle {
  readonly file: LifecycleFile;
  readonly items: readonly TarItem[];
  /** Whether it has the phases upstream pack starts. */
  readonly hasPhases: boolean;
}

const root = { uid: 0, gid: 0 };
const directory = "/cnb/lifecycle";
const phases = ["detector", "restorer", "analyzer", "builder", "exporter", "creator"];
/** The longest file of a lifecycle we take into memory, in bytes. */
const fileLimit = 256 * 1024 * 1024;

function fileItem(name: string, bytes: Uint8Array, mode: number): TarItem {
  return { header: { ...layerHeader(`${directory}/${name}`, "file", mode, root), size: bytes.length }, content: bytes };
}

function around(items: readonly TarItem[]): readonly TarItem[] {
  return [
    { header: layerHeader(directory, "directory", 0o755, root) },
    ...items,
    // Platforms of before 2020 look there.
    { header: layerHeader("/lifecycle", "symlink", 0o644, root, directory) },
  ];
}

/** A lifecycle that is our launcher alone: we are the phases. `launcher` is its bytes, `version` ours. */
export function ownLifecycle(launcher: Uint8Array, version: string): Lifecycle {
  const lists = (supported: readonly string[]) => ({ deprecated: [], supported });
  const file = { version, buildpack: lists(buildpackApis), platform: lists(platformApis) };
  const text = Buffer.from(formatLifecycleFile(file));
  const items = [fileItem("launcher", launcher, 0o755), fileItem("lifecycle.toml", text, 0o644)];
  return { file, items: around(items), hasPhases: false };
}

/** The name of a file directly below a `lifecycle` directory, wherever that is; undefined for anything else. */
function nameIn(path: string): string | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  const inImage = parts[0] === "cnb" ? parts.slice(1) : parts;
  const [folder, name, ...rest] = inImage;
  return folder === undefined || name === undefined || rest.length > 0 || name === ".." ? undefined : name;
}

/**
 * The lifecycle in a tar: a release's archive (`lifecycle.toml` and `lifecycle/…`), or the layer of a lifecycle's image. Owners and times become those of
 * layers. Throws Fault `lifecycle.file` for what is none.
 */
export async function readLifecycle(tar: Bytes, place: string): Promise<Lifecycle> {
  const items: TarItem[] = [];
  const names = new Set<string>();
  let text: string | undefined;
  for await (const { header, content } of readTar(tar)) {
    const path = Buffer.from(header.name, "latin1")
      .toString()
      .replace(/^\.?\//, "");
    const isToml = /^(cnb\/)?(lifecycle\/)?lifecycle\.toml$/.test(path);
    if (isToml) text = (await collect(content, fileLimit)).toString("utf8");
    const name = nameIn(path);
    if (isToml || name === undefined || header.type === "directory" || names.has(name)) continue;
    names.add(name);
    const mode = (header.mode & 0o111) !== 0 ? 0o755 : 0o644;
    if (header.type === "file") items.push(fileItem(name, await collect(content, fileLimit), mode));
    else if (header.type === "symlink" || header.type === "hardlink") {
      const link = Buffer.from(header.link, "latin1").toString().split("/").at(-1)!;
      items.push({ header: layerHeader(`${directory}/${name}`, "symlink", 0o777, root, link) });
    }
  }
  if (text === undefined || !names.has("launcher"))
    throw new Fault(
      "lifecycle.file",
      `Cannot read lifecycle at ${place}: ${text === undefined ? "lifecycle.toml" : "the launcher"} is not in it`,
      {
        exit: "usage",
        hint: "give the archive of a lifecycle's release, or docker://buildpacksio/lifecycle:VERSION",
      },
    );
  const file = parseLifecycleFile(text, `lifecycle.toml of ${place}`);
  const own = [...items, fileItem("lifecycle.toml", Buffer.from(text), 0o644)];
  const sorted = own.sort((a, b) => (a.header.name < b.header.name ? -1 : 1));
  return { file, items: around(sorted), hasPhases: phases.every((phase) => names.has(phase)) };
}
