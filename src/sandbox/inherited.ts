import { openSync, readdirSync, readFileSync } from "node:fs";

const closeOnExec = 0o2000000;

function isKeptOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    return false;
  }
}

function find(): number[] {
  try {
    return readdirSync("/proc/self/fd")
      .map(Number)
      .filter((descriptor) => descriptor > 2 && isKeptOnExec(descriptor));
  } catch {
    return [];
  }
}

let nothing: number | undefined;
let inherited: readonly number[] | undefined;

/**
 * `stdio` with /dev/null in place of every further descriptor that our own parent left open for us: through one to a folder, a
 * program would walk out of its sandbox. Our own descriptors are closed in children anyway.
 */
export function withoutInherited<T>(stdio: readonly T[]): (T | number | "ignore")[] {
  inherited ??= find();
  const length = Math.max(stdio.length, ...inherited.map((descriptor) => descriptor + 1));
  if (length === stdio.length) return [...stdio];
  nothing ??= openSync("/dev/null", "r+");
  const hidden = new Set(inherited);
  const devNull = nothing;
  return Array.from({ length }, (_, index) => stdio[index] ?? (hidden.has(index) ? devNull : "ignore"));
}
