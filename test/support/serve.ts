import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server on loopback, gone when it is disposed of. */
export interface Served extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** The paths that were asked for, in order. */
  readonly asked: string[];
}

/** Serves what `answer` gives for a path, and 404 for undefined. */
export async function serve(answer: (path: string) => Uint8Array | undefined): Promise<Served> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "/");
    asked.push(path);
    const body = answer(path);
    if (body === undefined) response.writeHead(404);
    response.end(body);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
