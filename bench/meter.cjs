// Preloaded into a measured process: leaves its resource usage in the file that BENCH_METER names.
const { writeFileSync } = require("node:fs");
const file = process.env.BENCH_METER;
delete process.env.BENCH_METER;
process.on("exit", () => {
  if (file) writeFileSync(file, JSON.stringify(process.resourceUsage()));
});
