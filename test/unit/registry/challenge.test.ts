import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "../../../src/store/registry/challenge.ts";
import { covers, pullScope, pushScope } from "../../../src/store/registry/scope.ts";
import { parseToken, tokenRequest } from "../../../src/store/registry/token.ts";

describe("challenges", () => {
  it.each([
    [
      ['Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"'],
      [
        {
          scheme: "bearer",
          parameters: {
            realm: "https://auth.example/token",
            service: "registry.example",
            scope: "repository:a/b:pull,push",
          },
        },
      ],
    ],
    [['Basic realm="a \\"quoted\\" realm"'], [{ scheme: "basic", parameters: { realm: 'a "quoted" realm' } }]],
    [
      ['Negotiate, Basic realm=x , BEARER Realm = "y"'],
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "x" } },
        { scheme: "bearer", parameters: { realm: "y" } },
      ],
    ],
    [
      ["Basic", 'Bearer realm="z",error="invalid_token"'],
      [
        { scheme: "basic", parameters: {} },
        { scheme: "bearer", parameters: { realm: "z", error: "invalid_token" } },
      ],
    ],
    [[""], []],
    [[], []],
  ])("of %j", (values, expected) => {
    expect(parseChallenges(values)).toEqual(expected);
  });

  it("never fail, and never take long, whatever a server says", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 200 })), (values) => {
        for (const { scheme } of parseChallenges(values)) expect(scheme).not.toBe("");
      }),
    );
    // With a pattern that goes back and forth this would not come to an end.
    parseChallenges([`Basic ${"a=".repeat(50_000)}`, `Basic realm="${"\\".repeat(100_000)}`, ",".repeat(100_000)]);
  });
});

describe("scopes", () => {
  it.each([
    [[pushScope("a")], [pullScope("a")], true],
    [[pullScope("a")], [pushScope("a")], false],
    [[pushScope("a"), pullScope("b")], [pushScope("a")], true],
    [[pushScope("a")], [pushScope("a"), pullScope("b")], false],
    [[pushScope("a")], [], true],
    [["registry:catalog:*"], ["registry:catalog:*"], true],
  ])("%j cover %j: %s", (granted, wanted, expected) => {
    expect(covers(granted, wanted)).toBe(expected);
  });
});

describe("tokens", () => {
  it.each([
    ['{"token":"a"}', { value: "a", lifetime: 60 }],
    ['{"access_token":"b","expires_in":300}', { value: "b", lifetime: 300 }],
    ['{"token":"","access_token":"b","expires_in":-1}', { value: "b", lifetime: 60 }],
    ['{"token":"a\\nb"}', undefined],
    ['{"token":1}', undefined],
    ["[]", undefined],
    ["no", undefined],
  ])("in %s", (body, expected) => {
    expect(parseToken(body)).toEqual(expected);
  });

  it("are asked for where the realm says, its own query kept", () => {
    const realm = new URL("https://auth.example/token?tenant=1");
    const credential = { kind: "basic", username: "u", password: "p", source: "here" } as const;
    const { method, url, authorization } = tokenRequest(realm, "s", ["x", "y"], credential);
    expect(`${method} ${url}`).toBe("GET https://auth.example/token?tenant=1&service=s&scope=x&scope=y&account=u");
    expect(authorization).toBe("Basic dTpw");
    expect(realm.href).toBe("https://auth.example/token?tenant=1");
  });
});
