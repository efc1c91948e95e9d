// A piece of work in a process of its own, which a test may kill at any moment: node --import tsx work.ts KIND OPTIONS
import { build } from "../../../src/build.ts";
import { pruneStore } from "../../../src/image-list.ts";
import { rebase } from "../../../src/rebase.ts";
import { copy } from "../../../src/transfer.ts";

const [kind = "", text = "{}"] = process.argv.slice(2);
const options = JSON.parse(text);
// Loading takes longer than most work: killed times count from here on.
process.stdout.write("ready\n");
if (kind === "build") await build(options);
else if (kind === "copy") await copy(options);
else if (kind === "prune") await pruneStore(options);
else if (kind === "rebase") await rebase(options);
else throw new Error(`there is no work called ${kind}`);
process.stdout.write("done\n");
process.exit(0);
