import { mkdir, stat, utimes, writeFile } from "node:fs/promises";
import { digestOf, hexOf } from "../oci/digest.ts";
import { formatReference, type Reference, withDefaultTag } from "../oci/reference.ts";
import { errnoOf } from "../std/fault.ts";
import { type HostPath, under } from "../std/path.ts";
import { fileTime } from "../tar/file-time.ts";

/** Remembers when images were last fetched: a file for each name, whose time of change says it. */
export interface PullRecord {
  /** How many milliseconds ago the name was fetched; undefined when it never was. */
  age(name: Reference): Promise<number | undefined>;
  /** Remembers that it was fetched now; where that cannot be written, it is as if it never was. */
  pulled(name: Reference): Promise<void>;
}

/** The record kept in a folder, which is made when something is fetched. */
export function pullRecord(folder: HostPath): PullRecord {
  const fileOf = (name: Reference) =>
    under(folder, hexOf(digestOf(formatReference(withDefaultTag(name)))).slice(0, 32));
  return {
    async age(name) {
      try {
        const { mtimeMs } = await stat(fileOf(name));
        // A clock that was set back since makes the file one of the future: then nothing is known.
        const age = (await fileTime(folder)) - mtimeMs;
        return Number.isFinite(age) && age >= 0 ? age : undefined;
      } catch (error) {
        if (errnoOf(error) === undefined) throw error;
        return undefined;
      }
    },
    async pulled(name) {
      try {
        await mkdir(folder, { recursive: true });
        const now = (await fileTime(folder)) / 1000;
        await writeFile(fileOf(name), "");
        if (Number.isFinite(now)) await utimes(fileOf(name), now, now);
      } catch (error) {
        if (errnoOf(error) === undefined) throw error;
      }
    },
  };
}
