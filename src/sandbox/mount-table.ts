import { isWithin } from "./view.ts";

/** A mount of this machine, as /proc/self/mountinfo tells it. */
export interface MountPoint {
  readonly path: string;
  readonly options: readonly string[];
}

/** The mounts in the text of /proc/self/mountinfo (proc(5)), in order. */
export function parseMountInfo(text: string): MountPoint[] {
  const rows = text.split("\n").map((row) => row.split(" "));
  return rows
    .filter((row) => row.length > 5)
    .map((row) => ({
      path: row[4]!.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
      options: row[5]!.split(","),
    }));
}

/** The restrictions of the mount `path` is on: who did not make that mount cannot take them away, and has to repeat them. */
export function restrictionsAt(points: readonly MountPoint[], path: string): string[] {
  const depth = (point: MountPoint) => point.path.length;
  const holding = points.filter((point) => isWithin(path, point.path));
  // Of two mounts upon one place the later one is seen.
  const seen = holding.reduce<MountPoint | undefined>(
    (best, point) => (best && depth(best) > depth(point) ? best : point),
    undefined,
  );
  return (seen?.options ?? []).filter((option) => option === "ro" || option === "noexec");
}

/** The places below `path` that are mounts of their own, the outermost first. */
export function mountsBelow(points: readonly MountPoint[], path: string): string[] {
  const below = points.map((point) => point.path).filter((place) => place !== path && isWithin(place, path));
  return [...new Set(below)].sort((a, b) => a.length - b.length);
}

/** One line of a mount table in the form of fstab(5). */
export function tableLine(source: string, target: string, type: string, options: readonly string[]): string {
  const field = (text: string) => text.replace(/[\\\s#]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
  return `${[source, target, type, options.join(",")].map(field).join(" ")} 0 0\n`;
}
