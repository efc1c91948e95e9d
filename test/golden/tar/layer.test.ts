import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect } from "../../../src/std/byte.ts";
import { guestPath, hostPath, type Place, under } from "../../../src/std/path.ts";
import { gzipAsReference } from "../../../src/tar/gzip-reference.ts";
import { appLayers, directoryLayer, type LayerTar, launcherLayer, processTypesLayer } from "../../../src/tar/layer.ts";
import { vector } from "../vector.ts";
import { dumpHeaders } from "./dump.ts";

const listing = vector("app_one.layer-tar-headers.txt");
const diffIds: string[] = JSON.parse(vector("app_one.config.json")).rootfs.diff_ids;

/**
 * What the reference wrote for the layer at this place of the image: its headers, and the digest of its compressed
 * form.
 */
function listed(index: number): { digest: string; headers: string } {
  const form = new RegExp(`^=== layer index ${index} digest (.*)\\n.*\\n([^]*?)\\n(?:===|$)`, "m");
  const [, digest, headers] = form.exec(`${listing.trimEnd()}\n`)!;
  return { digest: digest!, headers: headers! };
}

const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

const owner = { uid: 1000, gid: 1000 };
const parent = (path: string) => ({ path: guestPath(path), mode: 0o755, ...owner });

async function check(layer: LayerTar, index: number): Promise<void> {
  const archive = await collect(layer.open());
  const { headers, digest } = listed(index);
  expect(dumpHeaders(archive)).toBe(headers);
  expect(sha256(archive)).toBe(diffIds[index]);
  expect(sha256(await collect(gzipAsReference([archive])))).toBe(digest);
}

let root: string;
const place = (guest: string): Place => ({ host: under(hostPath(root), guest), guest: guestPath(guest) });

/** Directories get their modes whatever the umask, those on the way too. */
function directory(path: string, mode = 0o755): void {
  if (!existsSync(join(root, dirname(path)))) directory(dirname(path));
  mkdirSync(join(root, path), { recursive: true });
  chmodSync(join(root, path), mode);
}

function file(path: string, content: string | Buffer = "", mode = 0o644): void {
  directory(dirname(path));
  writeFileSync(join(root, path), content);
  chmodSync(join(root, path), mode);
}

function link(path: string, target: string): void {
  directory(dirname(path));
  symlinkSync(target, join(root, path));
}

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "plinth-layer-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("the layers of a reference image", () => {
  it("LAYER-025 a buildpack's layer holds absolute names, its parents before it", async () => {
    const alpha = "/layers/test_bp/alpha";
    for (const name of ["bin", "lib", "include", "pkgconfig", "env", "env.build", "env.launch/web", "exec.d"])
      directory(`${alpha}/${name}`);
    file(`${alpha}/bin/tool`, "#!/bin/bash\n", 0o4755);
    link(`${alpha}/bin/link`, "../lib");
    link(`${alpha}/lib/lib`, "../lib");
    file(`${alpha}/env/A_VAR`, "val");
    file(`${alpha}/env/LISTVAR.append`, "apd");
    file(`${alpha}/env/LISTVAR.delim`, ":");
    file(`${alpha}/env/LISTVAR2.prepend`, "pre");
    file(`${alpha}/env.build/DVAR.default`, "dflt");
    file(`${alpha}/env.launch/OVAR.override`, "ovr");
    file(`${alpha}/env.launch/web/WEBVAR`, "webonly");
    file(`${alpha}/exec.d/x`, '#!/bin/bash\nprintf "EXECD = \\"%s\\"\\n" "yes" >&3\n', 0o755);
    const parents = [parent("/layers"), parent("/layers/test_bp")];
    await check(directoryLayer({ place: place(alpha), parents, owner }), 2);
  });

  it("EXPORT-023 EXPORT-032 EXPORT-036 the headers of long names, links, pipes and hard links are the reference's", async () => {
    const beta = "/layers/test_bp/beta";
    file(`${beta}/${"d".repeat(60)}/${"e".repeat(60)}/file`);
    for (const name of ["n".repeat(120), "naïve.txt", "a.txt", "a/z", "a-b"]) file(`${beta}/${name}`);
    file(`${beta}/hard1`, "hi\n");
    linkSync(join(root, beta, "hard1"), join(root, beta, "hard2"));
    link(`${beta}/longlink`, "t".repeat(130));
    execFileSync("mkfifo", ["-m", "644", join(root, beta, "fifo")]);
    directory(`${beta}/sticky`, 0o1777);
    directory(`${beta}/sgid`, 0o2755);
    // Its bytes are those of a program of the machine that made the vectors; the headers do not depend on them.
    file(`${beta}/blob`, Buffer.alloc(100_000, 7));
    const parents = [parent("/layers"), parent("/layers/test_bp")];
    const archive = await collect(directoryLayer({ place: place(beta), parents, owner }).open());
    expect(dumpHeaders(archive)).toBe(listed(3).headers);
  });

  it("the layer of bills of materials", async () => {
    const sbom = "/layers/sbom/launch";
    file(`${sbom}/buildpacksio_lifecycle/launcher/sbom.cdx.json`, '{"launcher":1}\n');
    file(`${sbom}/sbom.legacy.json`, "null\n");
    file(`${sbom}/test_bp/alpha/sbom.spdx.json`, '{"b":1}\n');
    file(`${sbom}/test_bp/beta/sbom.cdx.json`, '{"d":1}\n');
    file(`${sbom}/test_bp/sbom.cdx.json`, '{"a":1}\n');
    const parents = [parent("/layers"), parent("/layers/sbom")];
    await check(directoryLayer({ place: place(sbom), parents, owner }), 4);
  });

  it("SLICE-001 SLICE-005 SLICE-006 SLICE-008 two slices and the rest are three layers, an empty one too", async () => {
    file("/workspace/app.sh", "5\n", 0o755);
    file("/workspace/lib/x.txt", "4\n");
    file("/workspace/readme.txt", "3\n");
    file("/workspace/static/a.js", "1\n");
    file("/workspace/static/sub/b.js", "2\n");
    link("/workspace/link", "app.sh");
    const slices = [["static", "*.txt"], ["nomatch*"]];
    const layers = await appLayers({ place: place("/workspace"), slices, owner });
    expect(layers.length).toBe(3);
    for (const [index, layer] of layers.entries()) await check(layer, 5 + index);
  });

  it("EXPORT-010 the launcher stands at /cnb/lifecycle/launcher, owned by root", async () => {
    const archive = await collect(launcherLayer(Buffer.alloc(0o13120242)).open());
    expect(dumpHeaders(archive)).toBe(listed(8).headers);
    file("/launcher", Buffer.alloc(0o13120242));
    link("/launcher-link", "launcher");
    const linked = launcherLayer(under(hostPath(root), "launcher-link"));
    expect((await collect(linked.open())).equals(archive)).toBe(true);
  });

  it("the layer of the launcher's configuration", async () => {
    file("/layers/config/metadata.toml", vector("fresh.metadata.toml"));
    await check(directoryLayer({ place: place("/layers/config"), parents: [parent("/layers")], owner }), 9);
  });

  it("EXPORT-010 one link to the launcher for each process type", async () => {
    await check(processTypesLayer(["script", "shellproc", "web", "worker"]), 10);
  });
});
