import { randomUUID } from "node:crypto";
import { closeSync, fchmodSync, fstatSync, openSync, unlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type HostPath, under } from "../std/path.ts";

/** How long a clock may stand still, in milliseconds: longer than any tick of a kernel. */
const patience = 50;

/**
 * A moment by the clock that gives files in this directory their change times, in milliseconds since 1970: every file changed before the call has an older
 * change time, every one changed after it the same or a younger one; unless the clock was set back, or moves in steps
 * longer than 50 ms: then files changed lately are not older.
 */
export async function fileTime(directory: HostPath): Promise<number> {
  const path = under(directory, `time-${randomUUID()}`);
  const fd = openSync(path, "wx", 0o600);
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
