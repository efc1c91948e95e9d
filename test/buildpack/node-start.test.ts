import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Workspace } from "./lifecycle.ts";

let workspace: Workspace;
beforeEach(() => {
  workspace = new Workspace("");
});
afterEach(() => workspace.remove());

function commandFor(manifest: object, files: readonly string[] = []): string[] | undefined {
  writeFileSync(join(workspace.app, "package.json"), JSON.stringify(manifest));
  for (const file of files) writeFileSync(join(workspace.app, file), "");
  expect(workspace.build(["node-start"]).status).toBe(0);
  return workspace.processes(["node-start"])[0]?.command;
}

describe("plinth/node-start", () => {
  it.each([
    ["node server.js", ["node", "server.js"]],
    ["  next   start -p 3000 ", ["next", "start", "-p", "3000"]],
    ["node --import=./telemetry.js server.js", ["node", "--import=./telemetry.js", "server.js"]],
    ["cross-env MODE=fast node .", ["cross-env", "MODE=fast", "node", "."]],
  ])("the start script %j runs without a shell", (start, expected) => {
    expect(commandFor({ scripts: { start } })).toEqual(expected);
  });

  it.each([
    "MODE=fast node .",
    "node . && echo done",
    "node 'a b.js'",
    "node server.js --port $PORT",
    "node ~/x",
    "node a*",
    "(node .)",
  ])("the start script %j runs in a shell", (start) => {
    expect(commandFor({ scripts: { start } })).toEqual(["bash", "-c", start]);
  });

  it("prestart and poststart run around start", () => {
    const scripts = { prestart: "node migrate.js", start: "node .", poststart: "node bye.js" };
    expect(commandFor({ scripts })).toEqual(["bash", "-c", "node migrate.js && node . && node bye.js"]);
  });

  it("without a start script server.js serves, else the main file", () => {
    expect(commandFor({ main: "app.js" }, ["app.js"])).toEqual(["node", "app.js"]);
    expect(commandFor({ main: "app.js" }, ["server.js"])).toEqual(["node", "server.js"]);
  });

  it("a main file that is not there starts nothing, and detection fails", () => {
    writeFileSync(join(workspace.app, "package.json"), JSON.stringify({ main: "index.js" }));
    expect(workspace.detect("node-start")).toMatchObject({ status: 100 });
  });
});
