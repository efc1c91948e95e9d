import { randomUUID } from "node:crypto";
import { closeSync, fchmodSync, fstatSync, openSync, unlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { errnoOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";

/** How long a clock may stand still, in milliseconds: longer than any tick of a kernel. */
const patience = 50;

/**
 * A moment by the clock that gives files in this directory their change times, in milliseconds since 1970: every file changed before the call has an older
 * change time, every one changed after it the same or a younger one. When the clock was set back, or moves in steps longer than 50 ms, files
 * changed lately may not be older; where no file can be made, it is -Infinity, and none is.
 */
export async function fileTime(directory: HostPath): Promise<number> {
  const path = under(directory, `time-${randomUUID()}`);
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o600);
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return Number.NEGATIVE_INFINITY;
  }
  try {
    const before = fstatSync(fd).ctimeMs;
    for (let waited = 0; waited <= patience; waited += 1) {
      fchmodSync(fd, 0o600);
      const now = fstatSync(fd).ctimeMs;
      if (now > before) return now;
      await delay(1);
    }
    return before;
  } finally {
    closeSync(fd);
    unlinkSync(path);
  }
}
