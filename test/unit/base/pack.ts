import type { Entry, Package } from "../../../src/base/package.ts";
import { byteString } from "../../../src/tar/name.ts";

/** A package from lines: `path/` is a directory, `path -> target` a link, `path = text` or `path` a file. */
export function pack(name: string, ...lines: string[]): Package {
  const entries = lines.map((line): Entry => {
    const [path, target] = line.split(" -> ");
    const base = { path: byteString(path!.replace(/\/$| = .*/s, "")), uid: 0, gid: 0 };
    if (target !== undefined) return { ...base, type: "symlink", link: byteString(target) };
    if (line.endsWith("/")) return { ...base, type: "directory", mode: name === "base-files" ? 0o700 : 0o755 };
    const from = Buffer.from(line.split(" = ")[1] ?? "");
    return { ...base, type: "file", mode: 0o644, content: { size: from.length, from } };
  });
  const control = new Map([["Package", name]]);
  return { name, version: "1", architecture: "all", control, md5sums: undefined, conffiles: [], listing: [], entries };
}
