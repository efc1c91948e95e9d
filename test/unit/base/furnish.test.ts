import { execFileSync } from "node:child_process";
import { describe, expect, it, type TestContext } from "vitest";
import { defaultUser, parseDefinition } from "../../../src/base/definition.ts";
import { furnish } from "../../../src/base/furnish.ts";
import { readFileAt, type Tree, treeOf } from "../../../src/base/tree.ts";
import { byteString } from "../../../src/tar/name.ts";
import { peer } from "../../support/peer.ts";
import { pack } from "./pack.ts";
import { faultFrom } from "./place.ts";

async function furnished(text: string, ...lines: string[]): Promise<Tree> {
  const packages = [pack("base-files", ...lines)];
  const tree = treeOf(packages);
  await furnish(tree, packages, parseDefinition(text, "base.toml"), defaultUser);
  return tree;
}

const at = (tree: Tree, path: string) => tree.get(byteString(path));

describe("what maintainer scripts would have done", () => {
  it("copies templates where nothing is", async () => {
    const tree = await furnished(
      "",
      "usr/share/base-files/profile = template",
      "usr/share/base-files/motd = template",
      "etc/motd = own",
      "usr/share/libc-bin/nsswitch.conf = hosts: files dns",
    );
    expect(await readFileAt(tree, "etc/profile")).toBe("template");
    expect(await readFileAt(tree, "etc/motd")).toBe("own");
    expect(await readFileAt(tree, "etc/nsswitch.conf")).toBe("hosts: files dns");
  });

  it("makes the directories of a root file system with their modes", async () => {
    const tree = await furnished("");
    expect(at(tree, "tmp")).toMatchObject({ type: "directory", mode: 0o1777 });
    expect(at(tree, "root")).toMatchObject({ type: "directory", mode: 0o700 });
    expect(at(tree, "var/mail")).toMatchObject({ type: "directory", mode: 0o2775, gid: 8 });
    expect(at(tree, "var/run")).toMatchObject({ type: "symlink", link: "/run" });
    expect(at(tree, "var/spool/mail")).toMatchObject({ type: "symlink", link: "../mail" });
  });

  it("adds the user to the master files, with the best shell there is", async () => {
    const passwd = "usr/share/base-passwd/passwd.master = root:*:0:0:root:/root:/bin/bash\n";
    const tree = await furnished("", passwd, "usr/share/base-passwd/group.master = root:*:0:\n", "bin/bash");
    expect(await readFileAt(tree, "etc/passwd")).toBe(
      "root:*:0:0:root:/root:/bin/bash\ncnb:*:1000:1000::/home/cnb:/bin/bash\n",
    );
    expect(await readFileAt(tree, "etc/group")).toBe("root:*:0:\ncnb:*:1000:\n");
  });

  it("gives commands with several programs their name", async () => {
    const tree = await furnished(
      "",
      "usr/bin/mawk",
      "usr/bin/original-awk",
      "usr/bin/which.debianutils",
      "bin/more",
      "usr/bin/which",
    );
    expect(at(tree, "usr/bin/awk")).toMatchObject({ link: "/etc/alternatives/awk" });
    expect(at(tree, "etc/alternatives/awk")).toMatchObject({ link: "/usr/bin/mawk" });
    expect(at(tree, "etc/alternatives/pager")).toMatchObject({ link: "/usr/bin/more" });
    expect(at(tree, "usr/bin/which")).toMatchObject({ type: "file" });
  });

  it("gives the compilers theirs", async () => {
    const tree = await furnished("", "usr/bin/gcc", "usr/bin/g++");
    expect(at(tree, "etc/alternatives/cc")).toMatchObject({ link: "/usr/bin/gcc" });
    expect(at(tree, "usr/bin/c++")).toMatchObject({ link: "/etc/alternatives/c++" });
    expect(at(tree, "usr/bin/c99")).toBeUndefined();
  });

  it("makes what a build works in, in a build image only", async () => {
    const tree = await furnished('kind = "build"');
    for (const path of ["workspace", "layers"])
      expect(at(tree, path)).toMatchObject({ uid: 1000, gid: 1000, mode: 0o755 });
    for (const path of ["cnb", "cnb/buildpacks", "platform/env"])
      expect(at(tree, path)).toMatchObject({ uid: 0, gid: 0 });
    expect(at(await furnished(""), "workspace")).toBeUndefined();
  });

  it("sets the time zone and registers shells", async () => {
    const tree = await furnished(
      "",
      "usr/share/zoneinfo/Etc/UTC",
      "usr/share/debianutils/shells = # shells\n/bin/sh\n",
      "usr/share/debianutils/shells.d/dash = /bin/dash\n/bin/sh\n",
    );
    expect(at(tree, "etc/localtime")).toMatchObject({ link: "/usr/share/zoneinfo/Etc/UTC" });
    expect(await readFileAt(tree, "etc/timezone")).toBe("Etc/UTC\n");
    expect(await readFileAt(tree, "etc/shells")).toBe("# shells\n/bin/sh\n/bin/dash\n");
  });

  it("leaves documentation out but licences, unless it is wanted", async () => {
    const lines = [
      "usr/share/man/man1/x.1",
      "usr/share/locale/de/x.mo",
      "usr/share/doc/a/copyright",
      "usr/share/doc/a/examples/deep/x",
      "usr/share/doc/b -> a",
      "usr/lib/locale/C.utf8/LC_CTYPE",
    ];
    const below = (tree: Tree) =>
      [...tree.keys()].filter((path) => /^usr\/(share\/(doc|man|locale)|lib\/locale)\/./.test(path)).sort();
    expect(below(await furnished("", ...lines))).toEqual([
      "usr/lib/locale/C.utf8",
      "usr/lib/locale/C.utf8/LC_CTYPE",
      "usr/share/doc/a",
      "usr/share/doc/a/copyright",
      "usr/share/doc/b",
    ]);
    expect(below(await furnished("documentation = true", ...lines))).toContain("usr/share/man/man1/x.1");
  });
});

function certificate(test: TestContext, name: string): string {
  const args = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-subj", `/CN=${name}`];
  return execFileSync(peer("openssl", test), args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

describe("certificates", () => {
  it("are bundled and linked in order, the definition's own after those of packages", async (test) => {
    const [b, a, other] = [certificate(test, "same"), certificate(test, "same"), certificate(test, "own")];
    const own = `[[files]]\npath = "/usr/local/share/ca-certificates/Own (1).crt"\ncontent = """${other}"""\n`;
    const folder = "usr/share/ca-certificates/mozilla";
    const tree = await furnished(own, `${folder}/Ő.crt = ${b.trimEnd()}`, `${folder}/A.crt = ${a}`);
    expect(await readFileAt(tree, "etc/ssl/certs/ca-certificates.crt")).toBe(a + b + other);
    expect(await readFileAt(tree, "etc/ca-certificates.conf")).toBe("mozilla/A.crt\nmozilla/Ő.crt\n");
    const links = [...tree].flatMap(([path, node]) =>
      node.type === "symlink" && path.startsWith("etc/ssl/certs/") ? [[path.slice(14), node.link]] : [],
    );
    const hash = execFileSync("openssl", ["x509", "-noout", "-subject_hash"], { input: a, encoding: "utf8" }).trim();
    expect(links).toEqual(
      expect.arrayContaining([
        ["A.pem", "/usr/share/ca-certificates/mozilla/A.crt"],
        [byteString("Ő.pem"), byteString("/usr/share/ca-certificates/mozilla/Ő.crt")],
        ["Own_=1=.pem", "/usr/local/share/ca-certificates/Own (1).crt"],
        [`${hash}.0`, "A.pem"],
        [`${hash}.1`, byteString("Ő.pem")],
      ]),
    );
    expect(links).toHaveLength(6);
  });

  it("are refused where they are none", async () => {
    const fault = await faultFrom(furnished("", "usr/share/ca-certificates/x.crt = text"));
    expect(fault.code).toBe("base.certificate");
    expect(fault.message).toContain("Cannot use certificate at /usr/share/ca-certificates/x.crt: ");
  });
});
