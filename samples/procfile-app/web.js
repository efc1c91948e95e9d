import { createServer } from "node:http";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { greeting: { type: "string", default: "Hello" } } });

const server = createServer((_request, response) => response.end(`${values.greeting}\n`));
server.listen(Number(process.env.PORT ?? 8080), () => console.log(`Listening on port ${server.address().port}`));

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
