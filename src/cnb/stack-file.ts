import { parseToml } from "../std/toml.ts";
import { stringIn, stringsIn, tableIn } from "../std/toml-read.ts";
import { formatToml } from "../std/toml-write.ts";
import type { RunImageNames } from "./run-file.ts";

/** The text of a stack.toml, the run.toml of the time before targets, to the run image it names (Platform spec 0.11, "stack.toml"). */
export function parseStack(text: string, place: string): readonly RunImageNames[] {
  const table = tableIn(parseToml(text, place), "run-image", place);
  const image = table && stringIn(table, "image", place);
  return image ? [{ image, mirrors: stringsIn(table, "mirrors", place) ?? [] }] : [];
}

/** The text of stack.toml for readers of that time; zero bytes without a run image. */
export function formatStack(runImage: RunImageNames | undefined): string {
  if (runImage === undefined) return "";
  const { image, mirrors } = runImage;
  return formatToml({ "run-image": { image, mirrors: mirrors.length > 0 ? mirrors : undefined } });
}
