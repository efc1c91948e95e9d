/** One way of authentication a server offers: scheme and parameter names in lower case (RFC 9110, 11.3). */
export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(`\\s*(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^",\\s]*))\\s*(?:,|$)`, "y");
const start = new RegExp(`[\\s,]*(${token})(?=\\s|,|$)(?:\\s+(?=${token}\\s*=))?`, "y");

/** The challenges in the values of `WWW-Authenticate`, in order; what cannot be understood ends the list. */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const challenges: Challenge[] = [];
  for (const text of values) {
    let at = 0;
    for (;;) {
      start.lastIndex = at;
      const found = start.exec(text);
      if (!found) break;
      at = start.lastIndex;
      const parameters: Record<string, string> = {};
      for (;;) {
        parameter.lastIndex = at;
        const pair = parameter.exec(text);
        if (!pair) break;
        at = parameter.lastIndex;
        parameters[pair[1]!.toLowerCase()] = pair[2]?.replace(/\\(.)/g, "$1") ?? pair[3] ?? "";
      }
      challenges.push({ scheme: found[1]!.toLowerCase(), parameters });
    }
  }
  return challenges;
}
