/** A right to something of a registry, as token servers spell it: `repository:<path>:pull,push`. */
export type Scope = string;

/** The right to read a repository. */
export function pullScope(repository: string): Scope {
  return `repository:${repository}:pull`;
}

/** The right to read and write a repository. */
export function pushScope(repository: string): Scope {
  return `repository:${repository}:pull,push`;
}

function actionsOf(scope: Scope): { readonly thing: string; readonly actions: readonly string[] } {
  const colon = scope.lastIndexOf(":");
  return { thing: scope.slice(0, colon), actions: scope.slice(colon + 1).split(",") };
}

/** Whether what was granted is enough for what is wanted. */
export function covers(granted: readonly Scope[], wanted: readonly Scope[]): boolean {
  return wanted.every((scope) => {
    const { thing, actions } = actionsOf(scope);
    const had = granted.map(actionsOf).filter((other) => other.thing === thing);
    return actions.every((action) => had.some((other) => other.actions.includes(action)));
  });
}
