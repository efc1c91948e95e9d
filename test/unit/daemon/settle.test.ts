import { describe, expect, it } from "vitest";
import { parseDaemonAddress } from "../../../src/store/daemon/address.ts";
import { compareApi, settleApi } from "../../../src/store/daemon/engine.ts";
import {
  contextFolders,
  type DaemonSurroundings,
  type SocketState,
  settleDaemon,
  usualSockets,
} from "../../../src/store/daemon/settle.ts";
import { formatDaemonAddress } from "../../../src/store/daemon.ts";
import { faultOf } from "../../support/fault.ts";

const home = { HOME: "/home/ada", XDG_RUNTIME_DIR: "/run/user/1000" };

function around(
  parts: Partial<DaemonSurroundings> & { readonly sockets?: Record<string, SocketState> },
): DaemonSurroundings {
  return {
    env: home,
    configText: undefined,
    contextText: () => undefined,
    socketState: (path) => parts.sockets?.[path] ?? "absent",
    ...parts,
  };
}

function meta(host: string, more: object = {}): string {
  return JSON.stringify({ Name: "x", Metadata: {}, Endpoints: { docker: { Host: host, ...more } } });
}

describe("an address of a daemon", () => {
  it.each([
    ["unix:///run/d.sock", { kind: "socket", path: "/run/d.sock" }],
    ["unix://", { kind: "socket", path: "/var/run/docker.sock" }],
    ["/run/d.sock", { kind: "socket", path: "/run/d.sock" }],
    ["tcp://build.example", { kind: "tcp", host: "build.example", port: 2375 }],
    ["tcp://build.example:80", { kind: "tcp", host: "build.example", port: 80 }],
    ["build.example:4243", { kind: "tcp", host: "build.example", port: 4243 }],
    ["tcp://[::1]:2375", { kind: "tcp", host: "::1", port: 2375 }],
    ["https://build.example", { kind: "tcp", host: "build.example", port: 2376, tls: { folder: "", verify: true } }],
    ["ssh://ada@build.example", { kind: "ssh", host: "build.example", user: "ada" }],
    ["ssh://build.example:2222", { kind: "ssh", host: "build.example", port: 2222 }],
  ])("%s", (text, address) => {
    expect(parseDaemonAddress(text)).toEqual(address);
    expect(parseDaemonAddress(formatDaemonAddress(parseDaemonAddress(text)))).toEqual(
      text.startsWith("https") ? { kind: "tcp", host: "build.example", port: 2376 } : address,
    );
  });

  it.each([
    ["npipe:////./pipe/docker_engine", /npipe is no way/],
    ["fd://", /fd is no way/],
    ["tcp://a b", /not a URL/],
    ["ssh://-oProxyCommand=evil", /dash|not a URL/],
    ["ssh://ada:secret@build.example", /has a password/],
  ])("refuses %s", (text, found) => {
    const fault = faultOf(() => parseDaemonAddress(text));
    expect(fault.code).toBe("daemon.address");
    expect(fault.message).toMatch(found);
    expect(fault.message).not.toContain("secret");
  });
});

describe("settling on a daemon", () => {
  it("takes what the user asked for before DOCKER_HOST, and DOCKER_HOST before a context", () => {
    const env = { ...home, DOCKER_HOST: "unix:///b.sock", DOCKER_CONTEXT: "far" };
    const both = settleDaemon(around({ env, host: "unix:///a.sock" }));
    expect(both.chosen).toEqual({ origin: "--docker-host", address: { kind: "socket", path: "/a.sock" } });
    const one = settleDaemon(around({ env }));
    expect(one.chosen).toEqual({ origin: "DOCKER_HOST", address: { kind: "socket", path: "/b.sock" } });
    expect(one.passedOver).toEqual([{ origin: "context far", because: "DOCKER_HOST comes before it" }]);
  });

  it.each([
    [{ DOCKER_TLS_VERIFY: "1" }, { folder: "/home/ada/.docker", verify: true }, 2376],
    [{ DOCKER_TLS_VERIFY: "1", DOCKER_CONFIG: "/c" }, { folder: "/c", verify: true }, 2376],
    [{ DOCKER_CERT_PATH: "/certs" }, { folder: "/certs", verify: false }, 2376],
    [{ DOCKER_CERT_PATH: "/certs", DOCKER_TLS_VERIFY: "1" }, { folder: "/certs", verify: true }, 2376],
    [{ DOCKER_TLS_VERIFY: "" }, undefined, 2375],
  ])("reads %j", (more, tls, port) => {
    const { chosen } = settleDaemon(around({ env: { ...home, DOCKER_HOST: "tcp://far", ...more } }));
    expect(chosen?.address).toEqual({ kind: "tcp", host: "far", port, ...(tls && { tls }) });
  });

  it("takes the current context of config.json, DOCKER_CONTEXT before it, and no context named default", () => {
    const configText = JSON.stringify({ currentContext: "colima", auths: {} });
    const contextText = (name: string) => meta(`unix:///${name}.sock`);
    const of = (env: Record<string, string>) =>
      settleDaemon(
        around({ env: { ...home, ...env }, configText, contextText, sockets: { "/var/run/docker.sock": "usable" } }),
      ).chosen;
    expect(of({})).toEqual({ origin: "context colima", address: { kind: "socket", path: "/colima.sock" } });
    expect(of({ DOCKER_CONTEXT: "far" })?.address).toEqual({ kind: "socket", path: "/far.sock" });
    expect(of({ DOCKER_CONTEXT: "default" })?.origin).toBe("Docker's socket");
  });

  it("finds a context's certificates where Docker keeps them", () => {
    const { tls, meta: file } = contextFolders("/home/ada/.docker", "far");
    expect(file).toMatch(/^\/home\/ada\/\.docker\/contexts\/meta\/[0-9a-f]{64}\/meta\.json$/);
    const settled = settleDaemon(
      around({
        env: { ...home, DOCKER_CONTEXT: "far" },
        contextText: () => meta("tcp://far:2376", { SkipTLSVerify: true }),
      }),
    );
    expect(settled.chosen?.address).toEqual({
      kind: "tcp",
      host: "far",
      port: 2376,
      tls: { folder: tls, verify: false },
    });
  });

  it.each([
    [undefined, /there is no such context/],
    ["{}", /names no Docker host/],
    [meta(""), /names no Docker host/],
  ])("refuses a context that is %j", (text, found) => {
    const fault = faultOf(() => settleDaemon(around({ env: { DOCKER_CONTEXT: "far" }, contextText: () => text })));
    expect(fault.code).toBe("daemon.context");
    expect(fault.message).toMatch(found);
    expect(fault.hint).toContain("docker context");
  });

  it("takes the first usual socket this user may use, and says of each before it why not", () => {
    const podman = "/run/user/1000/podman/podman.sock";
    const settled = settleDaemon(around({ sockets: { "/var/run/docker.sock": "denied", [podman]: "usable" } }));
    expect(settled.chosen).toEqual({ origin: "rootless Podman's socket", address: { kind: "socket", path: podman } });
    expect(settled.passedOver.map(({ origin, because }) => `${origin}: ${because}`)).toEqual([
      "Docker's socket: permission denied",
      "rootless Docker's socket: there is none",
      "Docker Desktop's socket: there is none",
      "Docker Desktop's socket: there is none",
      "Colima's socket: there is none",
      "Colima's socket: there is none",
    ]);
  });

  it("chooses none where none is, and lists all it looked at", () => {
    const settled = settleDaemon(around({}));
    expect(settled.chosen).toBeUndefined();
    expect(settled.passedOver).toHaveLength(usualSockets(home).length);
    expect(usualSockets({})).toEqual([
      { origin: "Docker's socket", path: "/var/run/docker.sock" },
      { origin: "Podman's socket", path: "/run/podman/podman.sock" },
    ]);
  });
});

describe("the API's version", () => {
  it.each([
    ["1.41", "1.12", "1.41"],
    ["1.24", "1.12", "1.24"],
    ["1.23", "1.12", undefined],
    ["1.99", "1.44", "1.51"],
    ["1.99", "1.60", "1.60"],
    ["2.0", "1.44", "1.51"],
  ])("of a daemon with %s and at least %s is %s", (newest, oldest, settled) => {
    expect(settleApi(newest, oldest)).toBe(settled);
  });

  it("is compared by number", () => {
    expect(compareApi("1.9", "1.41")).toBeLessThan(0);
    expect(compareApi("1.41", "1.41")).toBe(0);
  });
});
