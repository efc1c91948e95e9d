import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { type HostPath, under } from "../../../src/std/path.ts";
import { fileTime } from "../../../src/tar/file-time.ts";
import { settledBefore, stateOfTree } from "../../../src/tar/fingerprint.ts";
import { peer } from "../../support/peer.ts";
import { testFolder } from "./folder.ts";

const root = testFolder();
let count = 0;
let tree: HostPath;
const at = (path: string) => under(tree, path);

beforeEach(() => {
  count += 1;
  tree = under(root, `tree-${count}`);
  mkdirSync(at("folder"), { recursive: true });
  writeFileSync(at("file"), "one content");
  writeFileSync(at("folder/other"), "two content");
  symlinkSync("file", at("link"));
});

/** The fingerprint, when it can be relied on. */
async function print(): Promise<string> {
  const moment = await fileTime(root);
  const { digest, youngest } = await stateOfTree(tree);
  expect(settledBefore(moment, youngest)).toBe(true);
  return digest;
}

/** Gives a file its times back, as a program would that wants to hide what it did. */
async function hidden(path: string, change: () => void): Promise<void> {
  const before = lstatSync(path);
  change();
  utimesSync(path, before.atime, before.mtime);
}

describe("a fingerprint sees", () => {
  const changes: Record<string, () => void | Promise<void>> = {
    "other content of the same size and modification time": () =>
      hidden(at("file"), () => writeFileSync(at("file"), "eno content")),
    "content written in place": () => writeFileSync(at("file"), "1", { flag: "r+" }),
    "content that was changed and changed back": () => {
      writeFileSync(at("file"), "eno content");
      writeFileSync(at("file"), "one content");
    },
    "a write through a hard link outside": () => {
      linkSync(at("file"), under(root, `outside-${count}`));
      writeFileSync(under(root, `outside-${count}`), "eno content");
    },
    "a file replaced by one of the same size and time": () =>
      hidden(at("file"), () => {
        writeFileSync(at("new"), "eno content");
        renameSync(at("new"), at("file"));
      }),
    "a file deleted and made again": () => {
      unlinkSync(at("file"));
      writeFileSync(at("file"), "eno content");
    },
    "two files that change places": () => {
      renameSync(at("file"), at("x"));
      renameSync(at("folder/other"), at("file"));
      renameSync(at("x"), at("folder/other"));
    },
    "a file replaced by a link to the same content": () => {
      renameSync(at("file"), under(root, `moved-${count}`));
      symlinkSync(`../moved-${count}`, at("file"));
    },
    "a link that leads elsewhere": () => {
      unlinkSync(at("link"));
      symlinkSync("elif", at("link"));
    },
    "a mode": () => chmodSync(at("file"), 0o600),
    "the mode of a folder": () => chmodSync(at("folder"), 0o700),
    "the mode of the top": () => chmodSync(tree, 0o700),
    "an empty folder more": () => mkdirSync(at("folder/empty")),
    "an empty file more": () => writeFileSync(at("folder/empty"), ""),
    "a file less": () => unlinkSync(at("folder/other")),
    "a folder less": () => rmSync(at("folder"), { recursive: true }),
    "a folder under another name": () => renameSync(at("folder"), at("redlof")),
    "a folder under another name as long, in the same place": () => renameSync(at("folder"), at("golder")),
    "a link that gave the end of its name to its target": () => {
      unlinkSync(at("link"));
      symlinkSync("kfile", at("lin"));
    },
    "a file that became a folder": () => {
      unlinkSync(at("file"));
      mkdirSync(at("file"));
    },
  };
  for (const [title, change] of Object.entries(changes)) {
    it(title, async () => {
      const before = await print();
      await change();
      expect(await print()).not.toBe(before);
    });
  }

  it("a write through a mapping", async (test) => {
    const calls = { x64: { map: 9, read: 0 }, arm64: { map: 222, read: 63 } }[process.arch as string];
    if (calls === undefined) return test.skip(`the system calls of ${process.arch} are not known here`);
    // Perl is a part of every Debian. The kernel writes into the mapping what it reads from the other file.
    const program = `open(my $to, "+<", $ARGV[0]) or die; open(my $from, "<", $ARGV[1]) or die;
      my $at = syscall(${calls.map}, 0, 4096, 3, 1, fileno($to), 0); die if $at == -1;
      syscall(${calls.read}, fileno($from), $at, 3) == 3 or die;`;
    const before = await print();
    writeFileSync(under(root, "words"), "eno");
    await hidden(at("file"), () => {
      execFileSync(peer("perl", test), ["-e", program, at("file"), under(root, "words")]);
    });
    expect(lstatSync(at("file")).size).toBe(11);
    expect(await print()).not.toBe(before);
  });
});

describe("a fingerprint stays", () => {
  it("when nothing happens, or the tree moves", async () => {
    const before = await print();
    expect(await print()).toBe(before);
    renameSync(tree, under(root, `moved-tree-${count}`));
    tree = under(root, `moved-tree-${count}`);
    expect(await print()).toBe(before);
  });

  it("when files are read, and folders get and lose entries", async () => {
    const before = await print();
    copyFileSync(at("file"), under(root, `copy-${count}`));
    writeFileSync(at("folder/passing"), "");
    unlinkSync(at("folder/passing"));
    expect(await print()).toBe(before);
  });
});

describe("a fingerprint that reads some files", () => {
  const reads = ["folder"];
  const print = async () => (await stateOfTree(tree, { reads })).digest;

  it("stays when one is written again with the same content", async () => {
    const before = await print();
    writeFileSync(at("folder/other"), "two content");
    expect(await print()).toBe(before);
    writeFileSync(at("file"), "one content");
    expect(await print()).not.toBe(before);
  });

  it("sees other content, another mode, and a line that looks like the next file", async () => {
    const seen = new Set([await print()]);
    writeFileSync(at("folder/other"), "owt content");
    seen.add(await print());
    chmodSync(at("folder/other"), 0o600);
    seen.add(await print());
    writeFileSync(at("folder/p"), "");
    seen.add(await print());
    unlinkSync(at("folder/p"));
    writeFileSync(at("folder/other"), "owt content\0folder/p\x080644 0 ");
    seen.add(await print());
    expect(seen.size).toBe(5);
  });

  it("reads none that is long", async () => {
    writeFileSync(at("folder/long"), "x".repeat(4097));
    const before = await print();
    writeFileSync(at("folder/long"), "x".repeat(4097));
    expect(await print()).not.toBe(before);
  });
});

describe("what a fingerprint is worth", () => {
  it("nothing while a file is not older than the moment it is taken", async () => {
    const moment = await fileTime(root);
    writeFileSync(at("late"), "");
    const { youngest } = await stateOfTree(tree);
    expect(settledBefore(moment, youngest)).toBe(false);
    expect(settledBefore(youngest, youngest)).toBe(false);
    // A clock that was set back: files come from the future.
    expect(settledBefore(youngest - 3_600_000, youngest)).toBe(false);
    expect(settledBefore(await fileTime(root), youngest)).toBe(true);
  });

  it("the moment lies between the changes before and after it", async () => {
    const path = at("file");
    for (let round = 0; round < 40; round += 1) {
      writeFileSync(path, `${round}`);
      const before = lstatSync(path).ctimeMs;
      const moment = await fileTime(root);
      expect(before).toBeLessThan(moment);
      writeFileSync(path, `${round}`);
      expect(lstatSync(path).ctimeMs).toBeGreaterThanOrEqual(moment);
    }
  });

  it("no moment without a place to make a file", async () => {
    expect(await fileTime(under(root, "nowhere"))).toBe(Number.NEGATIVE_INFINITY);
  });

  it("a tree that a tar would not give back is not plain", async () => {
    expect((await stateOfTree(tree)).isPlain).toBe(true);
    linkSync(at("file"), at("folder/name"));
    expect((await stateOfTree(tree)).isPlain).toBe(false);
    unlinkSync(at("folder/name"));
    expect((await stateOfTree(tree)).isPlain).toBe(true);
    execFileSync("mkfifo", [at("pipe")]);
    expect((await stateOfTree(tree)).isPlain).toBe(false);
  });
});
