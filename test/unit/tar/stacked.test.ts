import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guestPath, type HostPath, under } from "../../../src/std/path.ts";
import { Stacked, type StackedLayer } from "../../../src/tar/stacked.ts";
import { unpackLayer, unpackTar } from "../../../src/tar/unpack.ts";
import { archive, type Sketch, temporary } from "./archive.ts";

/** Unpacks layers each by itself. */
async function layersOf(...layers: readonly (readonly Sketch[])[]): Promise<StackedLayer[]> {
  const found: StackedLayer[] = [];
  for (const sketches of layers) {
    const tree = temporary();
    const { opaque } = await unpackLayer([archive(sketches)], tree);
    found.push({ tree, opaque: new Set(opaque) });
  }
  return found;
}

/** Every path with what is there: a directory's with a slash, a file's with its content. */
function seenIn(namesAt: (path: string) => readonly string[], read: (path: string) => string | undefined): string[] {
  const walk = (path: string): string[] =>
    namesAt(path).flatMap((name) => {
      const full = `${path}/${name}`;
      const text = read(full);
      return text === undefined ? [`${full}/`, ...walk(full)] : [`${full}=${text}`];
    });
  return walk("");
}

function throughStack(layers: readonly StackedLayer[]): string[] {
  const stacked = new Stacked(layers);
  return seenIn(
    (path) => stacked.namesAt(guestPath(path || "/")),
    (path) => stacked.textAt(guestPath(path)),
  );
}

function onDisk(root: string): string[] {
  return seenIn(
    (path) => readdirSync(join(root, path)).sort(),
    (path) => (lstatSync(join(root, path)).isDirectory() ? undefined : readFileSync(join(root, path), "utf8")),
  );
}

/** The kernel's own view of the stack, through an overlay in namespaces of an ordinary user. */
function throughKernel(layers: readonly StackedLayer[], scratch: HostPath): string[] {
  for (const name of ["upper", "work", "merged"]) mkdirSync(under(scratch, name));
  const lower = layers.map(({ tree }) => tree).reverse();
  const script = `mount -t overlay -o lowerdir=${lower.join(":")},upperdir=upper,workdir=work,userxattr overlay merged && cd merged && find . -mindepth 1 -type d -printf '/%P/\\n' -o -type f -printf '/%P=' -exec cat {} \\; -printf '\\n'`;
  const text = execFileSync("unshare", ["--user", "--map-root-user", "--mount", "sh", "-c", script], {
    cwd: scratch,
    encoding: "utf8",
  });
  return text.trim().split("\n").sort();
}

const base: Sketch[] = [
  { name: "etc/" },
  { name: "etc/passwd", content: "old" },
  { name: "etc/hidden/" },
  { name: "etc/hidden/below", content: "1" },
  { name: "usr/bin/" },
  { name: "usr/bin/tool", content: "tool" },
  { name: "bin", link: "usr/bin" },
  { name: "opt/" },
  { name: "opt/one", content: "1" },
];
const top: Sketch[] = [
  { name: "etc/.wh.passwd" },
  { name: "etc/hidden/", mode: 0o555 },
  { name: "etc/hidden/.wh..wh..opq" },
  { name: "etc/hidden/above", content: "2" },
  { name: "opt/.wh.one" },
  { name: "opt/one/" },
  { name: "opt/one/two", content: "2" },
];

describe("a stack of unpacked layers", () => {
  it("shows a whiteout as nothing, and nothing of what lies below an opaque directory", async () => {
    expect(throughStack(await layersOf(base, top))).toEqual([
      "/bin/",
      "/bin/tool=tool",
      "/etc/",
      "/etc/hidden/",
      "/etc/hidden/above=2",
      "/opt/",
      "/opt/one/",
      "/opt/one/two=2",
      "/usr/",
      "/usr/bin/",
      "/usr/bin/tool=tool",
    ]);
  });

  it("is what the kernel's overlay shows of the same directories", async () => {
    const layers = await layersOf(base, top);
    const withoutLink = throughStack(layers).filter((line) => !line.startsWith("/bin/"));
    expect(throughKernel(layers, temporary())).toEqual(withoutLink.sort());
  });

  it("keeps the mode of a directory that is closed to its owner, marks and all", async () => {
    const [, layer] = await layersOf(base, top);
    expect(lstatSync(join(layer!.tree, "etc/hidden")).mode & 0o7777).toBe(0o555);
  });

  it("is what all layers give when they are unpacked over each other", async () => {
    const name = fc.constantFrom("a", "b", "c");
    const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const entry = fc.oneof(
      { weight: 4, arbitrary: fc.record({ name: path, content: fc.constantFrom("1", "2") }) },
      { weight: 2, arbitrary: path.map((at) => ({ name: `${at}/` })) },
      { weight: 2, arbitrary: path.map((at) => ({ name: at.replace(/([^/]+)$/, ".wh.$1") })) },
      { weight: 1, arbitrary: path.map((at) => ({ name: `${at}/.wh..wh..opq` })) },
    );
    const plainName = (sketch: Sketch) => sketch.name.replace(/\/$/, "");
    const layer = fc.uniqueArray<Sketch, string>(entry, { selector: plainName, maxLength: 6 });
    const property = fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 4 }), async (layers) => {
      const root = temporary();
      try {
        for (const sketches of layers) await unpackTar([archive(sketches)], root);
      } catch {
        // A layer that goes through a file of a layer below is no valid one.
        return;
      }
      // A whiteout brings about no directory of its own when it is applied, and one to stand in when it is kept.
      const files = (lines: readonly string[]) => lines.filter((line) => !line.endsWith("/"));
      expect(files(throughStack(await layersOf(...layers)))).toEqual(files(onDisk(root)));
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it("never leads out of the layers, whatever their links say", async () => {
    const outside = temporary();
    writeFileSync(join(outside, "secret"), "secret");
    const up = "../".repeat(20);
    const layers = await layersOf([
      { name: "absolute", link: join(outside, "secret") },
      { name: "relative", link: `${up}${outside.slice(1)}/secret` },
      { name: "round", link: "round" },
    ]);
    const stacked = new Stacked(layers);
    for (const name of ["absolute", "relative", "round"]) expect(stacked.textAt(guestPath(`/${name}`))).toBeUndefined();
    expect(stacked.textAt(guestPath(`/../..${outside}/secret`))).toBeUndefined();
  });

  it("sets no mark through a link that took a directory's place", async () => {
    const outside = temporary();
    mkdirSync(join(outside, "kept"));
    await layersOf([
      { name: "a/" },
      { name: "a/.wh.gone" },
      { name: "a/kept/.wh..wh..opq" },
      { name: "a", link: outside },
    ]);
    expect(readdirSync(outside)).toEqual(["kept"]);
    expect(execFileSync("find", [outside, "-type", "c"], { encoding: "utf8" })).toBe("");
  });

  it("leaves devices out, so that none passes for a whiteout", async () => {
    const layers = await layersOf([{ name: "file", content: "1" }], [{ name: "file", type: "char", mode: 0o600 }]);
    expect(throughStack(layers)).toEqual(["/file=1"]);
  });
});
