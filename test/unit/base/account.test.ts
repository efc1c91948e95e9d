import { describe, expect, it } from "vitest";
import { ownUser, withGroup, withUser } from "../../../src/base/account.ts";
import { defaultUser } from "../../../src/base/definition.ts";
import { faultOf } from "../../support/fault.ts";

const passwd = "root:x:0:0:root:/root:/bin/bash\nnode:x:1000:1000::/home/node:/bin/bash\napp:x:1002:0::/srv:/bin/sh\n";

describe("the user of a base", () => {
  it("is added once", () => {
    const once = withUser("root:x:0:0:root:/root:/bin/sh", defaultUser, "/bin/sh");
    expect(once).toBe("root:x:0:0:root:/root:/bin/sh\ncnb:*:1000:1000::/home/cnb:/bin/sh\n");
    expect(withUser(once, defaultUser, "/bin/sh")).toBe(once);
    expect(withGroup("root:x:0:", defaultUser)).toBe("root:x:0:\ncnb:*:1000:\n");
    expect(withGroup("any:x:1000:", defaultUser)).toBe("any:x:1000:");
  });

  it("does not take another's name or id", () => {
    expect(faultOf(() => withUser(passwd, defaultUser, "/bin/sh")).message).toBe(
      "Cannot add user cnb (1000:1000): the base has that id as node",
    );
    const renamed = { ...defaultUser, name: "app", uid: 5 };
    expect(faultOf(() => withUser(passwd, renamed, "/bin/sh")).message).toContain("of that name with ids 1002:0");
    expect(faultOf(() => withGroup("cnb:x:7:\n", defaultUser)).message).toContain("group of that name with id 7");
  });

  it("is the one an image runs as already", () => {
    const node = { name: "node", uid: 1000, gid: 1000, home: "/home/node" };
    expect(ownUser(passwd, undefined)).toEqual(node);
    expect(ownUser(passwd, "node")).toEqual(node);
    expect(ownUser(passwd, "1002:1000")).toEqual({ name: "app", uid: 1002, gid: 1000, home: "/srv" });
    expect(ownUser(passwd, "app")).toEqual({ name: "app", uid: 1002, gid: 0, home: "/srv" });
    expect(ownUser(passwd, "root")).toBeUndefined();
    expect(ownUser("", "1000")).toBeUndefined();
  });
});
