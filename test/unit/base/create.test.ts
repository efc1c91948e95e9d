import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { diffPackages } from "../../../src/base/diff.ts";
import { packagesOf } from "../../../src/base/packages.ts";
import { ociArchitecture } from "../../../src/oci/platform.ts";
import { architecture, debianArchive } from "../../support/debian-archive.ts";
import { bench, contentsOf } from "./place.ts";
import { definition, from, release, sample } from "./sample.ts";

describe("a base from packages", { timeout: 60_000 }, () => {
  it("IMG-001 IMG-002 IMG-003 IMG-005 IMG-006 IMG-007 IMG-008 IMG-009 IMG-010 has the config of a run image", async (test) => {
    using place = bench();
    const about = ["id = 'team/base-1'", "description = 'd'", "homepage = 'h'", "maintainer = 'm'", "released = 'r'"];
    const more = ["[base]", ...about, "stack = 'team.stack'", "[env]", "LANG = 'C.UTF-8'", "[user]", "uid = 1234"];
    const report = await place.create(definition(["app", "base-files"], more.join("\n")), from(sample(test)));
    const { config, ...image } = report.image.config;
    const platform = { os: "linux", architecture: ociArchitecture(process.arch) };
    expect(image).toMatchObject({ ...platform, created: "1980-01-01T00:00:01Z" });
    expect(config.User).toBe("1234:1234");
    expect(config.Env).toEqual([
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "LANG=C.UTF-8",
      "CNB_USER_ID=1234",
      "CNB_GROUP_ID=1234",
      "CNB_STACK_ID=team.stack",
    ]);
    expect(config.Labels).toEqual({
      "io.buildpacks.base.id": "team/base-1",
      "io.buildpacks.base.description": "d",
      "io.buildpacks.base.homepage": "h",
      "io.buildpacks.base.maintainer": "m",
      "io.buildpacks.base.released": "r",
      "io.buildpacks.base.distro.name": "test",
      "io.buildpacks.base.distro.version": "7",
      "io.buildpacks.base.metadata": '{"packages":{"app":"2:1.0~rc1-1","base-files":"1.0","lib":"1.0-1"}}',
      "io.buildpacks.rebasable": "true",
      "io.buildpacks.stack.id": "team.stack",
    });
    expect(report.image.annotations).toEqual({ "plinth.base.suites": "one" });
    expect(report.packages).toEqual({ app: "2:1.0~rc1-1", "base-files": "1.0", lib: "1.0-1" });
    expect(await packagesOf((await place.read())!)).toEqual(report.packages);
    expect(readdirSync(join(place.folder, "tmp"))).toEqual([]);
  });

  it("IMG-001 IMG-002 a build image says whose ids a build has, and has no word on rebasing", async (test) => {
    using place = bench();
    const text = definition(["app", "base-files"], 'kind = "build"\ntools = []\n[user]\nuid = 1001\ngid = 1002');
    const report = await place.create(text, from(sample(test)));
    const { config } = report.image.config;
    expect(config).toMatchObject({
      User: "1001:1002",
      Env: expect.arrayContaining(["CNB_USER_ID=1001", "CNB_GROUP_ID=1002"]),
    });
    expect(Object.keys(config.Labels!).sort()).toEqual([
      "io.buildpacks.base.distro.name",
      "io.buildpacks.base.distro.version",
      "io.buildpacks.base.metadata",
    ]);
    const seen = await contentsOf((await place.read())!);
    expect(seen.get("workspace/")).toMatchObject({ uid: 1001, gid: 1002 });
    expect(seen.get("home/cnb/")).toMatchObject({ uid: 1001, gid: 1002 });
  });

  it("merges /usr, keeps hard links, leaves manuals out and licences in", async (test) => {
    using place = bench();
    await place.create(definition(["app", "base-files"]), from(sample(test)));
    const seen = await contentsOf((await place.read())!);
    const file = { type: "file", mode: 0o644, uid: 0, gid: 0, mtime: 315_532_801 };
    expect(seen.get("bin")).toMatchObject({ type: "symlink", link: "usr/bin", mode: 0o777 });
    expect(seen.get("usr/bin/app")).toMatchObject({ ...file, text: "old place" });
    expect(seen.get("usr/bin/app-link")).toMatchObject({ type: "symlink", link: "/bin/app" });
    expect(seen.get("usr/lib/libx-again.so.1")).toMatchObject({ ...file, text: "x".repeat(100) });
    expect(seen.get("usr/lib/libx.so.1")).toMatchObject({ type: "hardlink", link: "usr/lib/libx-again.so.1" });
    expect(seen.has("usr/share/doc/lib/copyright")).toBe(true);
    expect(seen.has("usr/share/doc/lib/README")).toBe(false);
    expect(seen.has("usr/share/man/man1/lib.1")).toBe(false);
    expect(seen.get("var/tmp/")).toMatchObject({ type: "directory", mode: 0o1777 });
    expect(seen.get("home/cnb/")).toMatchObject({ type: "directory", mode: 0o755, uid: 1000, gid: 1000 });
    expect(seen.get("etc/passwd")?.text).toContain("cnb:*:1000:1000::/home/cnb:/usr/sbin/nologin\n");
    expect(seen.get("etc/group")?.text).toContain("cnb:*:1000:\n");
  });

  it("holds what dpkg and scanners read", async (test) => {
    using place = bench();
    await place.create(definition(["app", "base-files"]), from(sample(test)));
    const seen = await contentsOf((await place.read())!);
    expect(seen.get("var/lib/dpkg/status")?.text.split("\n\n")[0]?.split("\n")).toEqual([
      "Package: app",
      "Status: install ok installed",
      "Version: 2:1.0~rc1-1",
      `Architecture: ${architecture}`,
      "Maintainer: Nobody <nobody@example.org>",
      "Depends: lib (>= 1)",
      "Conffiles:",
      " /etc/app.conf 9358f2568f3316fe7e78a4fa7707c414",
      "Description: app for tests",
    ]);
    const listed = ["", "/.", "/bin", "/bin/app", "/etc", "/etc/app.conf", "/usr", "/usr/bin", "/usr/bin/app-link"];
    expect(seen.get("var/lib/dpkg/info/app.list")?.text.split("\n").sort()).toEqual(listed);
    expect(seen.get("var/lib/dpkg/info/app.conffiles")?.text).toBe("/etc/app.conf\n");
    expect(seen.get(`var/lib/dpkg/info/lib:${architecture}.md5sums`)?.text).toContain("  lib/libx.so.1\n");
  });

  it("is the same image for the same packages, whenever they were packed and in whatever suites they were found", async (test) => {
    using other = debianArchive(test, { one: release, "one-updates": [] });
    using here = bench();
    using there = bench();
    const a = await here.create(definition(["app", "base-files"]), from(sample(test)));
    const text = definition(["base-files", "app"], 'suites = ["release", "updates"]\n');
    const b = await there.create(text, from(other));
    expect(b.identity.imageId).toBe(a.identity.imageId);
    expect(b.suites).toEqual(["one", "one-updates"]);
  });

  it("IMG-012 takes newer packages from further suites of the same release, and keeps every layer they are not in", async (test) => {
    using place = bench();
    const packages = ["app", "base-files", "heavy"];
    const before = await place.create(definition(packages), from(sample(test)));
    const after = await place.create(definition(packages, 'suites = ["release", "security"]\n'), from(sample(test)));
    expect(after.packages).toEqual({ ...before.packages, lib: "1.0-2" });
    expect(after.distro).toEqual(before.distro);
    expect(diffPackages(before.packages!, after.packages!)).toEqual({
      added: [],
      removed: [],
      upgraded: [{ name: "lib", from: "1.0-1", to: "1.0-2" }],
      downgraded: [],
    });
    const titles = ["small packages", "heavy 1.0", "system files"].map((title) => `plinth base: ${title}`);
    expect(before.image.config.history.map((entry) => entry.created_by)).toEqual(titles);
    const same = before.image.layers.map((layer, at) => layer.diffId === after.image.layers[at]?.diffId);
    expect(same).toEqual([false, true, false]);
  });

  it("holds a pinned package at its version", async (test) => {
    using place = bench();
    const text = definition(["lib"], 'suites = ["release", "security"]\n[pins]\nlib = "1.0-1*"\n');
    expect((await place.create(text, from(sample(test)))).packages).toEqual({ lib: "1.0-1" });
  });

  it("takes the one package that provides a virtual one", async (test) => {
    using place = bench();
    expect((await place.create(definition(["virtual-lib"]), from(sample(test)))).packages).toEqual({ lib: "1.0-1" });
  });

  it("leaves out what is not wanted with all that only it needs", async (test) => {
    using place = bench();
    const report = await place.create(definition(["needy"], 'without = ["helper"]\n'), from(sample(test)));
    expect(Object.keys(report.packages!)).toEqual(["base-files", "needy"]);
  });

  it("has the definition's files in place of those of packages", async (test) => {
    using place = bench();
    const app = '[[files]]\npath = "/bin/app"\ncontent = "mine"\nmode = 0o755\n';
    const motd = '[[files]]\npath = "/etc/motd"\nlink = "issue"\n';
    await place.create(definition(["app", "base-files"], app + motd), from(sample(test)));
    const seen = await contentsOf((await place.read())!);
    expect(seen.get("usr/bin/app")).toMatchObject({ text: "mine", mode: 0o755 });
    expect(seen.get("etc/motd")).toMatchObject({ type: "symlink", link: "issue" });
  });

  it("has the file of a package that says it replaces the other's", async (test) => {
    using place = bench();
    await place.create(definition(["app", "heir"]), from(sample(test)));
    expect((await contentsOf((await place.read())!)).get("usr/bin/app")?.text).toBe("heir");
  });
});
