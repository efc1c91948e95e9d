import Koa from "koa";

interface Greeting {
  readonly greeting: string;
  readonly environment: string | undefined;
}

const app = new Koa();

app.use((context: Koa.Context) => {
  const greeting: Greeting = { greeting: "Hello from node-yarn", environment: process.env.NODE_ENV };
  context.body = greeting;
});

const server = app.listen(Number(process.env.PORT ?? 8080), () => {
  const address = server.address();
  if (typeof address === "object") console.log(`Listening on port ${address?.port}`);
});

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
