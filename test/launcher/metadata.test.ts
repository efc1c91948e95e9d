import fc from "fast-check";
import { stringify } from "smol-toml";
import { describe, expect, it } from "vitest";
import { vector } from "../golden/vector.ts";
import { bash, metadata, openImage } from "./image.ts";

const show = { "layers/test_bp/a/bin/show": bash(`printf '%s\\0' "$@"`) };
const buildpack = `[[buildpacks]]\nid = "test/bp"\napi = "0.12"\n`;

/** The arguments that `show` got. */
const argumentsIn = (printed: string) => printed.split("\0").slice(0, -1);

describe("metadata.toml", () => {
  it("runs every process of a file that the reference lifecycle wrote", async () => {
    await using image = await openImage({ [metadata]: vector("fresh.metadata.toml") });
    const on15 = { CNB_PLATFORM_API: "0.15", HOME: "/home/app" };
    expect((await image.run("script", [], on15)).stdout).toBe("hi\nthere\n");
    expect((await image.run("web", ["echo replaced"], on15)).stdout).toBe("replaced\n");
    expect((await image.run("worker", ["0"], on15)).code).toBe(0);
    expect((await image.run("worker", [], { ...on15, CNB_EXEC_ENV: "dev" })).code).toBe(82);
    expect((await image.run("shellproc", [], { ...on15, HOME: "/bin" })).code).toBe(127); // "echo /bin" is one word
  });

  it("is read in every form that TOML allows", async () => {
    await using image = await openImage({
      ...show,
      [metadata]: `# by hand
unknown = { deep = [[1, 2.5e3], ["x"]], when = 1979-05-27 07:32:00Z, inf = +inf }
"quoted" . dotted.'key' = 0xdead_BEEF
buildpacks = [ { id = "test/bp", api = '0.12' }, ] # a trailing comma
[[processes]]
  "type" = 'web'
\tCommand = [
    "show", # the program
    """
several \\
      lines, \\"quoted\\" ""\\u00e9 \\U0001F600""",
  ]
  args = ['''
C:\\raw''', "tab\\tq\\"", '']
  DIRECT = true
  [processes.extra]
  ignored = true\r
[[processes]]
type = "other"
command = 'show'
`,
    });
    const { stdout, stderr } = await image.run("web");
    expect(stderr).toBe("");
    expect(argumentsIn(stdout)).toEqual(['several lines, "quoted" ""é 😀', "C:\\raw", 'tab\tq"', ""]);
  });

  it("may be empty", async () => {
    await using image = await openImage({ [metadata]: "" });
    expect((await image.run("launcher", ["--", "echo", "x"])).stdout).toBe("x\n");
    await using none = await openImage({ [metadata]: "processes = []\n" });
    expect((await none.run("launcher", ["--", "echo", "x"])).stdout).toBe("x\n");
  });

  it.each([
    ["x = 1\nx = 2", 'line 2: key "x" is already defined'],
    ["[a]\n[a]", 'line 2: key "a" is already defined'],
    ["a = {b = 1}\n[a.c]", 'line 2: key "a" is already defined'],
    ["x =", 'line 1: expected a value, found ""'],
    ["x = 01", 'line 1: expected a value, found "01"'],
    ["x = 9223372036854775808", 'line 1: expected a value, found "9223372036854775808"'],
    ["x = 2023-02-29", 'line 1: expected a value, found "2023-02-29"'],
    ["\n\nx = [1, 2", "line 3: expected a comma or ] after an array element"],
    ['x = "a\n"', "line 1: the string that begins here has no end"],
    ['x = "\\q"', "line 1: unknown escape \\q"],
    ['x = "\\ud800"', "line 1: the escape names no Unicode character"],
    ["x = 1 y = 2", "line 1: expected the end of the line"],
    ['x = "\x01"', "line 1: control character in a string"],
    [Buffer.from([0x78, 0x3d, 0x22, 0xff, 0x22]), "line 1: not UTF-8 text"],
    [`x = ${"[".repeat(5000)}`, "line 1: arrays and tables are nested more than 100 deep"],
    ["processes = 3", "processes must be an array of tables"],
    ["[processes]\ntype = 'web'", "processes must be an array of tables"],
    ["[[processes]]\n[[processes]]\ntype = 3", "type of [[processes]] number 2 must be a string, not an integer"],
    ["[[processes]]\ndirect = 'yes'", "direct of [[processes]] number 1 must be a boolean, not a string"],
    ["[[processes]]\nargs = 'x'", "args of [[processes]] number 1 must be an array of strings, not a string"],
    ["[[processes]]\nexec-env = [1.5]", "exec-env of [[processes]] number 1 must be an array of strings, not a float"],
    [
      "[[processes]]\ncommand = {}",
      "command of [[processes]] number 1 must be a string or an array of strings, not a table",
    ],
  ])("%j is refused", async (document, message) => {
    await using image = await openImage({ [metadata]: document });
    const { code, stderr } = await image.run("launcher", ["--", "true"]);
    expect(stderr).toBe(`ERROR: failed to read metadata: toml: ${message}\n`);
    expect(code).toBe(1);
  });

  it("a file beyond the bound is refused", async () => {
    await using image = await openImage({ [metadata]: "#".repeat((16 << 20) + 1) });
    const { code, stderr } = await image.run("launcher", ["--", "true"]);
    expect(stderr).toMatch(/^ERROR: failed to read metadata: read .*: larger than 16777216 bytes\n$/);
    expect(code).toBe(1);
  });

  it("ten thousand keys and processes take no noticeable time", async () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i} = ${i}\n[[processes]]\ntype = "t${i}"\n`).join("");
    await using image = await openImage({ ...show, [metadata]: `${buildpack}${keys}` });
    expect((await image.run("launcher", ["--", "show", "x"])).stdout).toBe("x\0");
  });

  it("law: a process gets exactly the words that were written", async () => {
    const word = fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replaceAll("\0", ""));
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 6 }), fc.array(word, { maxLength: 6 }), async (fixed, args) => {
        const process = { type: "web", command: ["show", ...fixed], args, direct: true, "buildpack-id": "test/bp" };
        const document = stringify({ buildpacks: [{ id: "test/bp", api: "0.12" }], processes: [process] });
        await using image = await openImage({ ...show, [metadata]: document });
        const { stdout, stderr } = await image.run("web");
        expect(stderr).toBe("");
        const words = [...fixed, ...args];
        expect(argumentsIn(stdout)).toEqual(words.length > 0 ? words : [""]);
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });
});
