import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { documentsOf } from "../../../src/oci/image.ts";
import { parseReference } from "../../../src/oci/reference.ts";
import { collect } from "../../../src/std/byte.ts";
import { Fault } from "../../../src/std/fault.ts";
import { hostPath } from "../../../src/std/path.ts";
import { openArchive } from "../../../src/store/archive.ts";
import type { BlobSource } from "../../../src/store/contract.ts";
import { findDaemon, openDaemon } from "../../../src/store/daemon.ts";
import { type Answer, fakeDaemon, json } from "../../support/fake-daemon.ts";
import { peer } from "../../support/peer.ts";
import { inFolder } from "./place.ts";
import { sampleImage } from "./sample.ts";

const [one, two] = [parseReference("app:one"), parseReference("app:two")];

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
  throw new Error("expected a fault, nothing was thrown");
}

const isLoad = (request: IncomingMessage) => request.url?.startsWith("/images/load") ?? false;

/** Answers a load with these lines once all of it has come. */
function loading(...lines: string[]): Answer {
  return async (request, response) => {
    if (!isLoad(request)) return false;
    await collect(request);
    response.writeHead(200).end(lines.map((line) => `${line}\r\n`).join(""));
    return true;
  };
}

describe("a daemon that fails", () => {
  it("says so within an answer that began with 200", async () => {
    await using fake = await fakeDaemon(
      loading('{"status":"Loading layer"}', '{"errorDetail":{"message":"no space left on device"},"error":"x"}'),
    );
    await using daemon = await openDaemon(fake.address);
    const sample = sampleImage();
    const fault = await faultOf(daemon.write(sample.image, [one], sample.blobs));
    expect(fault.code).toBe("daemon.refused");
    expect(fault.message).toMatch(
      /^Cannot save image docker\.io\/library\/app:one at unix:.*: the daemon answers: no space left on device$/,
    );
    expect(fake.asked.filter((text) => text.includes("/tag"))).toEqual([]);
  });

  it("refuses before it has read what is sent, and the source is closed", async () => {
    let [opened, closed] = [0, 0];
    await using fake = await fakeDaemon((request, response) =>
      isLoad(request) ? json(response, { message: "not today" }, 500) : false,
    );
    await using daemon = await openDaemon(fake.address);
    const sample = sampleImage();
    const blobs: BlobSource = {
      has: sample.blobs.has,
      async *open(descriptor) {
        opened += 1;
        try {
          yield* sample.blobs.open(descriptor);
        } finally {
          closed += 1;
        }
      },
    };
    const fault = await faultOf(daemon.write(sample.image, [one], blobs));
    expect(fault.message).toMatch(/the daemon answers: not today$/);
    expect(closed).toBe(opened);
  });

  it("breaks the connection in the middle of a load", async () => {
    await using fake = await fakeDaemon(async (request) => {
      if (!isLoad(request)) return false;
      await once(request, "data");
      request.socket.destroy();
      return true;
    });
    await using daemon = await openDaemon(fake.address);
    const sample = sampleImage({ files: [Buffer.alloc(4_000_000)] });
    const fault = await faultOf(daemon.write(sample.image, [one], sample.blobs));
    expect(fault.code).toBe("daemon.gone");
    expect(fake.asked.filter((text) => text.includes("/tag"))).toEqual([]);
  });

  it("breaks the connection in the middle of an answer", async () => {
    await using fake = await fakeDaemon((request, response) => {
      if (request.url !== "/images/json") return false;
      response.writeHead(200, { "content-length": "100" });
      response.write("[", () => request.socket.destroy());
      return true;
    });
    await using daemon = await openDaemon(fake.address);
    const sample = sampleImage();
    expect((await faultOf(daemon.write(sample.image, [one], sample.blobs))).code).toBe("daemon.gone");
  });

  it("makes another image of what it was sent: no name moves", async () => {
    const { imageId } = documentsOf(sampleImage().image).identity;
    await using fake = await fakeDaemon(async (request, response) => {
      if (await loading('{"stream":"Loaded"}')(request, response)) return true;
      if (!request.url?.includes("sha256:")) return false;
      return json(response, { Id: imageId, RootFS: { Type: "layers", Layers: [digestOf("other"), digestOf("one")] } });
    });
    await using daemon = await openDaemon(fake.address);
    const sample = sampleImage();
    expect((await faultOf(daemon.write(sample.image, [one], sample.blobs))).code).toBe("daemon.mismatch");
    expect(fake.asked.filter((text) => text.includes("/tag"))).toEqual([]);
  });

  it("refuses the second name: the first names again what it named before", async () => {
    const sample = sampleImage();
    const { imageId } = documentsOf(sample.image).identity;
    const old = digestOf("old");
    const found = (id: string) => ({ Id: id, RootFS: { Type: "layers", Layers: sample.image.config.diffIds } });
    await using fake = await fakeDaemon(async (request, response) => {
      if (await loading()(request, response)) return true;
      if (request.url?.includes("tag=two")) return json(response, { message: "no" }, 500);
      if (request.url?.includes("/tag?")) return json(response, undefined, 201);
      if (request.url === `/images/${imageId}/json`) return json(response, found(imageId));
      return request.url === "/images/docker.io/library/app:one/json" ? json(response, found(old)) : false;
    });
    await using daemon = await openDaemon(fake.address);
    const fault = await faultOf(daemon.write(sample.image, [one, two], sample.blobs));
    expect(fault.message).toMatch(/^Cannot name image docker\.io\/library\/app:two at .*: the daemon answers: no$/);
    const query = "tag?repo=docker.io%2Flibrary%2Fapp&tag=";
    expect(fake.asked.filter((text) => text.includes("/tag?"))).toEqual([
      `POST /images/${imageId}/${query}one`,
      `POST /images/${imageId}/${query}two`,
      `POST /images/${old}/${query}one`,
    ]);
  });

  it("no longer has a layer it was counted on to have: all are sent", async () => {
    const sample = sampleImage();
    const { imageId } = documentsOf(sample.image).identity;
    const sizes: number[] = [];
    await using fake = await fakeDaemon(async (request, response) => {
      if (isLoad(request)) {
        sizes.push((await collect(request)).length);
        response.writeHead(200).end(sizes.length === 1 ? '{"error":"invalid diffID"}' : "");
        return true;
      }
      if (request.url === "/images/json") return json(response, [{ Id: imageId, RepoTags: null }]);
      if (request.url?.includes("/tag?")) return json(response, undefined, 201);
      if (!request.url?.includes(imageId)) return false;
      return json(response, { Id: imageId, RootFS: { Type: "layers", Layers: sample.image.config.diffIds } });
    });
    await using daemon = await openDaemon(fake.address);
    expect((await daemon.write(sample.image, [one], sample.blobs)).imageId).toBe(imageId);
    expect(sizes).toHaveLength(2);
    expect(sizes[1]! - sizes[0]!).toBe(sample.image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0));
  });

  it.each([
    [{ ApiVersion: "1.18", Version: "1.6" }, /its API is 1\.18, 1\.24 is needed/],
    [{}, /no Docker daemon/],
    ["hello", /no Docker daemon/],
  ])("is too old, or none at all: %j", async (version, found) => {
    await using fake = await fakeDaemon(() => false, { version: version as object });
    const fault = await faultOf(openDaemon(fake.address));
    expect(fault.code).toBe("daemon.version");
    expect(fault.message).toMatch(found);
  });

  it("is not there", () =>
    inFolder(async (folder) => {
      const fault = await faultOf(openDaemon({ kind: "socket", path: `${folder}/none.sock` }));
      expect(fault.code).toBe("daemon.unreachable");
      expect(fault.hint).toContain("start the daemon");
      expect((await faultOf(findDaemon({ HOME: folder, DOCKER_CONTEXT: "far" }))).code).toBe("daemon.context");
    }));

  it("ends an export in the middle", () =>
    inFolder(async (folder) => {
      const id = digestOf("image");
      await using fake = await fakeDaemon((request, response) => {
        if (request.url?.endsWith("/json") && request.url !== "/images/json") return json(response, { Id: id });
        if (!request.url?.endsWith("/get")) return false;
        response.writeHead(200);
        response.write(Buffer.alloc(5000), () => request.socket.destroy());
        return true;
      });
      await using daemon = await openDaemon(fake.address, { temporary: folder });
      const fault = await faultOf(daemon.read(one));
      expect(fault.code).toBe("daemon.gone");
      expect(fault.message).toContain(`Cannot export image ${id}`);
    }));

  it("is left alone in the middle of an export that is aborted", () =>
    inFolder(async (folder) => {
      const controller = new AbortController();
      await using fake = await fakeDaemon((request, response) => {
        if (request.url?.endsWith("/json") && request.url !== "/images/json")
          return json(response, { Id: digestOf("image") });
        if (!request.url?.endsWith("/get")) return false;
        response.writeHead(200);
        response.write(Buffer.alloc(5000), () => controller.abort(new Error("stop")));
        return true;
      });
      await using daemon = await openDaemon(fake.address, { temporary: folder, signal: controller.signal });
      await expect(daemon.read(one)).rejects.toThrow("stop");
      expect(readdirSync(folder)).toEqual([]);
    }));
});

describe("a daemon whose images are containerd's", () => {
  it("is sent an OCI image layout, and knows the image by its manifest's digest", () =>
    inFolder(async (folder) => {
      const sample = sampleImage({ compression: "gzip", annotations: { a: "b" } });
      const { identity } = documentsOf(sample.image);
      const file = join(folder, "sent.tar");
      await using fake = await fakeDaemon(
        async (request, response) => {
          if (isLoad(request)) {
            writeFileSync(file, await collect(request));
            response.writeHead(200).end();
            return true;
          }
          if (request.url?.endsWith("/get")) {
            response.end(readFileSync(file));
            return true;
          }
          if (request.url?.includes("/tag?")) return json(response, undefined, 201);
          if (request.url === "/images/json" || !request.url?.endsWith("/json")) return false;
          return json(response, { Id: identity.digest, RootFS: { Layers: sample.image.config.diffIds } });
        },
        { info: { DriverStatus: [["driver-type", "io.containerd.snapshotter.v1"]] } },
      );
      await using daemon = await openDaemon(fake.address);
      expect(daemon.engine.kind).toBe("containerd");
      expect(await daemon.write(sample.image, [one], sample.blobs)).toEqual(identity);
      expect(daemon.idOf(identity)).toBe(identity.digest);
      await using archive = openArchive(hostPath(file), { form: "oci", isFormSaid: true });
      const sent = await archive.sole();
      expect(sent?.identity).toEqual(identity);
      expect(sent?.image).toEqual(sample.image);
      const read = await daemon.read(one);
      expect(read?.identity).toEqual(identity);
      expect(digestOf(await collect(read!.blobs.open(read!.image.layers[1]!.descriptor)))).toBe(
        sample.image.layers[1]!.descriptor.digest,
      );
    }));
});

describe("a daemon far away", () => {
  it("is reached over TLS with a client certificate, and only if its own is right", (test) =>
    inFolder(async (folder) => {
      const openssl = peer("openssl", test);
      const run = (...words: string[]) => execFileSync(openssl, words, { cwd: folder, stdio: "pipe" });
      const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj"];
      run("req", "-x509", ...key, "/CN=test ca", "-keyout", "ca-key.pem", "-out", "ca.pem", "-days", "1");
      writeFileSync(join(folder, "names"), "subjectAltName=IP:127.0.0.1");
      for (const name of ["server", "client"]) {
        run("req", ...key, `/CN=${name}`, "-keyout", `${name}-key.pem`, "-out", `${name}.csr`);
        run(
          "x509",
          "-req",
          "-in",
          `${name}.csr`,
          "-CA",
          "ca.pem",
          "-CAkey",
          "ca-key.pem",
          "-CAcreateserial",
          "-extfile",
          "names",
          "-days",
          "1",
          "-out",
          `${name}.pem`,
        );
      }
      const read = (name: string) => readFileSync(join(folder, name));
      const certs = (name: string, files: Record<string, string>) => {
        mkdirSync(join(folder, name));
        for (const [to, from] of Object.entries(files)) writeFileSync(join(folder, name, to), read(from));
        return join(folder, name);
      };
      const [ca, cert, secret] = [read("ca.pem"), read("server.pem"), read("server-key.pem")];
      await using fake = await fakeDaemon(() => false, {
        tls: { ca, cert, key: secret, requestCert: true, rejectUnauthorized: true },
      });
      const full = certs("full", { "ca.pem": "ca.pem", "cert.pem": "client.pem", "key.pem": "client-key.pem" });
      const { address } = fake;
      if (address.kind !== "tcp") throw new Error("not on loopback");
      await using daemon = await openDaemon({ ...address, tls: { folder: full, verify: true } });
      expect(await daemon.read(one)).toBeUndefined();
      const blind = certs("blind", { "cert.pem": "client.pem", "key.pem": "client-key.pem" });
      await using trusting = await openDaemon({ ...address, tls: { folder: blind, verify: false } });
      expect(trusting.engine.kind).toBe("classic");
      expect((await faultOf(openDaemon({ ...address, tls: { folder: blind, verify: true } }))).code).toBe("daemon.tls");
      const nobody = certs("nobody", { "ca.pem": "ca.pem" });
      expect((await faultOf(openDaemon({ ...address, tls: { folder: nobody, verify: true } }))).code).toBe(
        "daemon.tls",
      );
      expect((await faultOf(openDaemon(address))).code).toMatch(/^daemon\./);
    }));

  it("is reached through the ssh program", () =>
    inFolder(async (folder) => {
      await using fake = await fakeDaemon(() => false);
      const socket = fake.address.kind === "socket" ? fake.address.path : "";
      const ssh = join(folder, "ssh");
      writeFileSync(
        ssh,
        `#!${process.execPath}\nconst s = require("node:net").connect(${JSON.stringify(socket)});\nrequire("node:fs").appendFileSync(${JSON.stringify(join(folder, "words"))}, process.argv.slice(2).join(" ") + "\\n");\nprocess.stdin.pipe(s).pipe(process.stdout);\n`,
      );
      chmodSync(ssh, 0o755);
      {
        await using daemon = await openDaemon({ kind: "ssh", host: "far.example", user: "ada" }, { ssh });
        expect(await daemon.read(one)).toBeUndefined();
        expect(fake.asked).toContain("GET /images/docker.io/library/app:one/json");
      }
      // One connection serves one request after the other.
      expect(readFileSync(join(folder, "words"), "utf8")).toBe(
        "-o ConnectTimeout=30 -T -l ada -- far.example docker system dial-stdio\n",
      );
    }));

  it("is out of ssh's reach: the program's last words are in the fault", () =>
    inFolder(async (folder) => {
      const ssh = join(folder, "ssh");
      writeFileSync(ssh, "#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n", { mode: 0o755 });
      const fault = await faultOf(openDaemon({ kind: "ssh", host: "far.example" }, { ssh }));
      expect(fault.code).toBe("daemon.ssh");
      expect(fault.message).toMatch(/^Cannot reach daemon at ssh:\/\/far\.example: Host key verification failed$/);
      const missing = await faultOf(openDaemon({ kind: "ssh", host: "far.example" }, { ssh: join(folder, "none") }));
      expect(missing.message).toContain("cannot be started");
    }));
});
