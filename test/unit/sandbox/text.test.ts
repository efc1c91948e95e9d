import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupWith, homeOf, idsOf, parseGroup, parsePasswd, passwdWith } from "../../../src/sandbox/account.ts";
import { mountsBelow, parseMountInfo, restrictionsAt, tableLine } from "../../../src/sandbox/mount-table.ts";
import { line, quote } from "../../../src/sandbox/shell.ts";

describe("a word for the shell", () => {
  it("is read back as it was, whatever is in it", () => {
    const word = fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => text.replaceAll("\0", ""));
    const special = fc.constantFrom(
      "",
      "'",
      "''",
      "a'b",
      "-n",
      "$(id)",
      "`id`",
      "\\",
      "\n",
      "!",
      "~",
      "*",
      "a=b",
      "#",
      " ",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(word, special), { minLength: 1, maxLength: 40 }), (words) => {
        const said = execFileSync("/bin/sh", ["-c", `${line("printf", "%s\\0")} ${words.map(quote).join(" ")}`]);
        expect(said.toString()).toBe(words.map((text) => `${text}\0`).join(""));
      }),
      { numRuns: 40 },
    );
  });

  it("stays bare when it is plain", () => {
    expect(line("mount", "-o", "ro,nosuid", "/a/b_c-1.2")).toBe("mount -o ro,nosuid /a/b_c-1.2");
    expect(quote("")).toBe("''");
  });
});

describe("the mounts of this machine", () => {
  const points = parseMountInfo(
    [
      "22 27 0:21 / /proc rw,nosuid,nodev,noexec,relatime - proc proc rw",
      "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw",
      "28 27 0:25 / /usr/local ro,nosuid - tmpfs tmpfs rw",
      "29 28 0:26 / /usr/local/with\\040space\\134n rw,noexec - tmpfs tmpfs rw",
      "30 27 0:27 / /usr/localized rw - tmpfs tmpfs rw",
      "31 27 0:28 / /tmp rw,noexec - tmpfs tmpfs rw",
      "32 27 0:28 / /tmp rw - tmpfs tmpfs rw",
      "",
    ].join("\n"),
  );

  it("are read with the characters a table cannot hold", () => {
    expect(points.map(({ path }) => path)).toContain("/usr/local/with space\\n");
    expect(points).toHaveLength(7);
  });

  it("are found below a folder, the outermost first", () => {
    expect(mountsBelow(points, "/usr")).toEqual(["/usr/local", "/usr/localized", "/usr/local/with space\\n"]);
    expect(mountsBelow(points, "/usr/local")).toEqual(["/usr/local/with space\\n"]);
    expect(mountsBelow(points, "/usr/loc")).toEqual([]);
  });

  it("say what must be repeated for a path, the last of two at one place", () => {
    expect(restrictionsAt(points, "/usr/bin")).toEqual([]);
    expect(restrictionsAt(points, "/usr/local/bin")).toEqual(["ro"]);
    expect(restrictionsAt(points, "/usr/local/with space\\n/x")).toEqual(["noexec"]);
    expect(restrictionsAt(points, "/tmp/x")).toEqual([]);
  });

  it("are written so that each field is one word", () => {
    expect(tableLine("/a b", "/c\td\\e#f\n", "none", ["bind", "ro"])).toBe(
      "/a\\040b /c\\011d\\134e\\043f\\012 none bind,ro 0 0\n",
    );
  });
});

describe("accounts", () => {
  const passwd = "root:x:0:0:root:/root:/bin/sh\n# a comment\n\nbad:x:one:2:::\nweb:x:33:34::/var/www:/bin/sh";
  const group = "root:x:0:\nstaff:x:50:web\nbad\n";

  it("are read, and lines that are none passed over", () => {
    expect(parsePasswd(passwd)).toEqual([
      { name: "root", uid: 0, gid: 0, home: "/root" },
      { name: "web", uid: 33, gid: 34, home: "/var/www" },
    ]);
    expect([...parseGroup(group)]).toEqual([
      ["root", 0],
      ["staff", 50],
    ]);
  });

  it.each([
    [undefined, { uid: 0, gid: 0 }],
    ["", { uid: 0, gid: 0 }],
    ["web", { uid: 33, gid: 34 }],
    ["33", { uid: 33, gid: 34 }],
    ["33:7", { uid: 33, gid: 7 }],
    ["web:staff", { uid: 33, gid: 50 }],
    ["1000", { uid: 1000, gid: 0 }],
    ["1000:1001", { uid: 1000, gid: 1001 }],
    ["1000:staff", { uid: 1000, gid: 50 }],
    ["nobody", undefined],
    ["web:nobody", undefined],
    ["-1", undefined],
  ])("give User %j its ids", (user, ids) => {
    expect(idsOf(user, passwd, group)).toEqual(ids);
  });

  it("get a line for a user and a group without one, and are left alone otherwise", () => {
    expect(passwdWith({ uid: 33, gid: 1 }, passwd)).toBe(passwd);
    expect(passwdWith({ uid: 7, gid: 8 }, passwd)).toBe(`${passwd}\ncnb:x:7:8::/home/cnb:/bin/sh\n`);
    expect(groupWith({ uid: 0, gid: 50 }, group)).toBe(group);
    expect(groupWith({ uid: 0, gid: 51 }, group)).toBe(`${group}cnb:x:51:\n`);
    expect(passwdWith({ uid: 0, gid: 0 }, "")).toBe("cnb:x:0:0::/home/cnb:/bin/sh\n");
  });

  it("say where home is, and a place of our own where that is none", () => {
    expect(homeOf(33, passwd)).toBe("/var/www");
    expect(homeOf(7, passwd)).toBe("/home/cnb");
    expect(homeOf(0, "x:x:0:0::/:/bin/sh")).toBe("/home/cnb");
    expect(homeOf(0, "x:x:0:0:::/bin/sh")).toBe("/home/cnb");
  });
});
