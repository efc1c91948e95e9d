interface Semver {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly pre: readonly string[];
}

const number = "(0|[1-9][0-9]*)";
const form = new RegExp(
  `^${number}(?:\\.${number}(?:\\.${number}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z.-]+)?)?)?$`,
);

function parse(text: string): Semver | undefined {
  const match = text.length > 256 ? null : form.exec(text);
  if (match === null) return undefined;
  const pre = match[4]?.split(".") ?? [];
  if (pre.some((part) => /^0[0-9]+$/.test(part))) return undefined;
  const at = (index: number) => BigInt(match[index] ?? 0);
  return { numbers: [at(1), at(2), at(3)], pre };
}

function comparePart(a: string, b: string): number {
  const [left, right] = [/^[0-9]+$/.test(a), /^[0-9]+$/.test(b)];
  if (left && right) return Number(BigInt(a) - BigInt(b) > 0n) - Number(BigInt(a) - BigInt(b) < 0n);
  if (left !== right) return left ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function comparePre(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0);
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = comparePart(a[at]!, b[at]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Negative, zero or positive as version `a` comes before, with or after `b` (Semantic Versioning 2.0); what is no version comes before all. */
export function compareSemver(a: string, b: string): number {
  const [left, right] = [parse(a), parse(b)];
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined);
  for (const at of [0, 1, 2] as const)
    if (left.numbers[at] !== right.numbers[at]) return left.numbers[at] < right.numbers[at] ? -1 : 1;
  return comparePre(left.pre, right.pre);
}
