import { describe, expect, it } from "vitest";
import { encodeConfig, envOf, labelsOf, parseConfig, platformOf } from "../../../src/oci/config.ts";
import type { JsonObject } from "../../../src/std/json.ts";
import { faultOf } from "../../support/fault.ts";

const diffId = `sha256:${"a".repeat(64)}`;
const bare = { architecture: "arm64", os: "linux", rootfs: { type: "layers", diff_ids: [diffId] } };
const parse = (more: JsonObject = {}) => parseConfig(JSON.stringify({ ...bare, ...more }), "config here");

describe("an image config", () => {
  it("is read with every field we know, and what is null or empty says nothing", () => {
    const history = {
      author: "h",
      created: "2020-01-01T00:00:00Z",
      created_by: "RUN",
      comment: "c",
      empty_layer: true,
    };
    const known = {
      author: "a",
      created: "2021-02-03T04:05:06Z",
      docker_version: "20",
      "os.version": "10.0",
      variant: "v8",
      "os.features": ["f"],
    };
    const config = { Env: ["A=b"], Cmd: ["c"], Entrypoint: ["e"], Labels: { l: "m" }, User: null, Odd: { kept: 1 } };
    expect(parse({ ...known, config, history: [history, { empty_layer: false, comment: "" }] })).toEqual({
      architecture: "arm64",
      os: "linux",
      ...known,
      history: [history, {}],
      diffIds: [diffId],
      config: { Env: ["A=b"], Cmd: ["c"], Entrypoint: ["e"], Labels: { l: "m" }, Odd: { kept: 1 } },
    });
    const empty = { author: "", created: null, docker_version: "", "os.version": null, variant: "", "os.features": [] };
    const nothing = { architecture: "arm64", os: "linux", history: [], diffIds: [diffId], config: {} };
    expect(parse({ ...empty, history: null, config: null })).toEqual(nothing);
    expect(parse({ config: { Labels: null, Env: null, Cmd: null, Entrypoint: null } })).toEqual(nothing);
    expect(parseConfig('{"rootfs":{"diff_ids":[]}}', "x")).toEqual({
      ...nothing,
      architecture: "",
      os: "",
      diffIds: [],
    });
  });

  it.each<[JsonObject, string]>([
    [{ rootfs: "x" }, "rootfs.diff_ids is missing"],
    [{ rootfs: {} }, "rootfs.diff_ids is missing"],
    [{ rootfs: { diff_ids: "x" } }, "rootfs.diff_ids is not a list of strings"],
    [{ rootfs: { diff_ids: [1] } }, "rootfs.diff_ids is not a list of strings"],
    [{ config: [] }, "config is not an object"],
    [{ config: "x" }, "config is not an object"],
    [{ config: { Env: "A=b" } }, "config.Env is not a list of strings"],
    [{ config: { Cmd: [1] } }, "config.Cmd is not a list of strings"],
    [{ config: { Entrypoint: {} } }, "config.Entrypoint is not a list of strings"],
    [{ config: { Labels: [] } }, "config.Labels is not an object of strings"],
    [{ config: { Labels: { a: 1 } } }, "config.Labels is not an object of strings"],
    [{ history: {} }, "history is not a list"],
    [{ history: ["x"] }, "a history entry is not an object"],
    [{ history: [{ author: 1 }] }, "author is not a string"],
    [{ history: [{ created: 1 }] }, "created is not a string"],
    [{ history: [{ created_by: 1 }] }, "created_by is not a string"],
    [{ history: [{ comment: 1 }] }, "comment is not a string"],
    [{ author: 1 }, "author is not a string"],
    [{ created: 1 }, "created is not a string"],
    [{ docker_version: 1 }, "docker_version is not a string"],
    [{ "os.version": 1 }, "os.version is not a string"],
    [{ variant: 1 }, "variant is not a string"],
    [{ "os.features": "x" }, "os.features is not a list of strings"],
    [{ architecture: 1 }, "architecture is not a string"],
    [{ os: 1 }, "os is not a string"],
  ])("%j is refused", (more, found) => {
    const fault = faultOf(() => parse(more));
    expect([fault.code, fault.message]).toEqual(["document.parse", `Cannot read config here: ${found}`]);
  });

  it("is no list, and no text", () => {
    expect(faultOf(() => parseConfig("[]", "here"))).toMatchObject({
      code: "document.parse",
      message: "Cannot read here: expected an object",
    });
    expect(faultOf(() => parse({ rootfs: null })).hint).toBe("this is not the config of a container image");
  });

  it("is written as Go writes it: in its order, without what is empty, times never missing", () => {
    const config = {
      Shell: ["sh"],
      Unknown: "dropped",
      StopSignal: "TERM",
      Tty: false,
      User: "",
      Volumes: {},
      Env: ["A=b"],
      Cmd: [],
      ExposedPorts: { "80/tcp": {}, "443/tcp": {} },
      Labels: { z: "1", a: "2" },
      Healthcheck: { Retries: 3, Test: ["CMD"], Timeout: 0, StartInterval: 5 },
      WorkingDir: "/w",
      ArgsEscaped: true,
    };
    const image = parse({
      config,
      history: [{ comment: "c" }, { created: "2020-01-01T00:00:00Z", empty_layer: true }],
    });
    expect(encodeConfig(image)).toBe(
      '{"architecture":"arm64","created":"0001-01-01T00:00:00Z",' +
        '"history":[{"created":"0001-01-01T00:00:00Z","comment":"c"},{"created":"2020-01-01T00:00:00Z","empty_layer":true}],' +
        `"os":"linux","rootfs":{"type":"layers","diff_ids":["${diffId}"]},` +
        '"config":{"Healthcheck":{"Test":["CMD"],"Retries":3},"Env":["A=b"],"Labels":{"a":"2","z":"1"},' +
        '"WorkingDir":"/w","ExposedPorts":{"443/tcp":{},"80/tcp":{}},"ArgsEscaped":true,"StopSignal":"TERM","Shell":["sh"]}}',
    );
    const full = { author: "a", docker_version: "20", "os.version": "10", variant: "v8", "os.features": ["f"] };
    expect(JSON.parse(encodeConfig(parse({ ...full, created: "2020-01-01T00:00:00Z" })))).toEqual({
      ...bare,
      ...full,
      created: "2020-01-01T00:00:00Z",
      config: {},
    });
  });

  it("is written with every field of a container, in Go's order", () => {
    const health = { Test: ["CMD"], Interval: 1, Timeout: 2, StartPeriod: 3, Retries: 4 };
    const flags = { AttachStderr: true, AttachStdin: true, AttachStdout: true };
    const container = {
      ...flags,
      Cmd: ["c"],
      Healthcheck: health,
      Domainname: "d",
      Entrypoint: ["e"],
      Env: ["A=b"],
      Hostname: "h",
      Image: "i",
      Labels: { l: "m" },
      OnBuild: ["o"],
      OpenStdin: true,
      StdinOnce: true,
      Tty: true,
      User: "u",
      Volumes: { "/v": {} },
      WorkingDir: "/w",
      ExposedPorts: { "1/tcp": {} },
      ArgsEscaped: true,
      NetworkDisabled: true,
      MacAddress: "m",
      StopSignal: "s",
      Shell: ["sh"],
    };
    const turned = Object.fromEntries(Object.entries(container).reverse());
    expect(encodeConfig(parse({ config: turned }))).toContain(`"config":${JSON.stringify(container)}`);
    const empty = { Tty: false, User: "", Hostname: null, Env: [], Volumes: {}, Healthcheck: { Retries: 0, Test: [] } };
    expect(encodeConfig(parse({ config: empty }))).toContain('"config":{"Healthcheck":{}}');
  });

  it("tells its platform, its variables and its labels", () => {
    expect(platformOf(parse())).toEqual({ os: "linux", architecture: "arm64" });
    const full = parse({ variant: "v8", "os.version": "10" });
    expect(platformOf(full)).toEqual({ os: "linux", architecture: "arm64", variant: "v8", "os.version": "10" });
    const image = parse({ config: { Env: ["PATH=/a=b", "EMPTY=", "PAT=x"], Labels: { a: "b" } } });
    expect(["PATH", "EMPTY", "PAT", "NONE"].map((name) => envOf(image, name))).toEqual(["/a=b", "", "x", undefined]);
    expect([envOf(parse(), "PATH"), labelsOf(parse()), labelsOf(image)]).toEqual([undefined, {}, { a: "b" }]);
  });
});
