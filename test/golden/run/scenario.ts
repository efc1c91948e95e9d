/** One of the buildpacks of a run: what its build does, in POSIX shell with the layers directory as `$L`. */
export interface RunBuildpack {
  readonly id: string;
  readonly version: string;
  readonly api?: string;
  /** Lines of the table `[buildpack]`. */
  readonly info?: string;
  readonly build?: string;
}

/** Inputs that were given to the reference lifecycle's creator, whose image is in `vectors/runs.json`. */
export interface Scenario {
  readonly name: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly execEnv?: string;
  readonly buildpacks: readonly RunBuildpack[];
}

/** The files of the app, the same in every run: path and content, or where a link points. */
export const app: readonly {
  readonly path: string;
  readonly content?: string;
  readonly link?: string;
  readonly mode?: number;
}[] = [
  { path: "file", content: "content\n" },
  { path: "run.sh", content: "#!/bin/sh\n", mode: 0o755 },
  { path: "static/a.js", content: "1\n" },
  { path: "a/1.txt", content: "a/1\n" },
  { path: "a/2.txt", content: "a/2\n" },
  { path: "a/b/3.txt", content: "a/b/3\n" },
  { path: "c/d/5.js", content: "c\n" },
  { path: "[x]", content: "brackets\n" },
  { path: "q?", content: "mark\n" },
  { path: "e/f/g/h", content: "deep\n" },
  { path: "up/link", link: "../file" },
  { path: "nowhere", link: "/absolute/nowhere" },
  { path: "to-a", link: "a" },
  { path: "x".repeat(200), content: "long\n" },
  { path: "ünïcödé", content: "u\n" },
  { path: "-dash", content: "d\n" },
  { path: "new\nline", content: "n\n" },
  { path: "sp ace", content: "s\n" },
];

const typed = (name: string, types: string, metadata = "") =>
  `printf '[types]\\n${types
    .split(" ")
    .map((type) => `${type} = true\\n`)
    .join("")}${metadata}' > "$L/${name}.toml"`;

const manyTypes = ["launch", "build", "cache", "launch build", "launch cache", "build cache", "launch build cache"];

/** n times a letter. */
const times = (letter: string, count: number) => letter.repeat(count);

export const scenarios: readonly Scenario[] = [
  { name: "nothing", buildpacks: [{ id: "none", version: "0.0.1" }] },
  {
    name: "types",
    buildpacks: [
      {
        id: "a/types",
        version: "1",
        build: [
          ...manyTypes.map(
            (types, at) =>
              `mkdir "$L/l${at}"; echo ${at} > "$L/l${at}/f"; ${typed(`l${at}`, types, `[metadata]\\nn = ${at}\\n`)}`,
          ),
          `mkdir "$L/empty"; ${typed("empty", "launch cache")}`,
          `mkdir "$L/od d.na-me"; echo 1 > "$L/od d.na-me/x y"; ${typed("od d.na-me", "launch")}`,
          `mkdir "$L/untyped"`,
        ].join("\n"),
      },
    ],
  },
  {
    name: "files",
    buildpacks: [
      {
        id: "files",
        version: "1.2.3",
        build: `umask 022; mkdir -p "$L/l/bin"; ${typed("l", "launch build cache")}
cd "$L/l"; echo 1 > f1; ln f1 hard; ln -s f1 soft; ln -s / root; ln -s ${times("p", 100)} l100; ln -s ${times("q", 101)} l101; mkfifo pipe
for m in 400 444 600 640 666 700 777 2755 4755 6755; do echo $m > m$m; chmod $m m$m; mkdir d$m; chmod $m d$m; done
chmod 700 d400 d444 d600 d640 d666; mkdir sticky; chmod 1777 sticky
mkdir -p ${times("d", 99)}/${times("d", 99)}; echo x > ${times("d", 99)}/${times("d", 99)}/${times("d", 99)}
mkdir ${times("e", 155)}; echo y > ${times("e", 155)}/${times("e", 155)}
${[80, 81, 82, 83, 84, 99, 100, 101, 120, 138, 139, 140, 154, 155, 156, 157, 200, 255].map((count) => `echo ${count} > ${times("n", count)}`).join("\n")}
printf 'nul\\000byte' > data; truncate -s 1000000 sparse; echo > "$(printf 'bad\\377utf8')"; echo > 'back\\slash'; echo > "$(printf 'tab\\there')"; echo > '*star'
mkdir z.d; echo > z; echo > z-a; echo > z.d/q; head -c 512 /dev/zero > b512; head -c 513 /dev/zero > b513; head -c 511 /dev/zero > b511; : > b0
echo new > "$APP/made"; chmod 755 "$APP/made"; rm "$APP/file"`,
      },
    ],
  },
  {
    name: "big-ids",
    uid: 3_000_000,
    gid: 2_999_999,
    buildpacks: [
      {
        id: "big",
        version: "1",
        build: `mkdir -p "$L/l/${times("k", 90)}"; echo 1 > "$L/l/${times("k", 90)}/${times("k", 90)}"; echo 2 > "$L/l/é"; ${typed("l", "launch")}`,
      },
    ],
  },
  {
    name: "processes",
    buildpacks: [
      {
        id: "a/one",
        version: "1",
        build: `cat > "$L/launch.toml" <<'EOF'
[[processes]]
type = "web"
command = ["node", "--x"]
args = ["a", "b c", "$HOME"]
default = true
working-dir = "/layers"
[[processes]]
type = "Upper.case-1_x"
command = ["x"]
[[processes]]
type = "env"
command = ["y"]
exec-env = ["production"]
[[processes]]
type = "uni"
command = ["é", "\\u0001", "\\"q\\"", "a\\\\b", "tab\\t", "nl\\n"]
args = []
[[labels]]
key = "io.x"
value = "<>&é\\u2028"
EOF`,
      },
      {
        id: "b",
        version: "2",
        api: "0.9",
        info: 'homepage = "https://h.example/?a=<1>&b"\nname = "B"',
        build: `cat > "$L/launch.toml" <<'EOF'
[[processes]]
type = "web"
command = ["override"]
[[processes]]
type = "z"
command = ["zz"]
default = true
EOF`,
      },
      {
        id: "c",
        version: "3",
        api: "0.7",
        build: `cat > "$1/launch.toml" <<'EOF'
[[processes]]
type = "sh"
command = "echo $A && b"
args = ["q"]
[[processes]]
type = "direct"
command = "ls"
args = ["-l"]
direct = true
EOF`,
      },
    ],
  },
  {
    name: "slices",
    buildpacks: [
      {
        id: "s",
        version: "1",
        build: `cat > "$L/launch.toml" <<'EOF'
[[slices]]
paths = ["a/*.txt", "to-a"]
[[slices]]
paths = ["c", "void"]
[[slices]]
paths = ["[[]x]", "q[?]", "../etc", "/workspace/a", "./e"]
[[slices]]
paths = ["*"]
[[slices]]
paths = ["a/**", "e/*/g"]
EOF`,
      },
    ],
  },
  {
    name: "sboms",
    buildpacks: [
      {
        id: "x/sb",
        version: "1",
        info: 'sbom-formats = ["application/vnd.cyclonedx+json", "application/spdx+json", "application/vnd.syft+json"]',
        build: `for t in launch build cached all; do mkdir "$L/$t-l"; done
${typed("launch-l", "launch")}; ${typed("build-l", "build")}; ${typed("cached-l", "cache")}; ${typed("all-l", "launch build cache")}
for f in cdx spdx syft; do for n in launch build launch-l build-l cached-l all-l; do echo "{\\"$n\\": \\"$f\\"}" > "$L/$n.sbom.$f.json"; done; done`,
      },
    ],
  },
  {
    name: "exec-env",
    execEnv: "test",
    buildpacks: [
      {
        id: "x2",
        version: "1",
        info: 'exec-env = ["test"]',
        build: `echo "$CNB_EXEC_ENV" > "$APP/x2"; mkdir "$L/l"; ${typed("l", "launch cache")}
cat > "$L/launch.toml" <<'EOF'
[[processes]]
type = "web"
command = ["a"]
exec-env = ["test"]
[[processes]]
type = "w2"
command = ["b"]
exec-env = ["production"]
EOF`,
      },
      { id: "x3", version: "1", info: 'exec-env = ["*"]' },
    ],
  },
  {
    name: "environment",
    buildpacks: [
      {
        id: "e1",
        version: "1",
        build: `mkdir -p "$L/a/bin" "$L/a/lib" "$L/a/include" "$L/a/pkgconfig" "$L/a/env" "$L/a/env.build" "$L/b/bin" "$L/b/lib" "$L/b/env"
${typed("a", "launch build")}; ${typed("b", "launch build")}
printf v > "$L/a/env/PLAIN"; printf v1 > "$L/a/env/AP.append"; printf ';' > "$L/a/env/AP.delim"; printf v2 > "$L/b/env/AP.append"; printf ';' > "$L/b/env/AP.delim"
printf p1 > "$L/a/env.build/PP.prepend"; printf 'a b\\n' > "$L/b/env/NL.override"; printf d > "$L/a/env/NOPE.default"; printf /x > "$L/a/env/PATH.append"; printf : > "$L/a/env/PATH.delim"
printf unk > "$L/a/env/U.unknown"; printf full > "$L/a/env/E.override"; : > "$L/b/env/E.override"`,
      },
      {
        id: "e2",
        version: "1",
        build: `mkdir "$L/seen"; ${typed("seen", "launch")}
for n in PLAIN AP PP NL NOPE PATH U E LD_LIBRARY_PATH LIBRARY_PATH CPATH PKG_CONFIG_PATH CNB_TARGET_OS CNB_TARGET_DISTRO_NAME CNB_TARGET_DISTRO_VERSION CNB_BUILDPACK_DIR CNB_LAYERS_DIR CNB_PLATFORM_DIR CNB_EXEC_ENV CNB_STACK_ID; do
  eval "printf '%s=<%s>\\n' $n \\"\\\${$n-none}\\""; done > "$L/seen/env"; pwd > "$L/seen/pwd"; umask > "$L/seen/umask"`,
      },
    ],
  },
];

/** The script of a build, the same for the reference and for us. */
export function scriptOf({ build = "exit 0" }: RunBuildpack): string {
  return `#!/bin/sh\nset -e\nL="$1"; APP="$PWD"; umask 022\n${build}\n`;
}

/** The descriptor of a buildpack. */
export function descriptorOf({ id, version, api = "0.12", info = "" }: RunBuildpack): string {
  return `api = "${api}"\n[buildpack]\nid = "${id}"\nversion = "${version}"\n${info}\n`;
}
