// A CycloneDX document without serial number or time, so that the same components give the same bytes.
import { writeFileSync } from "node:fs";
import { layerPath } from "./layer.mjs";

/** Writes the SBOM of a layer from CycloneDX components, in the order of their purl. */
export function writeSbom(layer, components) {
  const sorted = [...components].sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const document = { bomFormat: "CycloneDX", specVersion: "1.5", version: 1, components: sorted };
  writeFileSync(`${layerPath(layer)}.sbom.cdx.json`, `${JSON.stringify(document, null, 2)}\n`);
}

/** The component of an npm package; `license` is what its package.json says, if anything. */
export function npmComponent({ name, version, license, integrity }) {
  return {
    type: "library",
    name,
    version,
    ...(typeof license === "string" && { licenses: [licenseOf(license)] }),
    ...(integrity && { hashes: [hashOf(integrity)] }),
    purl: `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(version)}`,
  };
}

function licenseOf(text) {
  const isExpression = /^\(?[\w.+-]+( (OR|AND|WITH) [\w.+-]+)*\)?$/.test(text) && text !== "UNLICENSED";
  return isExpression ? { expression: text } : { license: { name: text } };
}

/** The CycloneDX hash of an integrity value such as "sha512-…". */
export function hashOf(integrity) {
  const [algorithm, value] = integrity.split(/-(.*)/);
  return { alg: algorithm.toUpperCase().replace("SHA", "SHA-"), content: Buffer.from(value, "base64").toString("hex") };
}
