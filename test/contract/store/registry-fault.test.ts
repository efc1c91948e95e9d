import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import type { Identity } from "../../../src/oci/image.ts";
import { parseReference, type Reference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import type { Fault } from "../../../src/std/fault.ts";
import type { StoredImage } from "../../../src/store/contract.ts";
import { layerTar } from "../../../src/store/layer.ts";
import { openRegistry, type RegistryOptions } from "../../../src/store/registry.ts";
import { quickClock } from "../../support/clock.ts";
import { isInstalled } from "../../support/peer.ts";
import { type RunningRegistry, startRegistry } from "../../support/registry.ts";
import { type Interference, type Relay, startRelay } from "../../support/relay.ts";
import { type Sample, sampleImage } from "./sample.ts";

const isThere = isInstalled("docker-registry") || process.env["CI"] === "true";
if (!isThere) console.log("skipped: docker-registry is not installed");

let running: RunningRegistry;
let count = 0;
beforeAll(async () => {
  if (isThere) running = await startRegistry({ skip: (note) => Promise.reject(new Error(note)) as never });
});
afterAll(() => running?.[Symbol.asyncDispose]());

interface Scene {
  readonly relay: Relay;
  readonly name: Reference;
  readonly before: Identity;
  readonly sample: Sample;
}

/** A repository with an image under the tag, another image to push there, and a relay on the way. */
async function inScene(work: (scene: Scene) => Promise<void>): Promise<void> {
  await using relay = await startRelay(running.host);
  const name = parseReference(`${relay.host}/fault/r${++count}:v1`);
  const old = sampleImage();
  await using registry = openRegistry();
  const before = await registry.write(old.image, [name], old.blobs);
  relay.requests.length = 0;
  await work({ relay, name, before, sample: sampleImage({ files: [randomBytes(400_000), randomBytes(700)] }) });
}

async function push({ sample, name }: Scene, options: RegistryOptions = {}): Promise<Identity> {
  await using registry = openRegistry({ clock: quickClock(), ...options });
  return await registry.write(sample.image, [name], sample.blobs);
}

async function pull({ name }: Pick<Scene, "name">, options: RegistryOptions = {}): Promise<StoredImage["identity"]> {
  await using registry = openRegistry({ clock: quickClock(), ...options });
  const stored = await registry.read(name);
  for (const layer of stored!.image.layers)
    expect(digestOf(await collect(layerTar(layer, stored!.blobs)))).toBe(layer.diffId);
  return stored!.identity;
}

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const found = await work.then(
    () => new Error("no fault"),
    (error) => error,
  );
  expect(found.name, String(found.stack)).toBe("Fault");
  return found;
}

/** Does something to the request with this number (from 0), and lets all others through. */
function atRequest(number: number, what: Interference): Interference {
  let seen = -1;
  return (...all) => {
    seen += 1;
    return seen === number ? what(...all) : undefined;
  };
}

/** Faults that are over when a request is sent again. */
const passing: readonly [string, Interference][] = [
  [
    "a reset before the request is read",
    (_seen, incoming) => {
      incoming.socket.resetAndDestroy();
      return "handled";
    },
  ],
  [
    "a reset while the request is read",
    (_seen, incoming) => {
      incoming.once("data", () => incoming.socket.resetAndDestroy());
      incoming.once("end", () => incoming.socket.resetAndDestroy());
      return "handled";
    },
  ],
  [
    "an answer that is lost",
    (_seen, incoming) => (upstream) => {
      upstream.resume();
      upstream.once("end", () => incoming.socket.destroy());
      return "handled";
    },
  ],
  [
    "an answer that breaks off",
    (_seen, incoming, outgoing) => (upstream) => {
      outgoing.writeHead(upstream.statusCode!, { ...upstream.headers, "content-length": "5000000" });
      upstream.once("readable", () => outgoing.write(upstream.read(1) ?? "", () => incoming.socket.destroy()));
      return "handled";
    },
  ],
  [
    "503",
    (_seen, incoming, outgoing) => {
      incoming.resume();
      incoming.once("end", () => outgoing.writeHead(503).end("busy"));
      return "handled";
    },
  ],
  [
    "429 before the request is read",
    (_seen, _incoming, outgoing) => {
      outgoing.writeHead(429, { "retry-after": "3", connection: "close" }).end();
      return "handled";
    },
  ],
  [
    "an answer that is no HTTP",
    (_seen, incoming) => {
      incoming.socket.end("nonsense\r\n\r\n");
      return "handled";
    },
  ],
];

describe.runIf(isThere)("what passes", () => {
  it.each(passing)("is overcome at every step of a push: %s", (_title, what) =>
    inScene(async (scene) => {
      const { relay } = scene;
      await push(scene, { chunkSize: 150_000 });
      const steps = relay.requests.length;
      expect(steps).toBeGreaterThan(10);
      for (let step = 0; step < steps; step++) {
        // Another repository each time, so that nothing is there yet.
        const name = parseReference(`${relay.host}/fault/step${++count}:v1`);
        relay.interfere = atRequest(step, what);
        const options = step % 2 ? { chunkSize: 150_000 } : {};
        const identity = await push({ ...scene, name }, options);
        relay.interfere = undefined;
        expect(await pull({ name }), `step ${step}`).toEqual(identity);
      }
    }),
  );

  it.each(passing)("is overcome at every step of a pull: %s", (_title, what) =>
    inScene(async (scene) => {
      const { relay, name } = scene;
      const identity = await push(scene);
      relay.requests.length = 0;
      await pull(scene);
      const steps = relay.requests.length;
      for (let step = 0; step < steps; step++) {
        relay.interfere = atRequest(step, what);
        expect(await pull({ name }), `step ${step}`).toEqual(identity);
      }
    }),
  );

  it("storms of 429 are waited out, as long as the registry asks, by all requests together", () =>
    inScene(async (scene) => {
      let refused = 0;
      scene.relay.interfere = (_seen, incoming, outgoing) => {
        if (refused >= 5) return undefined;
        refused += 1;
        incoming.resume();
        outgoing.writeHead(429, { "retry-after": "20" }).end();
        return "handled";
      };
      const clock = quickClock();
      const identity = await push(scene, { clock });
      expect(Math.max(...clock.waits)).toBe(20_000);
      expect(await pull(scene)).toEqual(identity);
    }));

  it("Retry-After may be a date, measured by the registry's own clock", () =>
    inScene(async (scene) => {
      const [date, later] = ["Tue, 01 Jan 2019 00:00:00 GMT", "Tue, 01 Jan 2019 00:00:45 GMT"];
      scene.relay.interfere = atRequest(0, (_seen, _incoming, outgoing) => {
        outgoing.writeHead(429, { date, "retry-after": later }).end();
        return "handled";
      });
      const clock = quickClock();
      await pull(scene, { clock });
      expect(clock.waits).toEqual([45_000]);
    }));

  it("a registry that lost an upload gets it again from the beginning", () =>
    inScene(async (scene) => {
      let lost = 0;
      scene.relay.interfere = ({ method }, incoming, outgoing) => {
        if (method !== "PATCH" || lost >= 2) return undefined;
        lost += 1;
        incoming.resume();
        incoming.once("end", () => {
          outgoing.writeHead(404, { "content-type": "application/json" });
          outgoing.end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN","message":"blob upload unknown"}]}');
        });
        return "handled";
      };
      const identity = await push(scene);
      expect(await pull(scene)).toEqual(identity);
    }));

  it("an upload goes on from where the registry says it is", () =>
    inScene(async (scene) => {
      const { relay, name } = scene;
      // The first chunk arrives in part: the relay passes on less than it was given, as a proxy that dies does.
      let isCut = false;
      const offsets: string[] = [];
      relay.interfere = ({ method, path, headers }, incoming, outgoing) => {
        if (method === "PATCH") offsets.push(headers["content-range"] ?? "stream");
        if (method !== "PATCH" || isCut) return undefined;
        isCut = true;
        void collect(incoming).then(async (bytes) => {
          const url = `http://${running.host}${path}`;
          const answer = await fetch(url, {
            method,
            body: new Uint8Array(bytes.subarray(0, 100_000)),
            headers: { "content-type": "application/octet-stream" },
          });
          const location = answer.headers.get("location")!.replace(running.host, relay.host);
          outgoing.writeHead(202, { location, range: "0-99999" }).end();
        });
        return "handled";
      };
      relay.guard = ({ method, path }, _incoming, outgoing) => {
        if (method !== "GET" || !path.includes("/uploads/")) return undefined;
        outgoing.writeHead(204, { range: "0-99999", location: `http://${relay.host}${path}` }).end();
        return "handled";
      };
      const sample = sampleImage({ files: [randomBytes(1_500_000)] });
      await push({ ...scene, sample }, { chunkSize: 600_000 });
      relay.guard = undefined;
      relay.interfere = undefined;
      expect(offsets.slice(0, 2)).toEqual(["0-599999", "100000-699999"]);
      await pull({ name });
    }));
});

/** Faults that stay. */
const lasting: readonly [string, Interference, RegExp][] = [
  [
    "connections that are always cut",
    (_seen, incoming) => {
      incoming.socket.destroy();
      return "handled";
    },
    /it cut the connection/,
  ],
  [
    "503 for ever",
    (_seen, incoming, outgoing) => {
      incoming.resume();
      outgoing.writeHead(503).end("down for maintenance");
      return "handled";
    },
    /it replied 503 down for maintenance/,
  ],
  [
    "a pause of hours",
    (_seen, incoming, outgoing) => {
      incoming.resume();
      outgoing.writeHead(429, { "retry-after": "7200" }).end('{"errors":[{"code":"TOOMANYREQUESTS"}]}');
      return "handled";
    },
    /it replied 429 TOOMANYREQUESTS/,
  ],
  [
    "a refusal",
    (_seen, incoming, outgoing) => {
      incoming.resume();
      outgoing.writeHead(403).end('{"errors":[{"code":"DENIED","message":"no \\u001b[31m right"}]}');
      return "handled";
    },
    /it replied 403 DENIED \(no \[31m right\) \(credentials: anonymous, no credentials were found; scope: repository:/,
  ],
  [
    "a full disk",
    (_seen, incoming, outgoing) => {
      incoming.resume();
      incoming.once("end", () => outgoing.writeHead(507).end("insufficient storage"));
      return "handled";
    },
    /it replied 507 insufficient storage/,
  ],
];

describe.runIf(isThere)("what stays", () => {
  it.each(lasting)("is one clear fault at every kind of step, and the tag stays as it was: %s", (_title, what, found) =>
    inScene(async (scene) => {
      const { relay, name, before } = scene;
      for (const step of [/^POST/, /^PATCH/, /^PUT .*uploads/, /^PUT .*manifests/]) {
        relay.interfere = (seen, ...all) => (step.test(`${seen.method} ${seen.path}`) ? what(seen, ...all) : undefined);
        const fault = await faultOf(push(scene));
        expect(fault.message).toMatch(
          new RegExp(`^Cannot push to registry ${relay.host}, repository ${name.repository}: `),
        );
        expect(fault.message).toMatch(found);
        relay.interfere = undefined;
        expect(await pull(scene)).toEqual(before);
      }
    }),
  );

  it("a registry whose bytes are not those of the digest is refused for every layer", () =>
    inScene(async (scene) => {
      const { relay } = scene;
      await push(scene);
      const damages: ((bytes: Buffer) => Buffer)[] = [
        (bytes) => Buffer.from(bytes.map((byte, at) => (at === 5000 ? byte ^ 1 : byte))),
        (bytes) => bytes.subarray(0, -1),
        (bytes) => Buffer.concat([bytes, Buffer.from("x")]),
        () => Buffer.alloc(0),
      ];
      for (const damage of damages) {
        relay.interfere = ({ path }, _incoming, outgoing) => {
          if (!path.includes("/blobs/")) return undefined;
          return (upstream) => {
            void collect(upstream).then((bytes) => {
              const isLayer = bytes.length > 100_000;
              const sent = isLayer && upstream.statusCode === 200 ? damage(bytes) : bytes;
              outgoing.writeHead(upstream.statusCode!, { "content-length": String(sent.length) }).end(sent);
            });
            return "handled";
          };
        };
        await using registry = openRegistry({ clock: quickClock() });
        const stored = await registry.read(scene.name);
        const layer = stored!.image.layers[0]!.descriptor;
        expect(await faultOf(collect(stored!.blobs.open(layer)))).toMatchObject({ code: "blob.corrupt" });
      }
    }));

  it("a registry that refuses the digest of what it was sent is given up", () =>
    inScene(async (scene) => {
      const { relay, before } = scene;
      relay.interfere = ({ method, path }, incoming, outgoing) => {
        if (method !== "PUT" || !path.includes("/uploads/")) return undefined;
        incoming.resume();
        outgoing.writeHead(400, { "content-type": "application/json" });
        outgoing.end('{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}');
        return "handled";
      };
      const fault = await faultOf(push({ ...scene, sample: sampleImage({ files: [randomBytes(3000)] }) }));
      expect(fault.message).toContain("DIGEST_INVALID");
      expect(relay.seen().filter((line) => line.startsWith("PATCH"))).toHaveLength(3);
      relay.interfere = undefined;
      expect(await pull(scene)).toEqual(before);
    }));

  it("a registry that loses count of an upload again and again is given up", () =>
    inScene(async (scene) => {
      const { relay, before } = scene;
      relay.interfere = ({ method, path }, incoming, outgoing) => {
        if (method === "GET" && path.includes("/uploads/")) {
          outgoing.writeHead(204, { range: "0-99999999", location: path }).end();
          return "handled";
        }
        if (method !== "PATCH") return undefined;
        incoming.resume();
        incoming.once("end", () => outgoing.writeHead(202, { location: path, range: "0-12" }).end());
        return "handled";
      };
      const fault = await faultOf(push(scene));
      expect(fault).toMatchObject({ code: "registry.protocol" });
      expect(fault.message).toMatch(/it has 13 bytes of an upload after \d+ were sent/);
      relay.interfere = undefined;
      expect(await pull(scene)).toEqual(before);
    }));

  it("an upload that has no address is the registry's mistake", () =>
    inScene(async (scene) => {
      scene.relay.interfere = ({ method }, incoming, outgoing) => {
        if (method !== "POST") return undefined;
        incoming.resume();
        outgoing.writeHead(202).end();
        return "handled";
      };
      expect(await faultOf(push(scene))).toMatchObject({ code: "registry.protocol" });
    }));

  it("a server that drips is taken for one that fell silent", () =>
    inScene(async (scene) => {
      const { relay } = scene;
      const identity = await push(scene);
      let drips = 0;
      relay.interfere = ({ path, headers }, _incoming, outgoing) => {
        if (!path.includes("/blobs/") || path.endsWith(identity.imageId) || headers.range !== undefined)
          return undefined;
        return (upstream) => {
          outgoing.writeHead(upstream.statusCode!, upstream.headers);
          upstream.pause();
          const drip = () => {
            if (outgoing.destroyed) return;
            drips += 1;
            outgoing.write(upstream.read(1) ?? upstream.read() ?? "", () => setImmediate(drip));
          };
          upstream.once("readable", drip);
          return "handled";
        };
      };
      // A minute passes with every look at the clock.
      let now = 0;
      const clock = { ...quickClock(), now: () => (now += 59_000) };
      expect(await pull(scene, { clock })).toEqual(identity);
      expect(drips).toBeGreaterThan(0);
    }));

  it("a server that says nothing is given up", () =>
    inScene(async (scene) => {
      scene.relay.interfere = () => "handled";
      const fault = await faultOf(pull(scene, { patience: { answer: 5 } }));
      expect(fault.message).toContain("it does not answer");
    }));

  it("a host that is not there is one fault, at once", async () => {
    const clock = quickClock();
    await using registry = openRegistry({ clock });
    const fault = await faultOf(registry.read(parseReference("127.0.0.1:1/app:v1")));
    expect(fault.message).toBe("Cannot pull from registry 127.0.0.1:1, repository app: it refuses connections");
    expect(clock.waits).toEqual([]);
  });

  it("an abort ends a push with its own reason, and the tag stays as it was", () =>
    inScene(async (scene) => {
      const { relay, before } = scene;
      for (const step of ["POST", "PATCH", "PUT"]) {
        const controller = new AbortController();
        relay.interfere = ({ method }) => {
          if (method !== step) return undefined;
          controller.abort(new Error(`stopped at ${step}`));
          return "handled";
        };
        await expect(push(scene, { signal: controller.signal })).rejects.toThrow(`stopped at ${step}`);
        relay.interfere = undefined;
        expect(await pull(scene)).toEqual(before);
      }
    }));
});
