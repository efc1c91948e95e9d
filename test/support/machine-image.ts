import { execFileSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ContainerConfig } from "../../src/oci/config.ts";
import { diffIdOfTar, digestOf } from "../../src/oci/digest.ts";
import { type Image, withLayers } from "../../src/oci/image.ts";
import { mediaTypes } from "../../src/oci/media-type.ts";
import { ociArchitecture } from "../../src/oci/platform.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { homeAt } from "../../src/reach/home.ts";
import { openLayout } from "../../src/store/layout.ts";

const programs = [
  "sh",
  "env",
  "cat",
  "ls",
  "id",
  "sleep",
  "stat",
  "mkdir",
  "rm",
  "touch",
  "head",
  "tail",
  "bash",
  "readlink",
  "sed",
  "chmod",
  "cp",
  "grep",
  "printf",
];

/** The libraries a program of this machine loads, and its loader. */
function librariesOf(program: string): string[] {
  const lines = execFileSync("ldd", [program], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => /(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}

function copy(path: string, root: string): void {
  mkdirSync(join(root, dirname(path)), { recursive: true });
  cpSync(realpathSync(path), join(root, path));
}

/** What an image has beside a few programs of this machine. */
export interface MachineImage {
  readonly config?: ContainerConfig;
  readonly architecture?: string;
  /** Content of files by absolute path; `-> target` makes a link. */
  readonly files?: Readonly<Record<string, string>>;
  /** Names of programs to leave out. */
  readonly without?: readonly string[];
  /** Names of programs to add. */
  readonly more?: readonly string[];
}

/** The files of an image as a tar. */
export function tarOf({ files = {}, without = [], more = [] }: MachineImage): Buffer {
  const root = mkdtempSync(join(tmpdir(), "machine-image-"));
  try {
    for (const name of ["etc", "tmp", "usr/bin", "home/cnb", "proc", "workspace"])
      mkdirSync(join(root, name), { recursive: true });
    chmodSync(join(root, "tmp"), 0o1777);
    // Everything belongs to root in it; a home is its user's to write in.
    chmodSync(join(root, "home/cnb"), 0o777);
    for (const name of ["bin", "lib", "lib64"]) {
      mkdirSync(join(root, "usr", name), { recursive: true });
      symlinkSync(`usr/${name}`, join(root, name));
    }
    for (const name of [...programs, ...more].filter((one) => !without.includes(one))) {
      const path = realpathSync(`/bin/${name}`);
      cpSync(path, join(root, "usr/bin", name));
      for (const library of librariesOf(path)) if (!existsSync(join(root, library))) copy(library, root);
    }
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\ncnb:x:1000:1001::/home/cnb:/bin/sh\n");
    writeFileSync(join(root, "etc/group"), "root:x:0:\ncnb:x:1001:\nwheel:x:10:\n");
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      if (content.startsWith("-> ")) symlinkSync(content.slice(3), join(root, path));
      else writeFileSync(join(root, path), content, { mode: content.startsWith("#!") ? 0o755 : 0o644 });
    }
    return execFileSync("tar", ["-C", root, "--owner=0", "--group=0", "-cf", "-", "."], { maxBuffer: 1 << 28 });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Writes an image of a few programs of this machine into the local store below `home`. */
export async function writeMachineImage(home: string, name: string, recipe: MachineImage = {}): Promise<Image> {
  const tar = tarOf(recipe);
  await using store = openLayout(homeAt(home).store, { hold: true });
  const descriptor = await store.put(mediaTypes.oci.tar, [tar]);
  const config = {
    architecture: recipe.architecture ?? ociArchitecture(process.arch),
    os: "linux",
    history: [{ created_by: "test" }],
    diffIds: [],
    config: recipe.config ?? {},
  };
  const image = withLayers({ family: "oci", config, layers: [] }, [{ diffId: diffIdOfTar(digestOf(tar)), descriptor }]);
  await store.write(image, [parseReference(`${name}:latest`)], store);
  return image;
}
