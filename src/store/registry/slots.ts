import pLimit from "p-limit";
import type { ByteStream } from "../../std/byte.ts";

/** Lets so many streams flow at the same time; one counts from its first byte asked for to its end. */
export function slots(count: number): (open: () => ByteStream) => ByteStream {
  const limit = pLimit(count);
  const enter = () =>
    new Promise<() => void>((entered) => {
      void limit(() => new Promise<void>((leave) => entered(leave)));
    });
  return async function* (open) {
    const leave = await enter();
    try {
      yield* open();
    } finally {
      leave();
    }
  };
}
