import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  familiarName,
  formatReference,
  isSameName,
  parseReference,
  recordedName,
  withDefaultTag,
} from "../../../src/oci/reference.ts";
import { faultOf } from "../../support/fault.ts";

const digest = digestOf("x");
const forms = (text: string) => {
  const name = parseReference(text);
  return [formatReference(name), familiarName(name), recordedName(name)];
};

describe("the name of an image", () => {
  it.each([
    ["ubuntu", "docker.io/library/ubuntu", "ubuntu", "index.docker.io/library/ubuntu"],
    ["team/app:v1", "docker.io/team/app:v1", "team/app:v1", "index.docker.io/team/app:v1"],
    ["docker.io/app:latest", "docker.io/library/app:latest", "app", "index.docker.io/library/app:latest"],
    ["index.docker.io/app", "docker.io/library/app", "app", "index.docker.io/library/app"],
    ["registry-1.docker.io/a/b", "docker.io/a/b", "a/b", "index.docker.io/a/b"],
    ["localhost/app", "localhost/app", "localhost/app", "localhost/app"],
    ["H/app", "H/app", "H/app", "H/app"],
    ["LOCAL/app", "LOCAL/app", "LOCAL/app", "LOCAL/app"],
    ["host:5000/library/app:1", "host:5000/library/app:1", "host:5000/library/app:1", "host:5000/library/app:1"],
    ["[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app", "[::1]:5000/app"],
    [
      "reg.example/a__b.c-d/e--f",
      "reg.example/a__b.c-d/e--f",
      "reg.example/a__b.c-d/e--f",
      "reg.example/a__b.c-d/e--f",
    ],
    [`a/b:v@${digest}`, `docker.io/a/b:v@${digest}`, `a/b:v@${digest}`, `index.docker.io/a/b:v@${digest}`],
    [`a/b@${digest}`, `docker.io/a/b@${digest}`, `a/b@${digest}`, `index.docker.io/a/b@${digest}`],
  ])("%s is written in full, in short and as labels have it", (text, ...written) => {
    expect(forms(text)).toEqual(written);
    expect(parseReference(written[0]!)).toEqual(parseReference(text));
  });

  it.each([
    ["", "it is empty"],
    ["host.example/", "it is empty"],
    [":tag", "it is empty"],
    [`@${digest}`, "it is empty"],
    ["/app", '"/app" is not a repository path'],
    ["app@sha256:1", "what follows @ is not a digest"],
    ["a..b.example/app", '"a..b.example" is not a registry host'],
    ["-a.example/app", '"-a.example" is not a registry host'],
    ["host:port/app", '"host:port" is not a registry host'],
    ["team/App", 'the repository path "team/App" has upper-case letters'],
    ["team//app", '"team//app" is not a repository path'],
    ["team/-app", '"team/-app" is not a repository path'],
    ["app:", '"" is not a tag'],
    ["app:-x", '"-x" is not a tag'],
    [`app:${"x".repeat(129)}`, `"${"x".repeat(129)}" is not a tag`],
    ["0".repeat(64), "64 hex digits are an image ID, not a name"],
    [`r.example/${"x".repeat(256)}`, "the repository path has 256 characters, more than 255"],
  ])("%s is refused", (text, found) => {
    const fault = faultOf(() => parseReference(text));
    expect([fault.code, fault.exit]).toEqual(["reference.parse", "usage"]);
    expect(fault.message).toBe(`Cannot parse image name "${text}": ${found}`);
    expect(fault.hint).toContain("registry.example:5000/team/app:tag");
  });

  it("is bounded, and the bounds are in", () => {
    expect(parseReference(`app:${"x".repeat(128)}`).tag).toHaveLength(128);
    expect(parseReference(`r.example/${"x".repeat(255)}`).repository).toHaveLength(255);
    expect(parseReference(`team/${"0".repeat(64)}`).repository).toHaveLength(69);
    expect(parseReference(`r.example/${"0".repeat(64)}`).repository).toHaveLength(64);
    expect(faultOf(() => parseReference(`A${"x".repeat(400)}`)).message).toContain(`"A${"x".repeat(299)}"`);
  });

  it("means latest without a tag or digest, and digests do not tell names apart", () => {
    const same = (a: string, b: string) => isSameName(parseReference(a), parseReference(b));
    expect(formatReference(withDefaultTag(parseReference("a")))).toBe("docker.io/library/a:latest");
    expect(withDefaultTag(parseReference("a:1")).tag).toBe("1");
    expect(withDefaultTag(parseReference(`a@${digest}`)).tag).toBeUndefined();
    expect([same("a", "docker.io/library/a:latest"), same(`a:1@${digest}`, "a:1"), same(`a@${digest}`, "a")]).toEqual([
      true,
      true,
      true,
    ]);
    expect([same("a", "b"), same("a:1", "a:2"), same("x.example/a", "y.example/a"), same("a", "t/a")]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
