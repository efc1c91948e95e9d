import { serve } from "@hono/node-server";
import { Hono } from "hono";

const app = new Hono();

app.get("/", (context) => context.json({ greeting: "Hello from node-pnpm" }));

const port = Number(process.env.PORT ?? 8080);
const server = serve({ fetch: app.fetch, port }, (address) => console.log(`Listening on port ${address.port}`));

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
