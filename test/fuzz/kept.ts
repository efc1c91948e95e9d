import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "kept");

/** Inputs that once showed a defect of a target. */
export function keptInputs(target: string): readonly Buffer[] {
  const own = join(folder, target);
  return existsSync(own)
    ? readdirSync(own)
        .sort()
        .map((name) => readFileSync(join(own, name)))
    : [];
}

/** Keeps an input that shows a defect, and gives its path. */
export function keepInput(target: string, input: Buffer): string {
  const path = join(folder, target, createHash("sha256").update(input).digest("hex").slice(0, 16));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, input);
  return path;
}
