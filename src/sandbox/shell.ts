/** A word as the POSIX shell reads it back, whatever is in it. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line of such words. */
export function line(...words: readonly string[]): string {
  return words.map(quote).join(" ");
}
