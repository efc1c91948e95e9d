import { describe, expect, it } from "vitest";
import { parseReference } from "../../../src/oci/reference.ts";
import { findServer, normalizedServer } from "../../../src/store/auth/server.ts";
import { apiHostOf, isInsecure, schemesFor } from "../../../src/store/registry/address.ts";
import { mirrorsOf } from "../../../src/store/registry/mirror.ts";
import { proxyFor, proxySettingsOf } from "../../../src/store/registry/proxy.ts";
import { faultOf } from "../../support/fault.ts";

describe("schemes", () => {
  it.each([
    ["localhost:5000", "http https"],
    ["LOCALHOST", "http https"],
    ["registry.localhost:5000", "http https"],
    ["127.0.0.1:5000", "http https"],
    ["127.9.9.9", "http https"],
    ["[::1]:5000", "http https"],
    ["10.1.2.3:5000", "https http"],
    ["192.168.0.9", "https http"],
    ["172.16.0.1", "https http"],
    ["172.31.255.255:80", "https http"],
    ["172.32.0.1", "https"],
    ["registry.example:5000", "https"],
    ["localhost.example", "https"],
    ["127.0.0.1.example", "https"],
    ["10.example", "https"],
    ["docker.io", "https"],
  ])("AUTH-005 %s is tried with %s", (host, expected) => {
    expect(schemesFor(host, []).join(" ")).toBe(expected);
  });

  it.each([
    ["registry.example:5000", ["registry.example:5000"], true],
    ["registry.example:5000", ["registry.example"], true],
    ["registry.example", ["registry.example:5000"], false],
    ["registry.example:5000", ["http://Registry.Example/team"], true],
    ["my-registry.example", ["registry.example"], false],
    ["registry.example.org", ["registry.example"], false],
    ["registry.example", [""], false],
  ])("AUTH-005 %s is insecure by %j: %s", (host, insecure, expected) => {
    expect(isInsecure(host, insecure)).toBe(expected);
    expect(schemesFor(host, insecure)).toEqual(expected ? ["https", "http"] : ["https"]);
  });

  it("Docker Hub is served by a host of another name", () => {
    expect(apiHostOf("docker.io")).toBe("registry-1.docker.io");
    expect(apiHostOf("registry.example:5000")).toBe("registry.example:5000");
  });
});

describe("proxies", () => {
  const settings = { https: "http://proxy.example:3128", http: "plain.example:80", exceptions: "" };
  const through = (url: string, exceptions: string) => proxyFor(new URL(url), { ...settings, exceptions })?.host;

  it.each([
    ["https://registry.example/", "", "proxy.example:3128"],
    ["http://registry.example/", "", "plain.example"],
    ["https://localhost:5000/", "", undefined],
    ["https://127.0.0.1/", "", undefined],
    ["https://[::1]/", "", undefined],
    ["https://registry.example/", "*", undefined],
    ["https://registry.example/", "registry.example", undefined],
    ["https://a.registry.example/", "registry.example", undefined],
    ["https://aregistry.example/", "registry.example", "proxy.example:3128"],
    ["https://registry.example/", ".registry.example", "proxy.example:3128"],
    ["https://a.registry.example/", ".registry.example", undefined],
    ["https://a.registry.example/", "*.registry.example", undefined],
    ["https://registry.example:5000/", "registry.example:5000", undefined],
    ["https://registry.example/", "registry.example:5000", "proxy.example:3128"],
    ["https://registry.example/", "registry.example:443", undefined],
    ["https://registry.example/", "other.example, REGISTRY.example", undefined],
    ["https://registry.example/", "other.example REGISTRY.example", undefined],
    ["https://10.1.2.3/", "10.0.0.0/8", undefined],
    ["https://11.1.2.3/", "10.0.0.0/8", "proxy.example:3128"],
    ["https://10.1.2.3/", "10.0.0.0/99,::/0", "proxy.example:3128"],
    ["https://10.1.2.3/", "10.1.2.3", undefined],
    ["https://[fd00::1]/", "fd00::/8", undefined],
    ["https://[fd00::1]/", "fd00::1", undefined],
  ])("%s with exceptions %j goes through %s", (url, exceptions, expected) => {
    expect(through(url, exceptions)).toBe(expected);
  });

  it("are named by the environment, lower case first", () => {
    expect(proxySettingsOf({ HTTPS_PROXY: "a", https_proxy: "b", HTTP_PROXY: "", NO_PROXY: "x" })).toEqual({
      https: "b",
      exceptions: "x",
    });
    expect(proxySettingsOf({ ALL_PROXY: "a", http_proxy: "c" })).toEqual({ https: "a", http: "c" });
    expect(proxySettingsOf({})).toEqual({});
  });

  it("that are no URL are refused without being shown", () => {
    const fault = faultOf(() => proxyFor(new URL("https://a.example"), { https: "ftp://u:s3cret@x" }));
    expect(`${fault.stack}${fault.hint}`).not.toContain("s3cret");
  });
});

describe("mirrors", () => {
  it("stand for a registry, with a prefix or without, or for all", () => {
    const name = parseReference("busybox");
    expect(mirrorsOf(name, { "docker.io": ["a", "https://b:5000/hub/"], "*": ["c"] })).toEqual([
      { registry: "a", repository: "library/busybox", tag: "latest" },
      { registry: "b:5000", repository: "hub/library/busybox", tag: "latest" },
    ]);
    expect(mirrorsOf(name, { "*": ["c"] })[0]?.registry).toBe("c");
    expect(mirrorsOf(name, {})).toEqual([]);
  });
});

describe("servers of credentials", () => {
  it.each([
    ["https://index.docker.io/v1/", "docker.io"],
    ["registry-1.docker.io", "docker.io"],
    ["HTTPS://Registry.Example/", "registry.example"],
    ["registry.example:5000/v2/", "registry.example:5000"],
    ["registry.example/team/App", "registry.example/team/App"],
  ])("%s is %s", (key, expected) => {
    expect(normalizedServer(key)).toBe(expected);
  });

  it("a key is for its registry, not for one whose name begins alike", () => {
    const entries = new Map([["registry.example", 1]]);
    expect(findServer(entries, "registry.example", "a")).toBe(1);
    expect(findServer(entries, "registry.example:5000", "a")).toBeUndefined();
    expect(findServer(entries, "registry.example.org", "a")).toBeUndefined();
    expect(findServer(new Map([["registry.example/team", 1]]), "registry.example", "teammate/a")).toBeUndefined();
  });
});
