import { describe, expect, it } from "vitest";
import type { DiffId } from "../../../src/oci/digest.ts";
import { connectionFault } from "../../../src/store/daemon/failure.ts";
import { parseFound } from "../../../src/store/daemon/found.ts";
import { errorIn } from "../../../src/store/daemon/load.ts";
import { sharedLayers } from "../../../src/store/daemon/reuse.ts";
import { sshWords } from "../../../src/store/daemon/ssh.ts";

describe("a line of a load's answer", () => {
  it.each([
    ['{"stream":"Loaded image ID: sha256:0\\n"}', undefined],
    ['{"status":"Loading layer","progressDetail":{"current":1,"total":2},"id":"a"}', undefined],
    ['{"errorDetail":{"message":"no space left"},"error":"no space"}', "no space left"],
    ['{"error":"no space"}', "no space"],
    ['{"error":', undefined],
    ["", undefined],
    ['"error"', undefined],
  ])("%s holds the error %s", (line, found) => {
    expect(errorIn(line)).toBe(found);
  });
});

describe("a connection that breaks", () => {
  it.each([
    ["EACCES", "daemon.denied", /group docker/],
    ["ENOENT", "daemon.unreachable", /start the daemon/],
    ["ECONNREFUSED", "daemon.unreachable", /start the daemon/],
    ["ENOTFOUND", "daemon.unreachable", /DOCKER_HOST/],
    ["ECONNRESET", "daemon.gone", /daemon's log/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "daemon.tls", /DOCKER_CERT_PATH/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "daemon.tls", /DOCKER_CERT_PATH/],
    ["EPROTO", "daemon.tls", /speaks TLS/],
    ["EWHAT", "daemon.failed", /daemon's log/],
  ])("with %s is %s", (code, kind, hint) => {
    const fault = connectionFault("save image app", "unix:///d.sock", Object.assign(new Error("words."), { code }));
    expect(fault.code).toBe(kind);
    expect(fault.message).toMatch(/^Cannot save image app at unix:\/\/\/d\.sock: [^.]+$/);
    expect(fault.hint).toMatch(hint);
    expect(connectionFault("do another thing", "elsewhere", fault)).toBe(fault);
  });
});

describe("what inspect answers", () => {
  const hex = "a".repeat(64);
  it.each([
    [{ Id: `sha256:${hex}` }, `sha256:${hex}`],
    [{ Id: hex }, `sha256:${hex}`],
    [{ Id: "sha256:1" }, undefined],
    [{}, undefined],
    [[], undefined],
    [undefined, undefined],
  ])("%j is the image %s", (document, id) => {
    expect(parseFound(document)?.id).toBe(id);
  });
});

describe("layers in common", () => {
  it.each([
    [["a", "b", "c"], ["a", "b", "d"], 2],
    [["a", "b"], ["a", "b", "c"], 2],
    [["a"], ["b", "a"], 0],
    [[], ["a"], 0],
    [["a", "a"], ["a"], 1],
  ])("%j and %j have %i", (a, b, count) => {
    expect(sharedLayers(a as DiffId[], b as DiffId[])).toBe(count);
  });
});

describe("the ssh program's words", () => {
  it("keep a host from being an option, and name user and port", () => {
    expect(sshWords({ kind: "ssh", host: "far", user: "ada", port: 22 })).toEqual([
      "-o",
      "ConnectTimeout=30",
      "-T",
      "-l",
      "ada",
      "-p",
      "22",
      "--",
      "far",
      "docker",
      "system",
      "dial-stdio",
    ]);
  });
});
