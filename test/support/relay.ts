import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a relay does with one request instead of passing it on; undefined passes it on. */
export type Interference = (
  seen: { readonly method: string; readonly path: string; readonly headers: IncomingMessage["headers"] },
  incoming: IncomingMessage,
  outgoing: ServerResponse,
) => undefined | "handled" | ((upstream: IncomingMessage) => "handled" | undefined);

/** A server between a client and a registry that writes down every request and can interfere. */
export interface Relay extends AsyncDisposable {
  readonly host: string;
  /** `METHOD path` of every request, in order, queries left out. */
  readonly seen: string[];
  interfere: Interference | undefined;
}

/** Starts a relay to `target` (`host:port`, plain HTTP). */
export async function startRelay(target: string): Promise<Relay> {
  const seen: string[] = [];
  const relay: { interfere: Interference | undefined } = { interfere: undefined };
  const [hostname, port] = target.split(":");
  const server = createServer((incoming, outgoing) => {
    const { method = "", url = "", headers } = incoming;
    seen.push(`${method} ${url.replace(/\?.*$/, "")}`);
    const decided = relay.interfere?.({ method, path: url, headers }, incoming, outgoing);
    if (decided === "handled") return;
    const passed = request({ hostname, port, method, path: url, headers }, (upstream) => {
      if (typeof decided === "function" && decided(upstream) === "handled") return;
      outgoing.writeHead(upstream.statusCode ?? 500, upstream.headers);
      upstream.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.on("error", () => passed.destroy());
    incoming.on("aborted", () => passed.destroy());
    incoming.pipe(passed);
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    get interfere() {
      return relay.interfere;
    },
    set interfere(interference) {
      relay.interfere = interference;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
