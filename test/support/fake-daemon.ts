import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DaemonAddress } from "../../src/store/daemon.ts";

/** An answer to one request; one that gives false leaves it to the usual answers. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => boolean | Promise<boolean>;

/** A daemon that is only its API, for what a real one cannot be brought to do. */
export interface FakeDaemon extends AsyncDisposable {
  readonly address: DaemonAddress & { readonly kind: "socket" | "tcp" };
  readonly folder: string;
  /** `METHOD path` of what was asked for, in order, without the version in front. */
  readonly asked: string[];
}

/** What the daemon says of itself. */
export interface FakeParts {
  readonly version?: object;
  readonly info?: object;
  /** Listens on loopback with TLS instead of on a socket. */
  readonly tls?: ServerOptions;
}

/** Answers with JSON and the status 200. */
export function json(response: ServerResponse, body: unknown, status = 200): true {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
  return true;
}

/** Starts one; what `answer` leaves is answered as by a classic Docker daemon without images. */
export async function fakeDaemon(answer: Answer, parts: FakeParts = {}): Promise<FakeDaemon> {
  const folder = mkdtempSync(join(tmpdir(), "plinth-fake-"));
  const asked: string[] = [];
  const listener: RequestListener = async (request, response) => {
    const path = (request.url ?? "").replace(/^\/v[0-9.]+/, "");
    request.url = path;
    asked.push(`${request.method} ${path}`);
    if (await answer(request, response)) return;
    request.resume();
    if (path === "/version")
      json(response, parts.version ?? { Version: "1", ApiVersion: "1.41", MinAPIVersion: "1.12" });
    else if (path === "/info") json(response, parts.info ?? { DriverStatus: [["Backing Filesystem", "extfs"]] });
    else if (path === "/images/json") json(response, []);
    else json(response, { message: `no such image: ${path}` }, 404);
  };
  const server: Server = parts.tls ? createTlsServer(parts.tls, listener) : createServer(listener);
  const path = join(folder, "fake.sock");
  await new Promise<void>((ready) => {
    if (parts.tls) server.listen(0, "127.0.0.1", ready);
    else server.listen(path, ready);
  });
  const tcp = () => ({ kind: "tcp" as const, host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  return {
    address: parts.tls ? tcp() : { kind: "socket", path },
    folder,
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
