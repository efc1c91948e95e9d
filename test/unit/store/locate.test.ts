import { describe, expect, it } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { hostPath } from "../../../src/std/path.ts";
import { parseLocation } from "../../../src/store/locate.ts";

const base = hostPath("/home/me");

describe("parseLocation", () => {
  it.each([
    ["oci:out", { kind: "layout", directory: "/home/me/out" }],
    ["oci:/abs/out/", { kind: "layout", directory: "/abs/out" }],
    ["oci:../out:v1", { kind: "layout", directory: "/home/out", tag: "v1" }],
    ["oci:out:registry.example/app:v1", { kind: "layout", directory: "/home/me/out", tag: "registry.example/app:v1" }],
    ["oci-archive:x", { kind: "archive", file: "/home/me/x", form: "oci", isFormSaid: true }],
    ["oci-archive:x.tar:v1", { kind: "archive", file: "/home/me/x.tar", form: "oci", isFormSaid: true, tag: "v1" }],
    ["docker-archive:x.tar", { kind: "archive", file: "/home/me/x.tar", form: "docker", isFormSaid: true }],
    [
      "docker-archive:x.tar:app:v1",
      { kind: "archive", file: "/home/me/x.tar", form: "docker", isFormSaid: true, tag: "docker.io/library/app:v1" },
    ],
    [
      "docker-archive:x.tar:app",
      {
        kind: "archive",
        file: "/home/me/x.tar",
        form: "docker",
        isFormSaid: true,
        tag: "docker.io/library/app:latest",
      },
    ],
    ["x.tar", { kind: "archive", file: "/home/me/x.tar", form: "docker", isFormSaid: false }],
    ["./a/x.tar.gz", { kind: "archive", file: "/home/me/a/x.tar.gz", form: "docker", isFormSaid: false }],
    ["/x.tgz", { kind: "archive", file: "/x.tgz", form: "docker", isFormSaid: false }],
    ["x.cnb", { kind: "archive", file: "/home/me/x.cnb", form: "oci", isFormSaid: false }],
  ])("%s", (text, location) => {
    expect(parseLocation(text, base)).toEqual(location);
  });

  it.each(["app", "team/app:v1", "registry.example:5000/app", "localhost:5000/oci:latest", "tar", "my.tarball"])(
    "%s is an image name",
    (text) => {
      expect(parseLocation(text, base)).toEqual({ kind: "name", name: parseReference(text) });
    },
  );

  it.each([
    ["oci:", /the path is missing/],
    ["oci::v1", /the path is missing/],
    ["oci:out:", /"" is not a tag/],
    ["oci:out:-v", /"-v" is not a tag/],
    ["docker://app", /this kind of place is not known/],
    ["docker-daemon:app:v1", /this kind of place is not known/],
    ["./app", /it is a path/],
    ["/srv/app", /it is a path/],
    ["../app", /it is a path/],
    ["", /^Cannot parse image name/],
    ["App", /upper-case/],
    ["docker-archive:x.tar:App", /upper-case/],
  ])("refuses %s", (text, message) => {
    expect(() => parseLocation(text, base)).toThrow(message);
    expect(() => parseLocation(text, base)).toThrow(expect.objectContaining({ exit: "usage" }));
  });
});
