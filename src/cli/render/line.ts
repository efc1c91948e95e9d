import type { Event, Level } from "../../std/event.ts";
import type { Style } from "./style.ts";

const rank: Record<Level, number> = { debug: 0, info: 1, warn: 2, error: 3 };
const banners: Record<string, string> = {
  analyze: "ANALYZING",
  detect: "DETECTING",
  restore: "RESTORING",
  extend: "EXTENDING",
  build: "BUILDING",
  export: "EXPORTING",
};

/** Control characters of foreign programs that could repaint the terminal, made visible; colours and tabs stay. */
function harmless(text: string): string {
  return text.replace(/\u001b\[[0-9;]*m|[\u0000-\u0008\u000b-\u000d\u000e-\u001f\u007f]/g, (found) =>
    found.length > 1 || found === "\r" ? found : `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/**
 * What a person reads for an event, in the reference's form, without a final newline; undefined when the event says nothing at this level.
 * Output of buildpacks is given back piece by piece as it came: it may hold no or several newlines.
 */
export function textOf(event: Event, level: Level, style: Style): { text: string; raw: boolean } | undefined {
  switch (event.type) {
    case "phase": {
      const banner = event.state === "start" ? banners[event.phase] : undefined;
      if (banner) return rank[level] <= rank.info ? { text: style.banner(`===> ${banner}`), raw: false } : undefined;
      if (event.state === "end" && level === "debug")
        return { text: style.faint(`Timer: ${event.phase} ran for ${(event.ms / 1000).toFixed(3)}s`), raw: false };
      return undefined;
    }
    case "log": {
      if (rank[event.level] < rank[level]) return undefined;
      if (event.level === "warn") return { text: `${style.warning("Warning: ")}${event.text}`, raw: false };
      if (event.level === "error") return { text: `${style.failure("ERROR: ")}${event.text}`, raw: false };
      return { text: event.text, raw: false };
    }
    case "output":
      return rank[level] <= rank.info ? { text: harmless(event.text), raw: true } : undefined;
    default:
      return undefined;
  }
}
