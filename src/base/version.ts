/** Where a character stands among those of a version: `~` before the end, letters before the rest. */
function rankOf(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === "~") return -1;
  const code = character.charCodeAt(0);
  return /[A-Za-z]/.test(character) ? code : code + 256;
}

function compareText(a: string, b: string): number {
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const difference = rankOf(a[at]) - rankOf(b[at]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Numbers of any length by value. */
function compareNumber(a: string, b: string): number {
  const [left, right] = [a.replace(/^0+/, ""), b.replace(/^0+/, "")];
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : Number(left > right);
}

function comparePart(a: string, b: string): number {
  const parts = (text: string) => text.match(/\D*\d*/g) ?? [];
  const [left, right] = [parts(a), parts(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [x, y] = [left[at] ?? "", right[at] ?? ""];
    const difference =
      compareText(x.replace(/\d+$/, ""), y.replace(/\d+$/, "")) ||
      compareNumber(/\d*$/.exec(x)![0], /\d*$/.exec(y)![0]);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Orders two versions of a Debian package as dpkg does (Debian Policy 5.6.12): negative when `a` is older. */
export function compareVersions(a: string, b: string): number {
  const split = (text: string) => {
    const [, epoch, rest] = /^(?:(\d+):)?(.*)$/s.exec(text)!;
    const dash = rest!.lastIndexOf("-");
    return [epoch ?? "0", dash < 0 ? rest! : rest!.slice(0, dash), dash < 0 ? "" : rest!.slice(dash + 1)] as const;
  };
  const [left, right] = [split(a), split(b)];
  return compareNumber(left[0], right[0]) || comparePart(left[1], right[1]) || comparePart(left[2], right[2]);
}
