/** Things to dispose of in the end, the last opened first; Node 20 has no AsyncDisposableStack yet. */
export class OpenedStack implements AsyncDisposable {
  #opened: AsyncDisposable[] = [];

  /** Remembers something opened, and gives it back. */
  use<T extends AsyncDisposable>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const opened of this.#opened.splice(0).reverse()) {
      try {
        await opened[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
