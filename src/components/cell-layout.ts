import type { CellGraph, CellGraphNode } from "../explain/cell-graph.ts";

/** Width and height of a box of the diagram. */
export const [WIDE, HIGH] = [84, 46];
const [COLUMN, ROW] = [132, 84];
const [PAD_X, PAD_Y] = [74, 40];

/** A node with the middle of its box. */
export interface PlacedNode extends CellGraphNode {
  readonly x: number;
  readonly y: number;
}

/** A column for each depth; what is given stands in the order in which the states need it, states above. */
export function placeNodes({ nodes }: CellGraph): {
  readonly nodes: readonly PlacedNode[];
  readonly width: number;
  readonly height: number;
} {
  const given = nodes.filter((n) => n.depth === 0);
  const sorted = [...given.filter((n) => n.kind === "previous"), ...given.filter((n) => n.kind !== "previous")];
  const y = new Map<number, number>(sorted.map((n, row) => [n.id, row]));
  const columns = new Map<number, CellGraphNode[]>();
  for (const n of nodes) if (n.depth > 0) columns.set(n.depth, [...(columns.get(n.depth) ?? []), n]);
  for (const [, column] of [...columns].sort(([a], [b]) => a - b)) {
    const wanted = column
      .map((n) => ({ n, y: n.args.reduce((sum, a) => sum + y.get(a)!, 0) / Math.max(1, n.args.length) }))
      .sort((a, b) => a.y - b.y);
    let free = Number.NEGATIVE_INFINITY;
    for (const one of wanted) {
      const at = Math.max(one.y, free);
      y.set(one.n.id, at);
      free = at + 1;
    }
  }
  const placed = nodes.map((n) => ({ ...n, x: PAD_X + n.depth * COLUMN, y: PAD_Y + y.get(n.id)! * ROW }));
  return {
    nodes: placed,
    width: Math.max(...placed.map((n) => n.x)) + PAD_X + 34,
    height: Math.max(...placed.map((n) => n.y)) + PAD_Y + 12,
  };
}

/** The curve from one box to another. */
export function edgePath(from: PlacedNode, to: PlacedNode): string {
  const [x1, x2] = [from.x + WIDE / 2, to.x - WIDE / 2 - 1];
  const bend = Math.max(18, (x2 - x1) * 0.5);
  return `M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}`;
}
