// npm run fuzz -- [TARGET…] [--seconds N] [--seed N]: gives random input to each target (all without one) for that long, on this core.
import { parseArgs } from "node:util";
import { Finding, fuzz } from "../support/fuzz.ts";
import { keepInput } from "./kept.ts";
import { targets } from "./target.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "10" }, seed: { type: "string" } },
});
const seconds = Number(values.seconds);
const seed = values.seed === undefined ? Date.now() % 2 ** 32 : Number(values.seed);
const unknown = positionals.filter((name) => !targets.some((target) => target.name === name));
if (unknown.length > 0 || !(seconds > 0)) {
  console.error(
    `usage: npm run fuzz -- [TARGET…] [--seconds N] [--seed N]\ntargets: ${targets.map(({ name }) => name).join(" ")}`,
  );
  process.exit(2);
}
let status = 0;
for (const target of targets.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
  const end = process.cpuUsage().user + seconds * 1e6;
  try {
    const options = { seed, done: () => process.cpuUsage().user >= end, now: () => performance.now() };
    const { runs, accepted, slowest } = await fuzz(target, options);
    const memory = Math.round(process.resourceUsage().maxRSS / 1024);
    console.log(
      `${target.name}: ${runs} inputs, ${accepted} accepted, slowest ${Math.round(slowest)} ms, at most ${memory} MiB`,
    );
  } catch (error) {
    if (!(error instanceof Finding)) throw error;
    status = 1;
    console.error(`${error.message}\nseed ${seed}; kept at ${keepInput(target.name, error.input)}`);
  }
}
process.exit(status);
