import { expect, it } from "vitest";
import { parseDestination } from "../../../src/build/destination.ts";
import { formatReference } from "../../../src/oci/reference.ts";
import { hostPath } from "../../../src/std/path.ts";
import { faultOf } from "../../support/fault.ts";

const base = hostPath("/src");

it("ANALYZE-002 every tag is a name, and of one registry with the image when that goes to one", () => {
  const published = { image: "a.example/app", output: "registry" } as const;
  const { tags, registry } = parseDestination({ ...published, tags: ["a.example/other:1"] }, base);
  expect(registry).toBe("a.example");
  expect(tags.map(formatReference)).toEqual(["a.example/other:1"]);
  expect(faultOf(() => parseDestination({ ...published, tags: ["b.example/app"] }, base))).toMatchObject({
    code: "destination.registry",
    exit: "analyze",
  });
  expect(faultOf(() => parseDestination({ image: "app", tags: ["Not A Name"] }, base)).code).toBe("reference.parse");
  expect(parseDestination({ image: "a.example/app", tags: ["b.example/app"] }, base).registry).toBeUndefined();
});

it("ANALYZE-002 so is the previous image, unless it is a directory or a file", () => {
  const published = { image: "a.example/app", output: "registry" } as const;
  const fault = faultOf(() => parseDestination({ ...published, previousImage: "b.example/app" }, base));
  expect(fault.message).toBe(
    "Cannot use previous image b.example/app:latest: it is not in a.example, where the image goes",
  );
  expect(parseDestination({ ...published, previousImage: "oci:before" }, base).registry).toBe("a.example");
  expect(parseDestination({ image: "oci:out", output: "registry" }, base).registry).toBeUndefined();
});
