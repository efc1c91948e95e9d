import { type Analyzed, analyze } from "../phase/analyze.ts";
import { openPlace } from "../reach/place.ts";
import { logTo } from "../std/event.ts";
import { phaseOf } from "./phase-of.ts";
import type { Work } from "./work.ts";

/** Makes sure that the image can be written, before anything else is done, and finds out what there is of it (Platform spec, "analyzer"). */
export async function analyzeFor({
  options,
  setting,
  target,
  tags,
  registry,
  cachePlace,
  emit,
}: Work): Promise<Analyzed> {
  const { store, base, platform, outside, runImage, stage } = setting;
  const { output: keeper = "local", previousImage } = options;
  return await phaseOf(emit, "analyze", "analyze", async () => {
    await cachePlace.check?.();
    if (registry !== undefined) await (await outside.registry()).ensureWritable([...target.names, ...tags]);
    const byId = previousImage !== undefined;
    const places = { base, platform, outside, keeper, byId };
    await using previous = openPlace(previousImage ?? options.image, store, places);
    if (previousImage !== undefined && previous.kind !== target.kind)
      logTo(emit).info(
        `${previous.text} is not kept where ${target.text} goes: layers of it have to be sent, which is slower`,
      );
    return await analyze({
      previous: { text: previous.text, read: previous.read },
      runImage,
      osRelease: () => stage.ground.osRelease(),
      emit,
    });
  });
}
