import { posix } from "node:path";
import type { Selects } from "./app.ts";
import { matcherOf } from "./matcher.ts";

interface Rule {
  readonly keeps: boolean;
  matches(path: string): boolean;
}

/** One line: names begin at the root, and a last rule that matches a path or one of its parents decides. */
function ruleOf(line: string): Rule[] {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return [];
  const keeps = text.startsWith("!");
  const pattern = posix.normalize((keeps ? text.slice(1) : text).trim()).replace(/^\/+|\/+$/g, "");
  if (pattern === "" || pattern === ".") return [];
  return [{ keeps, matches: matcherOf(`/${pattern}`) }];
}

/**
 * What a `.dockerignore` leaves in, by Docker's rules: patterns begin at the root of the app, and the last one that matches decides, so that
 * a file may come back out of a directory that is left out.
 */
export function dockerSelection(text: string): Selects {
  const rules = text
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .flatMap(ruleOf);
  const mayReturn = rules.some((rule) => rule.keeps);
  return (path) => {
    const last = rules.findLast((rule) => rule.matches(path));
    if (last === undefined || last.keeps) return true;
    return mayReturn && path.endsWith("/") ? "within" : false;
  };
}
