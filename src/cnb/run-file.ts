import { parseToml } from "../std/toml.ts";
import { requiredStringIn, stringsIn, tablesIn } from "../std/toml-read.ts";
import { formatToml } from "../std/toml-write.ts";

/** A run image under its name, and the same image under others. */
export interface RunImageNames {
  readonly image: string;
  readonly mirrors: readonly string[];
}

/** The text of a run.toml to the run images it offers, the preferred one first (Platform spec, "run.toml"). */
export function parseRun(text: string, place: string): readonly RunImageNames[] {
  return tablesIn(parseToml(text, place), "images", place).map((item) => ({
    image: requiredStringIn(item, "image", place),
    mirrors: stringsIn(item, "mirrors", place) ?? [],
  }));
}

/** The text of run.toml; zero bytes for no images. */
export function formatRun(images: readonly RunImageNames[]): string {
  if (images.length === 0) return "";
  return formatToml({
    images: images.map(({ image, mirrors }) => ({ image, mirrors: mirrors.length > 0 ? mirrors : undefined })),
  });
}
