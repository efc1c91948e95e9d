import type { LaunchBuildpack } from "../../../src/cnb/metadata-file.ts";

/** The buildpacks behind the reference's run, as its group lists them. */
export const group: readonly LaunchBuildpack[] = [
  { id: "test/bp", version: "1.0", api: "0.12", homepage: "https://example.com/?a=1&b=<2>" },
  { id: "other", version: "2.0", api: "0.8" },
];

/** What `test/bp` wrote, file by file. */
export const testBuildpack = {
  launch: `[[processes]]
type = "web"
command = ["bash", "-c"]
args = ["echo <hi> $0"]
default = true
[[processes]]
type = "worker"
command = ["sleep"]
args = ["1"]
working-dir = "/tmp"
exec-env = ["production", "test"]
[[labels]]
key = "my.label"
value = "v & <w>"
[[slices]]
paths = ["static", "*.txt"]
[[slices]]
paths = ["nomatch*"]
`,
  store: '[metadata]\nfoo = "bar"\n[metadata.t]\nx = 1\n',
  layers: {
    alpha: `[types]
launch = true
build = true
cache = true
[metadata]
version = "1.2.3"
count = 3
ratio = 2.0
big = 1e21
flag = true
when = 2024-01-02T03:04:05Z
day = 2024-01-02
html = "<a> & 'b' \\"c\\" é \\u2028"
list = ["x", "y"]
[metadata.nested]
b = 1
a = "z"
[[metadata.arr]]
k = "v"
`,
    beta: "[types]\nlaunch = true\n",
  },
} as const;

/** What `other` wrote. */
export const otherBuildpack = {
  launch: `[[processes]]
type = "shellproc"
command = "echo $HOME"
args = ["a b", "c"]
[[processes]]
type = "script"
command = "echo hi && echo there"
direct = false
`,
} as const;

/** The diffIDs of the layers the reference exported, by what is in them. */
export const diffIds = {
  alpha: "sha256:c6eb6d72db0358a0917f2509314a83366dce502b184d7cda7b06a3746ac7a9e9",
  beta: "sha256:de8adcab3bfc2170ace64c24a0f82086a87b43f1a18442ad650760b79a767568",
  sbom: "sha256:1d68f8b271864e4c39842cc992b476d7504c5400560bdd75fda2dbd4bb3a4ecd",
  slices: [
    "sha256:0f5a084bd8534172abab50c9cb5e4ab6eed59d31f0b5da6f1b5840f1a18991ed",
    "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef",
    "sha256:99b0c498043f1424d18bff2fe31f051385ef85f12e8a431f7e3b5d0c91dbe55e",
  ],
  launcher: "sha256:7c9b351398646fd15dfa2240c5b1e00ad1dfcdcef3c618d7e36491a22cfcaad9",
  config: "sha256:3fb5ec0cae30ad2a687510607dd74d1149066e9a505f3c43148aff04a8be7018",
  processTypes: "sha256:847fcced6b28188c6046f5bd5e3c641a7003780d206fba015794440b8e345add",
  cacheSbom: "sha256:9bae84f8873c70763c96a0b03e7b4663d996ac41edae610a99341076bfc8d74f",
} as const;
