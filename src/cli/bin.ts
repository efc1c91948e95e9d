#!/usr/bin/env node
import module from "node:module";

// Node >= 22.1 keeps compiled code between runs; older ones simply start.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});
const { main } = await import("./main.ts");
process.exitCode = await main(process.argv.slice(2));
