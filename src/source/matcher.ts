import ignore from "ignore";

/** Patterns in the words of gitignore(5) as a question about one path; directories end with a slash. */
export function matcherOf(patterns: readonly string[] | string): (path: string) => boolean {
  const rules = ignore({ ignorecase: false }).add(patterns);
  return (path) => rules.ignores(path);
}
