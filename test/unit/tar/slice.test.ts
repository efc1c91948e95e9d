import { describe, expect, it } from "vitest";
import type { ByteString } from "../../../src/tar/name.ts";
import { planSlices } from "../../../src/tar/slice.ts";

/** A tree from the paths of its leaves; one that ends with a slash is an empty directory. */
function tree(...leaves: readonly string[]) {
  const kinds = new Map<string, boolean>([["", true]]);
  for (const leaf of leaves) {
    const parts = leaf.split("/");
    for (let i = 1; i < parts.length; i++) kinds.set(parts.slice(0, i).join("/"), true);
    if (!leaf.endsWith("/")) kinds.set(leaf, false);
  }
  const order = (path: string) => path.replaceAll("/", "\u0001");
  return [...kinds]
    .sort(([a], [b]) => (order(a) < order(b) ? -1 : 1))
    .map(([path, isDirectory]) => ({ path: path as ByteString, isDirectory }));
}

const app = tree("app.sh", "lib/x.txt", "readme.txt", "static/a.js", "static/sub/b.js");

describe("planSlices", () => {
  it("SLICE-001 SLICE-008 makes a part for each slice and one for the rest, parents in each", () => {
    expect(planSlices(app, [["static/sub"], ["*.txt"]])).toEqual([
      ["", "static", "static/sub", "static/sub/b.js"],
      ["", "readme.txt"],
      ["", "app.sh", "lib", "lib/x.txt", "static", "static/a.js"],
    ]);
  });

  it("SLICE-001 without slices everything is the rest", () => {
    expect(planSlices(app, [])).toEqual([app.map(({ path }) => path)]);
  });

  it("SLICE-002 a matched directory takes all in it, stars and question marks stay within one part of a path", () => {
    expect(planSlices(app, [["lib/?.txt"]])[0]).toEqual(["", "lib", "lib/x.txt"]);
    expect(planSlices(app, [["lib?x.txt"]])[0]).toEqual([]);
    expect(planSlices(app, [["*"]])[0]).toHaveLength(app.length);
    expect(planSlices(app, [["static/*"]])[0]).toEqual(["", "static", "static/a.js", "static/sub", "static/sub/b.js"]);
    expect(planSlices(app, [["*.js"]])[0]).toEqual([]);
    expect(planSlices(app, [["static?a.js"]])[0]).toEqual([]);
    expect(planSlices(app, [["**/*.js"]])[0]).toEqual(["", "static", "static/a.js"]);
    expect(planSlices(app, [["[r-s]*"]])[0]).toEqual([
      "",
      "readme.txt",
      "static",
      "static/a.js",
      "static/sub",
      "static/sub/b.js",
    ]);
  });

  it.each(["../x", "..", ".", "", "/", "/workspace/static", "static/../../x"])(
    "SLICE-003 %j takes nothing",
    (pattern) => {
      expect(planSlices(app, [[pattern]])[0]).toEqual([]);
    },
  );

  it.each(["./static/a.js", "static//a.js", "lib/../static/a.js", "static/a.js/"])(
    "SLICE-003 %j is cleaned before it is compared",
    (pattern) => {
      expect(planSlices(app, [[pattern]])[0]).toEqual(["", "static", "static/a.js"]);
    },
  );

  it("SLICE-004 what an earlier slice took is gone for later ones", () => {
    expect(planSlices(app, [["static/sub"], ["static"], ["static"]])).toEqual([
      ["", "static", "static/sub", "static/sub/b.js"],
      ["", "static", "static/a.js"],
      [],
      ["", "app.sh", "lib", "lib/x.txt", "readme.txt"],
    ]);
  });

  it("SLICE-005 a slice without a match is empty, without parents", () => {
    expect(planSlices(app, [["nothing*"], []]).slice(0, 2)).toEqual([[], []]);
  });

  it("SLICE-006 a directory whose content is all taken goes with it, up to the app directory", () => {
    expect(planSlices(tree("a/b/c", "a/b/d"), [["a/b/c"], ["a/b/d"]])).toEqual([
      ["", "a", "a/b", "a/b/c"],
      ["", "a", "a/b", "a/b/d"],
      [],
    ]);
    expect(planSlices(tree("a/b/c", "a/e/"), [["a/b/c"]])[1]).toEqual(["", "a", "a/e"]);
  });

  it("SLICE-007 slices are kept in the order they come in", () => {
    const parts = planSlices(app, [["lib"], ["app.sh"], ["readme.txt"]]);
    expect(parts.map((part) => part.at(-1))).toEqual(["lib/x.txt", "app.sh", "readme.txt", "static/sub/b.js"]);
  });

  it("orders by whole paths, not as a walk does", () => {
    const flat = tree("a/z", "a-b", "a.txt");
    expect(flat.map(({ path }) => path)).toEqual(["", "a", "a/z", "a-b", "a.txt"]);
    expect(planSlices(flat, [])).toEqual([["", "a", "a-b", "a.txt", "a/z"]]);
  });

  it("SLICE-006 a directory goes with the last of its content, deep ones first, and stays while anything is left", () => {
    const deep = tree("a/x", "a/b/c", "a/b/d/e", "z");
    expect(planSlices(deep, [["a/x", "a/b/c", "a/b/d/e"]])).toEqual([
      ["", "a", "a/b", "a/b/c", "a/b/d", "a/b/d/e", "a/x"],
      ["", "z"],
    ]);
    expect(planSlices(deep, [["a/x", "a/b/c"]])[1]).toEqual(["", "a", "a/b", "a/b/d", "a/b/d/e", "z"]);
    expect(planSlices(tree("a/b"), [["a/b"]])).toEqual([["", "a", "a/b"], []]);
  });

  it("SLICE-008 what an earlier slice took is gone from later ones, and an empty directory can be taken", () => {
    expect(planSlices(tree("a/1", "a/2", "e/"), [["a/1"], ["a", "e"]])).toEqual([
      ["", "a", "a/1"],
      ["", "a", "a/2", "e"],
      [],
    ]);
  });
});
