// Rebases many images in one process and prints what it took: fleet-run.mjs LIBRARY HOST PREFIX COUNT WIDTH RUN-IMAGE HOME
import { pathToFileURL } from "node:url";

const [library, host, prefix, count, width, runImage, home] = process.argv.slice(2);
const { openRebaser } = await import(pathToFileURL(library).href);
const rebaser = openRebaser({ home });
let next = 0;
async function work() {
  while (next < Number(count)) {
    const image = `${host}/${prefix}${next++}`;
    const { changed } = await rebaser.rebase({ image, runImage, output: "registry", force: true });
    if (!changed) throw new Error(`${image} stayed where it was`);
  }
}
await Promise.all(Array.from({ length: Number(width) }, work));
await rebaser[Symbol.asyncDispose]();
const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
console.log(
  JSON.stringify({
    cpuMs: (userCPUTime + systemCPUTime) / 1000,
    peakBytes: maxRSS * 1024,
  }),
);
