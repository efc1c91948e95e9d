import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "vitest";
import { reasonOf } from "../../src/std/fault.ts";

function skip(test: TestContext, what: string, error: unknown): never {
  const reason = `${what} cannot be mounted here: ${reasonOf(error).trim()}`;
  console.log(`skipped: ${reason}`);
  return test.skip(reason);
}

/** A small file system of a test's own. */
export interface SmallDisk {
  readonly path: string;
  /** Leaves that many bytes free, by a file of the rest. */
  leave(bytes: number): void;
  /** Gives back all that `leave` took. */
  clear(): void;
}

/** Runs `work` in a file system in memory with room for `size` bytes; skips the test where this user may not mount one. */
export async function onSmallDisk(
  test: TestContext,
  size: number,
  work: (disk: SmallDisk) => Promise<void>,
): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), "plinth-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", path], { stdio: "pipe" });
  } catch (error) {
    rmSync(path, { recursive: true });
    skip(test, "a small file system", error);
  }
  const ballast = join(path, "ballast");
  const clear = () => rmSync(ballast, { force: true });
  const leave = (bytes: number) => {
    clear();
    const { bavail, bsize } = statfsSync(path);
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  };
  try {
    await work({ path, leave, clear });
  } finally {
    execFileSync("umount", [path]);
    rmSync(path, { recursive: true });
  }
}

/** A disk whose end can get lost: what lay there can no longer be read. */
export interface FailingDisk {
  readonly path: string;
  /** Forgets what it has read, and from now on has errors (EIO) behind so many bytes, fewer each time. */
  fail(after: number): void;
}

const size = 64 << 20;

/** Runs `work` on an ext4 of 64 MB in a file; skips the test where this user may not mount one. */
export async function onFailingDisk(test: TestContext, work: (disk: FailingDisk) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "plinth-disk-"));
  const [image, path] = [join(folder, "image"), join(folder, "disk")];
  mkdirSync(path);
  const mount = () => execFileSync("mount", ["-o", "loop,errors=continue", image, path], { stdio: "pipe" });
  const unmount = () => execFileSync("umount", [path], { stdio: "pipe" });
  try {
    writeFileSync(image, "");
    truncateSync(image, size);
    execFileSync("mkfs.ext4", ["-q", "-F", "-O", "^has_journal", image], { stdio: "pipe" });
    mount();
  } catch (error) {
    rmSync(folder, { recursive: true });
    skip(test, "a disk in a file", error);
  }
  try {
    await work({
      path,
      fail(after) {
        unmount();
        // It is only mounted at its full length; what was lost before is behind the new end as well.
        truncateSync(image, size);
        mount();
        truncateSync(image, after);
      },
    });
  } finally {
    unmount();
    rmSync(folder, { recursive: true });
  }
}
