import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workspace } from "./lifecycle.ts";

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace("");
});
afterEach(() => workspace.remove());

function build(procfile: string) {
  writeFileSync(join(workspace.app, "Procfile"), procfile);
  return workspace.build(["procfile"]);
}

describe("plinth/procfile", () => {
  it("each line is a process, web the default one", () => {
    expect(build("web: node server.js\nworker: node worker.js --slow\n").status).toBe(0);
    expect(workspace.processes(["procfile"])).toEqual([
      { type: "web", command: ["bash", "-c", "node server.js"], default: true },
      { type: "worker", command: ["bash", "-c", "node worker.js --slow"] },
    ]);
  });

  it("quotes, backslashes, tabs, colons and variables arrive in the shell as they were written", () => {
    const command = `printf '%s\\n' "a:b" "$HOME" "\\"" C:\\dir\tend`;
    expect(build(`job: ${command}\n`).status).toBe(0);
    expect(workspace.processes(["procfile"])).toEqual([{ type: "job", command: ["bash", "-c", command] }]);
  });

  it("comments, empty lines, Windows line ends, blanks and a missing last line end do not matter", () => {
    expect(build("# processes\r\n\r\n  web :   ./serve --port $PORT  \r\nclock: ./clock").status).toBe(0);
    expect(workspace.processes(["procfile"]).map(({ command }) => command[2])).toEqual([
      "./serve --port $PORT",
      "./clock",
    ]);
  });

  it.each([
    ["web node server.js", "Cannot read Procfile at line 2: web node server.js"],
    ["web:", "Cannot read Procfile at line 2: web:"],
    ["we/b: x", "Cannot read Procfile at line 2: we/b: x"],
    ["web: a\nweb: b", "Cannot read Procfile at line 3: a second process of type web"],
  ])("%j is refused with its place", (text, message) => {
    const { status, output } = build(`# first\n${text}\n`);
    expect(status).toBe(1);
    expect(output).toContain(`ERROR: ${message}\n  Write "type: command"`);
  });
});
