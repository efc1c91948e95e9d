import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, type TestContext } from "vitest";
import { namesIn } from "../../../src/std/file.ts";
import { hostPath } from "../../../src/std/path.ts";
import { architecture, debianArchive, poolOf } from "../../support/debian-archive.ts";
import { serve } from "../../support/serve.ts";
import { bench, faultFrom } from "./place.ts";
import { definition, from, release, sample } from "./sample.ts";

const cases = [
  [
    "an unknown package",
    definition(["app", "ap"]),
    "base.package",
    "Cannot find package ap: one has none of that name",
  ],
  [
    "a name several packages provide",
    definition(["tool"]),
    "base.package",
    "Cannot choose package tool: it is provided by tool-a, tool-b",
  ],
  [
    "a version that is not there",
    definition(["lib"], '[pins]\nlib = "2.*"\n'),
    "base.pin",
    "Cannot pin lib to 2.*: one has 1.0-1",
  ],
  [
    "a pin of an unknown package",
    definition(["lib"], '[pins]\nlob = "2"\n'),
    "base.pin",
    "Cannot pin lob to 2: one has no such package",
  ],
  [
    "a pin of a package that is not in it",
    definition(["lib"], '[pins]\napp = "2:*"\n'),
    "base.pin",
    "Cannot pin app to 2:*: nothing in this base needs it",
  ],
  [
    "dependencies that cannot be met",
    definition(["broken"]),
    "base.resolve",
    "Cannot resolve the packages in one: broken : Depends: lib (>= 9)",
  ],
  [
    "two packages with the same file",
    definition(["app", "rival"]),
    "base.conflict",
    "Cannot combine app and rival: both ship /usr/bin/app",
  ],
  [
    "a suite the mirror lacks",
    definition(["lib"], 'suites = ["backports"]\n'),
    "base.fetch",
    "Cannot fetch the package lists of one-backports at file:",
  ],
  ["no packages", definition([]), "base.definition", "Cannot make a base: the definition lists no packages"],
] as const;

async function expectNothing(place: ReturnType<typeof bench>): Promise<void> {
  expect(await place.read()).toBeUndefined();
  expect(await namesIn(join(place.folder, "tmp"))).toEqual([]);
}

describe("a base cannot be made of", { timeout: 60_000 }, () => {
  it.for(cases)("%s", async ([, text, code, message], test: TestContext) => {
    using place = bench();
    const fault = await faultFrom(place.create(text, from(sample(test))));
    expect(fault.code).toBe(code);
    expect(fault.message).toContain(message);
    await expectNothing(place);
  });

  it("an archive signed with another key", async (test) => {
    using other = debianArchive(test, { one: release });
    using place = bench();
    const options = { ...from(sample(test)), keyring: other.keyring };
    const fault = await faultFrom(place.create(definition(["lib"]), options));
    expect(fault.code).toBe("base.signature");
    expect(fault.message).toContain("Cannot verify the package lists of one at file:");
    await expectNothing(place);
  });

  it("an archive without a signature", async (test) => {
    using archive = debianArchive(test, { one: release });
    using place = bench();
    const signed = join(archive.directory, "dists/one/InRelease");
    const [, ...signedText] = readFileSync(signed, "utf8").split("\n\n");
    const plain = signedText.join("\n\n").replace(/-----BEGIN PGP SIGNATURE.*$/s, "");
    expect(plain).toMatch(/^Origin: /);
    writeFileSync(signed, plain);
    expect((await faultFrom(place.create(definition(["lib"]), from(archive)))).code).toBe("base.signature");
    await expectNothing(place);
  });

  it("a list that is not the signed one", async (test) => {
    using archive = debianArchive(test, { one: release });
    using place = bench();
    const list = join(archive.directory, `dists/one/main/binary-${architecture}/Packages`);
    writeFileSync(list, readFileSync(list, "utf8").replace("1.0-1", "1.0-9"));
    expect((await faultFrom(place.create(definition(["lib"]), from(archive)))).code).toBe("base.signature");
    await expectNothing(place);
  });

  it("a package that is not the one in the signed list", async (test) => {
    using archive = debianArchive(test, { one: release });
    using place = bench();
    const deb = poolOf(archive).find((file) => file.includes("/lib_"))!;
    const bytes = readFileSync(deb);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(deb, bytes);
    const fault = await faultFrom(place.create(definition(["lib"]), from(archive)));
    expect(fault.code).toBe("base.fetch");
    expect(fault.message).toMatch(/^Cannot download packages: .*lib_1\.0-1/);
    await expectNothing(place);
  });

  it("a server that has none of it; its password is not told", async (test) => {
    const { keyring } = sample(test);
    await using server = await serve(() => undefined);
    using place = bench();
    const url = server.url.replace("//", "//me:secret@");
    const fault = await faultFrom(place.create(definition(["lib"]), { mirrors: [{ url }], keyring }));
    expect(fault.code).toBe("base.fetch");
    expect(fault.message).toContain(`one at ${server.url}`);
    expect(`${fault.message}${fault.hint}`).not.toContain("secret");
  });

  it("a place for temporary files apt cannot name", async (test) => {
    using place = bench();
    const temporary = hostPath(join(place.folder, 'quo"te'));
    const fault = await faultFrom(place.create(definition(["app"]), { ...from(sample(test)), temporary }));
    expect(fault.code).toBe("base.directory");
  });

  it("half a run: an aborted one leaves nothing", async (test) => {
    using place = bench();
    const stop = new AbortController();
    const reason = new Error("stopped");
    const work = place.create(definition(["app"]), {
      ...from(sample(test)),
      signal: stop.signal,
      emit: (event) => event.type === "log" && event.text.startsWith("Unpacking") && stop.abort(reason),
    });
    await expect(work).rejects.toBe(reason);
    await expectNothing(place);
  });

  it("half a run: one aborted while it fetches ends at once", async (test) => {
    const stop = new AbortController();
    const reason = new Error("stopped");
    await using server = await serve(() => {
      stop.abort(reason);
      return undefined;
    });
    using place = bench();
    const options = { ...from(sample(test)), mirrors: [{ url: server.url }], signal: stop.signal };
    await expect(place.create(definition(["app"]), options)).rejects.toBe(reason);
    await expectNothing(place);
  });
});
