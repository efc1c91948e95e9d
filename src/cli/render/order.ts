import type { OrderNode } from "../../cnb/detection-order.ts";

/** A line of a tree; `mark` says something of a module, undefined for the title of a group. */
interface Line {
  readonly text: string;
  readonly mark: string | undefined;
}

function moduleLine(branch: string, { module, isCyclic }: OrderNode): Line {
  const name = module?.version ? `${module.id}@${module.version}` : (module?.id ?? "");
  return { text: branch + name, mark: `${module?.optional ? "(optional)" : ""}${isCyclic ? "[cyclic]" : ""}` };
}

function linesOf(nodes: readonly OrderNode[], prefix: string): readonly Line[] {
  let group = 0;
  return nodes.flatMap((node, at): readonly Line[] => {
    const isLast = at === nodes.length - 1;
    const branch = `${prefix}${isLast ? " └ " : " ├ "}`;
    const below = `${prefix}${isLast ? "   " : " │ "}`;
    if (node.group === undefined || node.group.length === 0) return [moduleLine(branch, node)];
    group += 1;
    const title = (before: string): Line => ({ text: `${before}Group #${group}:`, mark: undefined });
    if (node.module === undefined) return [title(branch), ...linesOf(node.group, below)];
    return [moduleLine(branch, node), title(`${below} └ `), ...linesOf(node.group, `${below}   `)];
  });
}

/** The tree of an order as pack draws it, the marks of modules that follow each other in one column; `  (none)` for an empty one. */
export function orderText(nodes: readonly OrderNode[]): string {
  if (nodes.length === 0) return "  (none)";
  const lines = linesOf(nodes, "");
  const width = ({ text }: Line) => [...text].length;
  const columnAt = (at: number): number => {
    let [from, to] = [at, at];
    while (lines[from - 1]?.mark !== undefined) from--;
    while (lines[to + 1]?.mark !== undefined) to++;
    return Math.max(...lines.slice(from, to + 1).map(width)) + 4;
  };
  return lines
    .map((line, at) => (line.mark ? line.text + " ".repeat(columnAt(at) - width(line)) + line.mark : line.text))
    .join("\n");
}
