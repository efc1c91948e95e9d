import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asksOldBase, baseEnd } from "../../../src/cnb/base-end.ts";
import { labelNames } from "../../../src/cnb/label.ts";
import { swapBase } from "../../../src/cnb/rebase.ts";
import { lifecycleOf, refusals } from "../../../src/cnb/refusal.ts";
import { labelsOf } from "../../../src/oci/config.ts";
import { documentsOf, type Image } from "../../../src/oci/image.ts";
import { appImage, runImage } from "../../support/app-image.ts";

/** Few contents, so that layers repeat within a base, across bases and between base and app. */
const contents = fc.constantFrom("", "a", "b", "c");
const base = fc
  .record({
    layers: fc.array(contents, { minLength: 1, maxLength: 5 }),
    labels: fc.dictionary(
      fc.constantFrom("io.buildpacks.base.id", "io.buildpacks.base.released", "io.buildpacks.stack.id", "other"),
      fc.constantFrom("1", "2"),
    ),
    annotations: fc.option(fc.dictionary(fc.constantFrom("x", "y"), fc.constantFrom("1", "2")), { nil: undefined }),
  })
  .map(
    ({ layers, labels, annotations }): Image => ({ ...runImage(layers, labels), ...(annotations && { annotations }) }),
  );
const own = fc.record({
  buildpack: fc.uniqueArray(contents, { maxLength: 3 }),
  slices: fc.array(contents, { minLength: 1, maxLength: 3 }),
});
const name = "run.example/base:1";

function on(app: Image, newBase: Image, reference = "run.example/base@sha256:new"): Image {
  return swapBase(app, newBase, { name, reference });
}

/** Everything about an image that its user can tell apart. */
function seen(image: Image) {
  const { [labelNames.lifecycle]: _, ...labels } = labelsOf(image.config);
  const { runImage: recorded, ...metadata } = lifecycleOf(image.config)!;
  const { reference, ...names } = recorded;
  const { architecture, os, config } = image.config;
  return {
    platform: { architecture, os },
    config: { ...config, Labels: undefined },
    labels,
    metadata,
    names,
    layers: image.layers,
    family: image.family,
    annotations: image.annotations,
  };
}

describe("rebase", () => {
  it("onto the same base changes nothing that matters, and the second time nothing at all", () => {
    fc.assert(
      fc.property(base, own, (old, made) => {
        const app = appImage(old, made);
        const once = on(app, old);
        expect(seen(once)).toEqual(seen(app));
        expect(documentsOf(on(once, old)).identity).toEqual(documentsOf(once).identity);
      }),
    );
  });

  it("onto one base and then another is rebase onto the last", () => {
    fc.assert(
      fc.property(base, base, base, own, (old, first, last, made) => {
        const app = appImage(old, made);
        expect(documentsOf(on(on(app, first), last))).toEqual(documentsOf(on(app, last)));
      }),
    );
  });

  it("keeps the app's own layers, in order and above the whole new base", () => {
    fc.assert(
      fc.property(base, base, own, (old, next, made) => {
        const app = appImage(old, made);
        expect(refusals({ app, newBase: next, runImageName: name })).toEqual([]);
        const result = on(app, next);
        expect(result.layers).toEqual([...next.layers, ...app.layers.slice(old.layers.length)]);
        expect(result.config.history).toHaveLength(result.layers.length);
      }),
    );
  });

  it("needs the old base to tell its end only where the top layer repeats", () => {
    fc.assert(
      fc.property(base, base, own, (old, other, made) => {
        const { config } = appImage(old, made);
        const metadata = lifecycleOf(config)!;
        fc.pre(!asksOldBase(config.diffIds, metadata));
        const alone = baseEnd(config.diffIds, metadata);
        for (const { config: known } of [old, other])
          expect(baseEnd(config.diffIds, metadata, known.diffIds)).toEqual(alone);
      }),
    );
  });

  it("and back again gives back the labels about the base", () => {
    fc.assert(
      fc.property(base, base, own, (old, next, made) => {
        const app = on(appImage(old, made), old);
        expect(documentsOf(on(on(app, next), old)).configText).toBe(documentsOf(app).configText);
      }),
    );
  });
});
