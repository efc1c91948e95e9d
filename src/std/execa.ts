/** The function of execa. It is loaded when the first program is started by it: it comes in a hundred files, and most commands start none. */
export async function loadExeca() {
  return (await import("execa")).execa;
}
