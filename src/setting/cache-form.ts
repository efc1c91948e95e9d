import { Fault } from "../std/fault.ts";

/** Where layers are cached: an image in a registry, a directory, or a volume, which without a name is the image's own. */
export type CacheForm =
  | { readonly format: "image"; readonly name: string }
  | { readonly format: "bind"; readonly directory: string }
  | { readonly format: "volume"; readonly name?: string };

/** The caches a command line names. */
export interface WrittenCaches {
  readonly build?: CacheForm;
  /** For exports to a daemon. */
  readonly launch?: CacheForm;
}

function refuse(text: string, found: string): never {
  throw new Fault("usage.cache", `Cannot understand cache "${text}": ${found}`, {
    exit: "usage",
    hint: "for instance type=build;format=image;name=registry.example.com/team/app-cache or type=build;format=bind;source=./cache",
  });
}

function formIn(text: string, format: string, name: string | undefined, source: string | undefined): CacheForm {
  const value = source ?? name;
  if (format === "volume") {
    if (value !== undefined && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(value))
      refuse(text, `${value} is no name of a volume`);
    return value === undefined ? { format } : { format, name: value };
  }
  if (format === "image") return value ? { format, name: value } : refuse(text, "name is required");
  if (format === "bind") return value ? { format, directory: value } : refuse(text, "source is required");
  return refuse(text, `${format} is no format: there are image, volume and bind`);
}

/**
 * Text as pack's `--cache` has it, `type=build|launch;format=image|volume|bind;name=…|source=…`, to the kind of cache and its form. As in pack a
 * directory is one for both kinds, with a folder for each. Throws Fault `usage.cache`. Pure.
 */
export function parseCache(text: string): { readonly type: "build" | "launch"; readonly form: CacheForm } {
  const fields = new Map<string, string>();
  for (const field of text.split(";").filter((part) => part !== "")) {
    const equals = field.indexOf("=");
    const key = field.slice(0, equals).toLowerCase();
    if (equals < 1) refuse(text, `${field} is not key=value`);
    if (!["type", "format", "name", "source"].includes(key)) refuse(text, `${key} is not a key of it`);
    fields.set(key, field.slice(equals + 1));
  }
  const type = fields.get("type") ?? "build";
  if (type !== "build" && type !== "launch") refuse(text, `${type} is no type: there are build and launch`);
  const form = formIn(text, fields.get("format") ?? "volume", fields.get("name"), fields.get("source"));
  if (type === "launch" && form.format === "image") refuse(text, "a launch cache cannot be an image");
  return {
    type,
    form: form.format === "bind" ? { format: "bind", directory: `${form.directory}/${type}-cache` } : form,
  };
}

/** The caches that `--cache` (several) and `--cache-image` name. Throws Fault `usage.cache` when one is named twice. Pure. */
export function parseCaches(texts: readonly string[], image: string | undefined): WrittenCaches {
  const all = texts.map(parseCache);
  if (image !== undefined) all.push({ type: "build", form: { format: "image", name: image } });
  const of = (type: string) => {
    const found = all.filter((cache) => cache.type === type);
    if (found.length > 1) refuse(texts.join(" "), `there are ${found.length} ${type} caches`);
    return found[0]?.form;
  };
  const [build, launch] = [of("build"), of("launch")];
  return { ...(build && { build }), ...(launch && { launch }) };
}
