import type { CellGraph, CellGraphNode } from "../explain/cell-graph.ts";

/** Width and height of a box of the diagram. */
export const [WIDE, HIGH] = [84, 46];
const [COLUMN, ROW] = [118, 84];
/** From the edge to the middle of the first box, and from that of the last to the edge: a state leaves there. */
const [PAD_X, PAD_RIGHT] = [WIDE / 2 + 10, WIDE / 2 + 52];
/** Above the first box and below the last. */
const MARGIN = 20;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node with the middle of its box. */
export interface PlacedNode extends CellGraphNode {
  readonly x: number;
  readonly y: number;
}

/**
 * A column for each depth; what is given stands in the order in which the states need it, states above.
 *
 * @param joined whether a column before them is left for what the sums are made of, whose middle is `joinedAt`
 */
export function placeNodes(
  { nodes }: CellGraph,
  joined = false,
): {
  readonly nodes: readonly PlacedNode[];
  readonly width: number;
  readonly height: number;
  readonly joinedAt: { readonly x: number; readonly y: number };
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
  const sums = nodes.filter(({ kind }) => kind === "sum").map(({ id }) => y.get(id)! * ROW);
  const middle = (Math.min(...sums) + Math.max(...sums)) / 2;
  // What is joined is two boxes, one on the other: few others make room for it.
  const top = HIGH / 2 + MARGIN + (joined ? Math.max(0, HIGH / 2 - middle) : 0);
  const left = PAD_X + (joined ? COLUMN : 0);
  const placed = nodes.map((n) => ({ ...n, x: left + n.depth * COLUMN, y: top + y.get(n.id)! * ROW }));
  const lowest = Math.max(...placed.map((n) => n.y + HIGH / 2), joined ? top + middle + HIGH : 0);
  return {
    nodes: placed,
    width: Math.max(...placed.map((n) => n.x)) + PAD_RIGHT,
    height: lowest + MARGIN,
    joinedAt: { x: PAD_X, y: top + middle },
  };
}

/** The curve from the right of one box to the left of another. */
export function edgePath(from: Point, to: Point): string {
  const [x1, x2] = [from.x + WIDE / 2, to.x - WIDE / 2 - 1];
  const bend = Math.max(18, (x2 - x1) * 0.5);
  return `M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}`;
}
