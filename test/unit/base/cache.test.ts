import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { serve } from "../../support/serve.ts";
import { bench, faultFrom } from "./place.ts";
import { definition, from, sample } from "./sample.ts";

describe("the cache of packages", { timeout: 60_000 }, () => {
  it("has each package fetched once, and serves without the network", async (test) => {
    const { directory, keyring } = sample(test);
    await using server = await serve((path) => {
      const file = join(directory, path);
      return existsSync(file) ? readFileSync(file) : undefined;
    });
    using place = bench();
    const options = { mirrors: [{ url: server.url }], keyring };
    const fetched = () => server.asked.splice(0).filter((path) => path.endsWith(".deb"));
    const text = definition(["app", "base-files"]);

    const first = await place.create(text, options);
    expect(fetched()).toHaveLength(3);
    const second = await place.create(text, options);
    expect(fetched()).toEqual([]);
    const third = await place.create(text, { ...options, offline: true });
    expect(server.asked).toEqual([]);
    expect([second, third].map(({ identity }) => identity.imageId)).toEqual(Array(2).fill(first.identity.imageId));

    const fault = await faultFrom(place.create(definition(["tool-a"]), { ...options, offline: true }));
    expect(fault.code).toBe("base.offline");
    expect(fault.message).toContain("Cannot take tool-a offline: not in the cache at ");
  });

  it("says what is missing when nothing was fetched before", async (test) => {
    using place = bench();
    const fault = await faultFrom(place.create(definition(["app"]), { ...from(sample(test)), offline: true }));
    expect(fault.code).toBe("base.offline");
    expect(fault.message).toContain("Cannot resolve packages offline: no lists of one at file:");
  });

  it("fetches a package again that was damaged in it", async (test) => {
    using place = bench();
    const first = await place.create(definition(["app"]), from(sample(test)));
    const cached = join(place.folder, "cache/deb");
    for (const name of readdirSync(cached)) writeFileSync(join(cached, name), "damaged");
    const second = await place.create(definition(["app"]), from(sample(test)));
    expect(second.identity.imageId).toBe(first.identity.imageId);
  });
});
