// Downloads a published Node.js, checks it and fills the layers.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { emptyLayer, writeEnv } from "./layer.mjs";
import { failureOf, giveUp } from "./output.mjs";
import { npm, registryHint } from "./registry.mjs";
import { hashOf, writeSbom } from "./sbom.mjs";
import { temporaryDirectory } from "./temporary.mjs";

/** Fills the layers `node` and `headers` from a package of the registry, whose sha512 sum must be `integrity`. */
export function install(archive, version, integrity) {
  const file = download(archive, version, integrity);
  const node = emptyLayer("node");
  const headers = emptyLayer("headers");
  unpack(file, node, "package/bin/node", "package/LICENSE");
  // Without the headers of OpenSSL: nine tenths of the files, and add-ons have no use for them.
  unpack(file, headers, "--exclude=package/include/node/openssl", "package/include");

  const broken = failureOf(spawnSync(join(node, "bin", "node"), ["--version"], { encoding: "utf8" }));
  const hint = "The build and run images must have the shared libraries it needs; or choose another version.";
  if (broken) giveUp(`Cannot run Node.js ${version}: ${broken}`, hint);

  writeEnv("node", { "env/NODE_HOME.override": node, "env/NODE_ENV.default": "production" });
  // Where node-gyp looks for headers; the older name makes newer npm warn, the newer one says nothing to older npm.
  const nodedir = Number(version.split(".")[0]) < 18 ? "npm_config_nodedir" : "npm_package_config_node_gyp_nodedir";
  writeEnv("headers", { [`env.build/${nodedir}.override`]: headers });
  writeSbom("node", [componentOf(version, integrity)]);
}

function download(archive, version, integrity) {
  const directory = temporaryDirectory();
  const failure = failureOf(npm("pack", `${archive}@${version}`, "--silent", "--pack-destination", directory));
  if (failure) giveUp(`Cannot download ${archive} ${version}: ${failure}`, registryHint);

  const file = join(directory, readdirSync(directory)[0]);
  const sum = createHash("sha512").update(readFileSync(file)).digest("base64");
  if (`sha512-${sum}` !== integrity) {
    const hint = "Try again; if it stays, the registry or a proxy is broken.";
    giveUp(`Cannot use ${archive} ${version}: its sha512 sum is not the published one`, hint);
  }
  return file;
}

function unpack(file, directory, ...members) {
  const flags = ["-xzf", file, "-C", directory, "--no-same-owner", "--strip-components=1"];
  const failure = failureOf(spawnSync("tar", [...flags, ...members], { encoding: "utf8" }));
  if (failure) giveUp(`Cannot unpack ${file}: ${failure}`, "The build environment must have tar and enough space.");
}

function componentOf(version, integrity) {
  return {
    type: "platform",
    name: "node",
    version,
    licenses: [{ license: { id: "MIT" } }],
    hashes: [hashOf(integrity)],
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/node@${version}`,
  };
}
