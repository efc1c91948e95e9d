import fastify from "fastify";

const app = fastify();

app.get("/", async () => "Hello from node-npm\n");
app.get("/greet/:name", async ({ params }) => ({ greeting: `Hello, ${params.name}`, node: process.version }));

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => app.close());

await app.listen({ host: "0.0.0.0", port: Number(process.env.PORT ?? 8080) });
console.log(`Listening on port ${app.server.address().port}`);
