import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { collect } from "../../src/std/byte.ts";
import { type Relay, startRelay } from "./relay.ts";

/** A request for a token as the token server saw it. */
export interface TokenAsk {
  readonly method: string;
  readonly scopes: readonly string[];
  readonly service: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly form: Readonly<Record<string, string>>;
}

/** A registry that wants bearer tokens, and the server that gives them. */
export interface BearerRegistry extends AsyncDisposable {
  readonly host: string;
  readonly tokenHost: string;
  readonly relay: Relay;
  readonly asked: TokenAsk[];
  /** Takes every token given so far back. */
  revoke(): void;
}

/** What a token server decides by. */
export interface BearerRecipe {
  /** The value of `Authorization` or the refresh token it wants; anybody is given a token without. */
  readonly wants?: { readonly basic?: string; readonly refresh?: string };
  /** In seconds. */
  readonly lifetime?: number;
  /** What is granted of the scopes asked for; all unless said. */
  readonly grant?: (scope: string) => boolean;
}

function neededScope(method: string, path: string): string | undefined {
  const name = /^\/v2\/(.+?)\/(?:manifests|blobs|tags|referrers)\//.exec(path)?.[1];
  if (name === undefined) return undefined;
  return `repository:${name}:${method === "GET" || method === "HEAD" ? "pull" : "pull,push"}`;
}

function isGranted(granted: readonly string[], needed: string): boolean {
  const colon = needed.lastIndexOf(":");
  const actions = needed.slice(colon + 1).split(",");
  return granted.some((scope) => {
    if (!scope.startsWith(`${needed.slice(0, colon)}:`)) return false;
    const had = scope.slice(scope.lastIndexOf(":") + 1).split(",");
    return actions.every((action) => had.includes(action));
  });
}

/** Starts both in front of a plain registry at `target`. */
export async function startBearer(target: string, recipe: BearerRecipe = {}): Promise<BearerRegistry> {
  const tokens = new Map<string, readonly string[]>();
  const asked: TokenAsk[] = [];
  let count = 0;
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://tokens");
    const form = Object.fromEntries(new URLSearchParams((await collect(request)).toString()));
    const scopes = form["scope"]?.split(" ") ?? url.searchParams.getAll("scope");
    const service = form["service"] ?? url.searchParams.get("service") ?? undefined;
    asked.push({ method: request.method ?? "", scopes, service, headers: request.headers, form });
    const { basic, refresh } = recipe.wants ?? {};
    const isRefused =
      (basic !== undefined && request.headers.authorization !== basic) ||
      (refresh !== undefined && (form["refresh_token"] !== refresh || form["grant_type"] !== "refresh_token"));
    if (isRefused) {
      response.writeHead(401, { "content-type": "application/json" });
      response.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "wrong user or password" }] }));
      return;
    }
    const token = `token-${++count}`;
    tokens.set(
      token,
      scopes.filter((scope) => recipe.grant?.(scope) ?? true),
    );
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ token, expires_in: recipe.lifetime ?? 300 }));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const tokenHost = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const relay = await startRelay(target);
  relay.guard = ({ method, path, headers }, _incoming, outgoing) => {
    const needed = neededScope(method, path);
    const granted = tokens.get(/^Bearer (.*)$/.exec(headers.authorization ?? "")?.[1] ?? "");
    if (granted && (needed === undefined || isGranted(granted, needed))) return undefined;
    const scope = needed === undefined ? "" : `,scope="${needed}"`;
    outgoing.writeHead(401, {
      "www-authenticate": `Bearer realm="http://${tokenHost}/token",service="the, service"${scope}`,
      "content-type": "application/json",
    });
    outgoing.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }));
    return "handled";
  };
  return {
    host: relay.host,
    tokenHost,
    relay,
    asked,
    revoke: () => tokens.clear(),
    async [Symbol.asyncDispose]() {
      await relay[Symbol.asyncDispose]();
      await new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      });
    },
  };
}
