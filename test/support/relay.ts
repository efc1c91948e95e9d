import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it came. */
export interface Seen {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

/**
 * What a relay does with one request: it answers it itself (`handled`), passes it on (undefined), or passes it on and has a look at
 * the answer first.
 */
export type Interference = (
  seen: Seen,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) => undefined | "handled" | ((upstream: IncomingMessage) => "handled" | undefined);

/** A server between a client and a registry that writes down every request and can interfere. */
export interface Relay extends AsyncDisposable {
  readonly host: string;
  /** Every request in order, refused ones too. */
  readonly requests: Seen[];
  /** `METHOD path` of every request, queries left out. */
  seen(): string[];
  /** Asked before everything else. */
  guard: Interference | undefined;
  interfere: Interference | undefined;
}

/** Starts a relay to `target` (`host:port`, plain HTTP). */
export async function startRelay(target: string): Promise<Relay> {
  const requests: Seen[] = [];
  const [hostname, port] = target.split(":");
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    const seen = { method, path: url, headers };
    requests.push(seen);
    incoming.on("error", () => undefined);
    outgoing.on("error", () => undefined);
    if (relay.guard?.(seen, incoming, outgoing) === "handled") return;
    const decided = relay.interfere?.(seen, incoming, outgoing);
    if (decided === "handled") return;
    const passed = request({ hostname, port, method, path: url, headers }, (upstream) => {
      upstream.on("error", () => outgoing.destroy());
      if (decided?.(upstream) === "handled") return;
      outgoing.writeHead(upstream.statusCode ?? 500, upstream.headers);
      upstream.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.on("close", () => {
      if (!incoming.complete) passed.destroy();
    });
    incoming.pipe(passed);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const relay: Relay = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    seen: () => requests.map(({ method, path }) => `${method} ${path.replace(/\?.*$/, "")}`),
    guard: undefined,
    interfere: undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  return relay;
}
