/** Wraps text in terminal colours, or leaves it as it is. */
export interface Style {
  readonly banner: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly failure: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
}

const paint = (code: string) => (text: string) => `\u001b[${code}m${text}\u001b[0m`;
const plain = (text: string) => text;

/** The reference lifecycle's colours, or none. */
export function styleFor(colour: boolean): Style {
  if (!colour) return { banner: plain, warning: plain, failure: plain, faint: plain, good: plain };
  return { banner: paint("36"), warning: paint("33;1"), failure: paint("31;1"), faint: paint("2"), good: paint("32") };
}
