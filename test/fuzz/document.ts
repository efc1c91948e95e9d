import { parseDefinition } from "../../src/base/definition.ts";
import { encodeBuildMetadata, parseBuildMetadata } from "../../src/cnb/build-metadata.ts";
import { parseBuilder } from "../../src/cnb/builder.ts";
import { parseBuilderMetadata } from "../../src/cnb/builder-label.ts";
import { parseBuildpack } from "../../src/cnb/buildpack.ts";
import { encodeCacheMetadata, parseCacheMetadata } from "../../src/cnb/cache-file.ts";
import { applyEnvFiles } from "../../src/cnb/environment.ts";
import { parseExtension } from "../../src/cnb/extension.ts";
import { parseGroup } from "../../src/cnb/group-file.ts";
import { appShas, encodeLifecycleMetadata, parseLifecycleMetadata } from "../../src/cnb/label.ts";
import { parseBuildToml, parseLaunch, parseStore } from "../../src/cnb/launch.ts";
import { parseLayer } from "../../src/cnb/layer.ts";
import { parseLifecycleFile } from "../../src/cnb/lifecycle-file.ts";
import { parseLocator } from "../../src/cnb/locator.ts";
import { formatMetadata, parseMetadata } from "../../src/cnb/metadata-file.ts";
import { parseModuleDescriptor } from "../../src/cnb/module-descriptor.ts";
import { parseModuleLayers } from "../../src/cnb/module-layers.ts";
import { parsePlan } from "../../src/cnb/offer.ts";
import { parseOrderFile } from "../../src/cnb/order-file.ts";
import { parseOrderLabel, parseSystemLabel } from "../../src/cnb/order-label.ts";
import { parsePackageFile } from "../../src/cnb/package-file.ts";
import { parsePackageMetadata } from "../../src/cnb/package-label.ts";
import { formatPlan, parsePlanFile } from "../../src/cnb/plan-file.ts";
import { parseProject } from "../../src/cnb/project-descriptor.ts";
import { parseProjectMetadata } from "../../src/cnb/project-file.ts";
import { parseIndexFile, parseRegistryId } from "../../src/cnb/registry-index.ts";
import { parseRun } from "../../src/cnb/run-file.ts";
import { parseSystem } from "../../src/cnb/system-file.ts";
import { parseOsRelease } from "../../src/cnb/target.ts";
import { encodeConfig, parseConfig } from "../../src/oci/config.ts";
import { encodeManifest, isIndex, parseManifest } from "../../src/oci/manifest.ts";
import { formatReference, parseReference, withDefaultTag } from "../../src/oci/reference.ts";
import { dockerSelection } from "../../src/source/docker-ignore.ts";
import { selectionOf } from "../../src/source/selection.ts";
import { parseJson } from "../../src/std/json.ts";
import { hostPath } from "../../src/std/path.ts";
import { parseToml } from "../../src/std/toml.ts";
import { jsonOfToml } from "../../src/std/toml-json.ts";
import { parseCredentialFile, parseRegistryAuth } from "../../src/store/auth/document.ts";
import { parseFound } from "../../src/store/daemon/found.ts";
import { parseLocation } from "../../src/store/locate.ts";
import { parseChallenges } from "../../src/store/registry/challenge.ts";
import { parseErrors } from "../../src/store/registry/reply.ts";
import { parseToken } from "../../src/store/registry/token.ts";
import { matcher } from "../../src/tar/glob.ts";
import { vector } from "../golden/vector.ts";
import type { FuzzTarget } from "../support/fuzz.ts";
import { jsonTarget, textTarget, tomlTarget } from "./text.ts";
import { attempt, refused } from "./verdict.ts";

/** What is written after reading must be read as the same again. */
function same<T>(first: T, write: (value: T) => string, read: (text: string) => T): void {
  const text = write(first);
  const again = write(read(text));
  if (again !== text) throw new Error(`is not stable: ${text.slice(0, 500)} becomes ${again.slice(0, 500)}`);
}

const labels = JSON.parse(vector("app_one.config.json")).config.Labels as Record<string, string>;
const sha = `sha256:${"a".repeat(64)}`;

const tomlTargets: readonly FuzzTarget[] = [
  tomlTarget({
    name: "toml",
    seeds: [
      vector("fresh.metadata.toml"),
      vector("rebuild.analyzed.toml"),
      'a = [1, 2.5, "x", 1979-05-27]\n[b.c]\nd = {e = true}\n[[f]]\n',
    ],
    take: (text) => jsonOfToml(parseToml(text, "it")),
  }),
  tomlTarget({
    name: "buildpack.toml",
    seeds: [
      'api = "0.12"\n[buildpack]\nid = "a/b"\nversion = "1.0"\nname = "A"\nhomepage = "h"\nkeywords = ["k"]\nclear-env = true\nsbom-formats = ["application/spdx+json"]\nexec-env = ["test"]\n[[buildpack.licenses]]\ntype = "MIT"\n[[targets]]\nos = "linux"\narch = "arm64"\nvariant = "v8"\n[[targets.distros]]\nname = "ubuntu"\nversion = "24.04"\n',
      'api = "0.9"\n[buildpack]\nid = "c"\nversion = "2"\n[[order]]\n[[order.group]]\nid = "a"\nversion = "1"\noptional = true\n',
      'api = "0.8"\n[extension]\nid = "e"\nversion = "1"\n[[stacks]]\nid = "*"\nmixins = ["a"]\n',
    ],
    take(text) {
      for (const read of [
        () => parseBuildpack(text, "it", { hasBinBuild: true }),
        () => parseExtension(text, "it", { hasScripts: true }),
        () => parseModuleDescriptor(text, "it", "extension"),
      ])
        attempt(read);
      return parseModuleDescriptor(text, "it", "buildpack");
    },
  }),
  tomlTarget({
    name: "builder.toml",
    seeds: [
      'description = "d"\n[[buildpacks]]\nuri = "a"\nid = "x"\nversion = "1"\n[[order]]\n[[order.group]]\nid = "x"\n[stack]\nid = "s"\nbuild-image = "b"\nrun-image = "r"\n[build]\n[[build.env]]\nname = "A"\nvalue = "b"\nsuffix = "append"\ndelim = ":"\n[[run.images]]\nimage = "r"\nmirrors = ["m"]\n[lifecycle]\nversion = "0.20.0"\n',
    ],
    take: (text) => parseBuilder(text, "it"),
  }),
  tomlTarget({
    name: "package.toml",
    seeds: [
      '[buildpack]\nuri = "."\n[[dependencies]]\nuri = "docker://x"\n[platform]\nos = "linux"\n[[targets]]\nos = "linux"\narch = "amd64"\n',
    ],
    take: (text) => parsePackageFile(text, "it"),
  }),
  tomlTarget({
    name: "launch.toml",
    seeds: [
      '[[processes]]\ntype = "web"\ncommand = ["a", "b"]\nargs = ["c"]\ndefault = true\nworking-dir = "/x"\nexec-env = ["test"]\n[[labels]]\nkey = "k"\nvalue = "v"\n[[slices]]\npaths = ["*.a", "[x]"]\n[[bom]]\nname = "n"\n',
      '[[processes]]\ntype = "sh"\ncommand = "echo hi"\nargs = ["c"]\ndirect = false\n',
    ],
    take(text) {
      attempt(() => parseLaunch(text, "it", { commandList: false, workingDirectory: false }, "a"));
      for (const { paths } of parseLaunch(text, "it", { commandList: true, workingDirectory: true }, "a").slices)
        for (const path of paths) attempt(() => matcher(path)("a/b/c.a"));
    },
  }),
  tomlTarget({
    name: "layer.toml",
    seeds: [
      '[types]\nlaunch = true\nbuild = false\ncache = true\n[metadata]\na = "b"\n[metadata.c]\nd = [1, 2]\n',
      "[metadata]\nwhen = 2024-01-02T03:04:05Z\n",
    ],
    take(text) {
      attempt(() => parseStore(text, "it"));
      return parseLayer(text, "it");
    },
  }),
  tomlTarget({
    name: "build.toml",
    seeds: ['[[unmet]]\nname = "a"\n[[bom]]\nname = "b"\n[bom.metadata]\nversion = "1"\n'],
    take: (text) => parseBuildToml(text, "it"),
  }),
  tomlTarget({
    name: "plan.toml",
    seeds: [
      '[[provides]]\nname = "a"\n[[requires]]\nname = "b"\nversion = "1"\n[requires.metadata]\nx = 1\n[[or]]\n[[or.provides]]\nname = "c"\n',
      vector("fresh.plan.toml"),
    ],
    take(text) {
      attempt(() => same(parsePlanFile(text, "it"), formatPlan, (again) => parsePlanFile(again, "it")));
      return parsePlan(text, "it");
    },
  }),
  tomlTarget({
    name: "platform.toml",
    seeds: [
      vector("fresh.group.toml"),
      '[[order]]\n[[order.group]]\nid = "a"\nversion = "1"\n[[order-extensions]]\n[[order-extensions.group]]\nid = "e"\nversion = "2"\n',
      '[[images]]\nimage = "r"\nmirrors = ["m"]\n',
      '[system.pre]\n[[system.pre.buildpacks]]\nid = "a"\nversion = "1"\noptional = true\n',
      '[apis.buildpack]\ndeprecated = []\nsupported = ["0.7"]\n[apis.platform]\nsupported = ["0.12"]\n[lifecycle]\nversion = "0.20"\n',
    ],
    take(text) {
      for (const read of [parseGroup, parseRun, parseSystem, parseLifecycleFile]) attempt(() => read(text, "it"));
      return parseOrderFile(text, "it");
    },
  }),
  tomlTarget({
    name: "metadata.toml",
    seeds: [vector("fresh.metadata.toml")],
    take: (text) => same(parseMetadata(text, "it"), formatMetadata, (again) => parseMetadata(again, "it")),
  }),
  tomlTarget({
    name: "project.toml",
    seeds: [
      '[_]\nschema-version = "0.2"\nid = "a"\nlicenses = [{type = "MIT"}]\n[_.metadata]\nx = 1\n[io.buildpacks]\nbuilder = "b"\nexclude = ["*.md", "!a/**"]\n[[io.buildpacks.group]]\nid = "x"\nversion = "1"\n[io.buildpacks.group.script]\napi = "0.10"\ninline = "echo"\nshell = "/bin/bash"\n[[io.buildpacks.build.env]]\nname = "A"\nvalue = "b"\n',
      '[project]\nname = "a"\n[build]\ninclude = ["src"]\n[[build.buildpacks]]\nuri = "x"\n[[build.env]]\nname = "A"\nvalue = "b"\n',
    ],
    take(text) {
      const { files } = parseProject(text, "it");
      const selects = selectionOf(files, []);
      for (const path of ["a", "a/b.md", "src/x/", "é"]) selects?.(path);
    },
  }),
  tomlTarget({
    name: "base.toml",
    seeds: [
      '[base]\ndistribution = "debian"\nsuite = "bookworm"\n[packages]\ninstall = ["ca-certificates"]\n[user]\nname = "cnb"\nuid = 1000\n',
    ],
    take: (text) => parseDefinition(text, "it"),
  }),
];

const manifest = vector("app_one.manifest.json");
const index = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [
    {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: sha,
      size: 3,
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
      annotations: { a: "b" },
    },
  ],
});

const jsonTargets: readonly FuzzTarget[] = [
  jsonTarget({ name: "json", seeds: [manifest, index], take: (text) => parseJson(text, "it") }),
  jsonTarget({
    name: "manifest",
    seeds: [manifest, index],
    take(text) {
      const read = parseManifest(text, "it");
      if (isIndex(read)) read.manifests.map((one) => one.platform);
      same(read, encodeManifest, (again) => parseManifest(again, "it"));
    },
  }),
  jsonTarget({
    name: "config",
    seeds: [vector("app_one.config.json"), vector("run-oci_v1.config.json"), vector("cache_x.config.json")],
    take: (text) => same(parseConfig(text, "it"), encodeConfig, (again) => parseConfig(again, "it")),
  }),
  jsonTarget({
    name: "lifecycle-label",
    seeds: [labels["io.buildpacks.lifecycle.metadata"]!],
    take(text) {
      const read = parseLifecycleMetadata(text);
      if (!read) return refused();
      appShas(read);
      same(read, encodeLifecycleMetadata, (again) => parseLifecycleMetadata(again)!);
    },
  }),
  jsonTarget({
    name: "build-label",
    seeds: [labels["io.buildpacks.build.metadata"]!],
    take(text) {
      const read = parseBuildMetadata(text);
      return read ? encodeBuildMetadata(read) : refused();
    },
  }),
  jsonTarget({
    name: "cache-label",
    seeds: [vector("cache-dir.metadata.json")],
    take(text) {
      const read = parseCacheMetadata(text);
      return read ? same(read, encodeCacheMetadata, (again) => parseCacheMetadata(again)!) : refused();
    },
  }),
  jsonTarget({
    name: "builder-label",
    seeds: [
      '{"description":"d","buildpacks":[{"id":"a","version":"1","homepage":"h"}],"extensions":null,"stack":{"runImage":{"image":"r","mirrors":["m"]}},"lifecycle":{"version":"0.20.0","api":{"buildpack":"0.2","platform":"0.3"},"apis":{"buildpack":{"deprecated":[],"supported":["0.7"]},"platform":{"deprecated":[],"supported":["0.12"]}}},"createdBy":{"name":"n","version":"v"},"images":[{"image":"r","mirrors":[]}]}',
    ],
    take: (text) => parseBuilderMetadata(text, "it"),
  }),
  jsonTarget({
    name: "order-label",
    seeds: [
      '[{"group":[{"id":"a","version":"1","optional":true}]}]',
      '{"pre":{"buildpacks":[{"id":"a","version":"1"}]},"post":{}}',
    ],
    take(text) {
      attempt(() => parseSystemLabel(text, "it"));
      return parseOrderLabel(text, "it");
    },
  }),
  jsonTarget({
    name: "module-label",
    seeds: [
      `{"a/b":{"1.0":{"api":"0.8","stacks":[{"id":"*","mixins":["m"]}],"targets":[{"os":"linux","arch":"amd64","distributions":[{"name":"u","version":"1"}]}],"layerDiffID":"${sha}","homepage":"h","name":"n"}},"c":{"2":{"api":"0.9","order":[{"group":[{"id":"a/b","version":"1.0"}]}],"layerDiffID":"${sha}"}}}`,
      '{"id":"a","version":"1","name":"n","homepage":"h","description":"d","keywords":["k"],"licenses":[{"type":"MIT"}],"stacks":[{"id":"*"}]}',
    ],
    take(text) {
      attempt(() => parsePackageMetadata(text, "it"));
      return parseModuleLayers(text, "it");
    },
  }),
  jsonTarget({
    name: "project-label",
    seeds: [
      '{"source":{"type":"git","version":{"commit":"c"},"metadata":{"repository":"r"}}}',
      '[source]\ntype = "git"\n[source.version]\ncommit = "c"\n',
    ],
    take: (text) => parseProjectMetadata(text, "it"),
  }),
  jsonTarget({
    name: "registry-index",
    seeds: [
      `{"ns":"a","name":"b","version":"1.0.0","yanked":false,"addr":"r/x@${sha}"}\n{"ns":"a","name":"b","version":"2.0.0","yanked":true,"addr":"r/x@${sha}"}\n`,
    ],
    words: ["\n", "urn:cnb:registry:a/b@1.0.0", "a/b"],
    take(text) {
      attempt(() => parseRegistryId(text));
      return parseIndexFile(text, "it");
    },
  }),
  jsonTarget({
    name: "credentials",
    seeds: [
      '{"auths":{"r.io":{"auth":"YTpi"},"s.io":{"identitytoken":"t"}},"credHelpers":{"h.io":"x"},"credsStore":"s"}',
      '{"r.io":"Basic YTpi","t.io":"Bearer x","u.io":"X-Identity y"}',
    ],
    take(text) {
      attempt(() => parseRegistryAuth(text, "it"));
      return parseCredentialFile(text, "it");
    },
  }),
  jsonTarget({
    name: "server-answers",
    seeds: [
      '{"errors":[{"code":"DENIED","message":"m","detail":{}}]}',
      '{"token":"t","expires_in":300,"issued_at":"2024-01-01T00:00:00Z","refresh_token":"r"}',
    ],
    take(text) {
      parseErrors(text);
      if (parseToken(text) === undefined) refused();
    },
  }),
  jsonTarget({
    name: "daemon-image",
    seeds: [
      `{"Id":"${sha}","Os":"linux","Architecture":"amd64","Config":{"Env":["A=b"],"Labels":{"a":"b"}},"RootFS":{"Type":"layers","Layers":["${sha}"]},"Created":"2024-01-01T00:00:00Z"}`,
    ],
    take(text) {
      if (parseFound(parseJson(text, "it")) === undefined) refused();
    },
  }),
];

const textTargets: readonly FuzzTarget[] = [
  textTarget({
    name: "reference",
    seeds: ["ubuntu", "r.io:5000/a/b:v1", `localhost/a@${sha}`, `[::1]:5000/x:t@${sha}`, "docker.io/library/x"],
    words: ["/", ":", "@", "sha256:", "..", "_", "__", "[", "]", "localhost", ".io"],
    take: (text) =>
      same(withDefaultTag(parseReference(text)), formatReference, (again) => withDefaultTag(parseReference(again))),
  }),
  textTarget({
    name: "locator",
    seeds: [
      "urn:cnb:registry:a/b@1.0.0",
      "urn:cnb:builder:x@1",
      "docker://r.io/a:b",
      "https://h/x.tgz",
      "file:///a%20b",
      "a/b@1.2.3",
      "from=builder:x",
    ],
    words: ["urn:cnb:", "%", "%2e", "//", "@", ":", "file:"],
    take: (text) => parseLocator(text, { exists: async () => false, builder: [{ id: "x", version: "1" }] }),
  }),
  textTarget({
    name: "location",
    seeds: ["oci:/a/b:tag", "docker-archive:x.tar:name:tag", "oci-archive:x.tar", "a.tar", "r.io/a:b"],
    words: ["oci:", "docker-archive:", ":", "@", "/", "\0"],
    take: (text) => parseLocation(text, hostPath("/base")),
  }),
  textTarget({
    name: "challenge",
    seeds: [
      'Bearer realm="https://r/token",service="s",scope="repository:a:pull,push"',
      'Basic realm="x", Bearer realm="y\\"z"',
      "Negotiate abc==",
    ],
    words: ['"', "=", ",", " ", "Bearer ", "Basic ", "realm=", "\\"],
    take(text) {
      if (parseChallenges([text]).length === 0) refused();
    },
  }),
  textTarget({
    name: "glob",
    seeds: ["*.txt\na/b.txt", "a/[b-d]/?\na/c/x", "[^a]\\*\nb*", "a/**\na/b/c", "{a,b}\na"],
    words: ["*", "?", "[", "]", "^", "-", "\\", "/", "**", "!", "\n"],
    take(text) {
      const [pattern = "", ...names] = text.split("\n");
      const matches = matcher(pattern);
      for (const name of names) matches(name);
    },
  }),
  textTarget({
    name: "ignore-files",
    takesAll: true,
    seeds: ["*.md\n!a.md\n/build/\n# c\n**/x\n", "a/**/b\n[a-z]?\n\\#x\n \n"],
    words: ["*", "**", "!", "/", "[", "]", "\\", "\n", "\r\n", "#", " "],
    take(text) {
      const lines = text.split("\n");
      const selections = [
        dockerSelection(text),
        selectionOf({ kind: "exclude", patterns: lines }, []),
        selectionOf({ kind: "include", patterns: lines }, []),
      ];
      for (const selects of selections)
        for (const path of ["a", "a/", "a/b.md", "x/y/z", "build/", "é\n"]) selects?.(path);
    },
  }),
  textTarget({
    name: "env-files",
    takesAll: true,
    seeds: ["A\0x\0A.append\0y\0A.delim\0:\0B.default\0\0C.prepend\0z\0D.override\0q\0E.unknown\0\0"],
    words: ["\0", ".append", ".prepend", ".default", ".override", ".delim", ".", "__proto__", "constructor", "PATH"],
    take(text) {
      const parts = text.split("\0");
      const files = parts.flatMap((name, at) =>
        at % 2 === 0 && name !== "" ? [{ name, content: parts[at + 1] ?? "" }] : [],
      );
      const env = applyEnvFiles({ PATH: "/bin" }, files, "override");
      for (const [name, value] of Object.entries(env))
        if (typeof value !== "string" || name === "") throw new Error(`sets ${name} to ${value}`);
    },
  }),
  textTarget({
    name: "os-release",
    seeds: ['NAME="Debian"\nID=debian\nVERSION_ID="12"\n# x\n', 'ID=\'u\'\nVERSION_ID="2\\"4"\n'],
    words: ["=", '"', "'", "\\", "\n", "ID=", "VERSION_ID="],
    take(text) {
      if (parseOsRelease(text) === undefined) refused();
    },
  }),
];

/** Everything that reads a document. */
export const documentTargets: readonly FuzzTarget[] = [...tomlTargets, ...jsonTargets, ...textTargets];
