import { once } from "node:events";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { copy } from "../../src/index.ts";
import { parseReference } from "../../src/oci/reference.ts";
import { openRegistry } from "../../src/store/registry.ts";
import { Bench } from "../support/flow.ts";
import { threeLayers } from "../support/layers.ts";
import { startPack } from "../support/program.ts";
import { startRegistry } from "../support/registry.ts";
import { startRelay } from "../support/relay.ts";

const bench = new Bench();
beforeAll(async () => {
  await threeLayers(bench, "old");
  await threeLayers(bench, "new");
});

const steps: readonly [string, RegExp][] = [
  ["a layer", /^PATCH /],
  ["the end of a layer", /^PUT .*uploads/],
  ["the manifest", /^PUT .*manifests/],
];

describe("Ctrl-C in the middle of a push", () => {
  it.for(steps)("while %s is on its way: one line, exit 130, and the tag is as it was", async ([, step], context) => {
    await using registry = await startRegistry(context);
    await using relay = await startRelay(registry.host);
    const name = `${relay.host}/interrupted`;
    await copy({ from: "old", to: `docker://${name}`, home: bench.home });
    await using remote = openRegistry();
    const before = (await remote.read(parseReference(name)))?.identity;
    // The request is never answered; that it came is the sign to interrupt.
    const arrived = new Promise<void>((done) => {
      relay.interfere = ({ method, path }, incoming) => {
        if (!step.test(`${method} ${path}`)) return undefined;
        incoming.resume();
        done();
        return "handled";
      };
    });
    const child = startPack(["copy", "new", `docker://${name}`], { home: bench.home });
    let said = "";
    child.stderr!.on("data", (part) => {
      said += part;
    });
    const ended = once(child, "close");
    await Promise.race([arrived, ended]);
    child.kill("SIGINT");
    const [code] = await ended;
    expect([code, said.trim()]).toEqual([130, "ERROR: Cannot finish: interrupted; nothing was changed"]);
    relay.interfere = undefined;
    expect((await remote.read(parseReference(name)))?.identity).toEqual(before);
    const after = await copy({ from: "new", to: `docker://${name}`, home: bench.home });
    expect((await remote.read(parseReference(name)))?.identity.digest).toBe(after.digest);
    expect(bench.exists(join("home", "store", "index.json"))).toBe(true);
  });
});
