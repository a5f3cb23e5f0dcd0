import type { CellGraph, CellGraphNode } from "../explain/cell-graph.ts";

/** Width and height of a box of the diagram. */
export const [WIDE, HIGH] = [84, 46];
/** From the edge to the first box. */
const MARGIN = 20;
const SIDE = 10;
/** From the last box to the edge: a state leaves there. */
const LEAVING = 52;

/** Where values go: to the right, or where there is no room for that down the page. */
export type Flow = "right" | "down";

/** From box to box, in the direction of the values and across it. */
const STRIDES = { right: { along: 118, across: 84 }, down: { along: 84, across: 94 } } as const;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A node with the middle of its box. */
export interface PlacedNode extends CellGraphNode {
  readonly x: number;
  readonly y: number;
}

/** A diagram of a cell: where its boxes are. */
export interface CellLayout {
  readonly flow: Flow;
  readonly nodes: readonly PlacedNode[];
  readonly width: number;
  readonly height: number;
  /** The middle of what the sums are made of. */
  readonly joinedAt: Point;
}

/**
 * A column for each depth, or where values go down a row; what is given stands in the order in which the states need it, states first.
 *
 * @param joined whether a column before them is left for what the sums are made of
 */
export function placeNodes({ nodes }: CellGraph, { flow, joined }: { flow: Flow; joined: boolean }): CellLayout {
  const across = placesAcross(nodes);
  const stride = STRIDES[flow];
  const sums = nodes.filter(({ kind }) => kind === "sum").map(({ id }) => across.get(id)! * stride.across);
  const middle = (Math.min(...sums) + Math.max(...sums)) / 2;
  const [long, broad, edge] = flow === "right" ? [WIDE, HIGH, MARGIN] : [HIGH, WIDE, SIDE];
  // What is joined is two boxes, one beside the other: few others make room for it.
  const begin = broad / 2 + edge + (joined ? Math.max(0, broad / 2 - middle) : 0);
  const before = long / 2 + SIDE;
  const at = (along: number, beside: number): Point =>
    flow === "right" ? { x: along, y: beside } : { x: beside, y: along };
  const placed = nodes.map((n) => ({
    ...n,
    ...at(before + (n.depth + Number(joined)) * stride.along, begin + across.get(n.id)! * stride.across),
  }));
  const joinedAt = at(before, begin + middle);
  const last = { x: Math.max(...placed.map(({ x }) => x)), y: Math.max(...placed.map(({ y }) => y)) };
  return flow === "right"
    ? {
        ...{ flow, nodes: placed, joinedAt, width: last.x + WIDE / 2 + LEAVING },
        height: Math.max(last.y + HIGH / 2, joined ? joinedAt.y + HIGH : 0) + MARGIN,
      }
    : {
        ...{ flow, nodes: placed, joinedAt, height: last.y + HIGH / 2 + LEAVING },
        width: Math.max(last.x + WIDE / 2, joined ? joinedAt.x + WIDE : 0) + SIDE,
      };
}

/** Nodes by their place beside those of the same depth, in boxes: near what they are made of. */
function placesAcross(nodes: readonly CellGraphNode[]): ReadonlyMap<number, number> {
  const given = nodes.filter((n) => n.depth === 0);
  const sorted = [...given.filter((n) => n.kind === "previous"), ...given.filter((n) => n.kind !== "previous")];
  const places = new Map<number, number>(sorted.map((n, row) => [n.id, row]));
  const columns = new Map<number, CellGraphNode[]>();
  for (const n of nodes) if (n.depth > 0) columns.set(n.depth, [...(columns.get(n.depth) ?? []), n]);
  for (const [, column] of [...columns].sort(([a], [b]) => a - b)) {
    const wanted = column
      .map((n) => ({ n, at: n.args.reduce((sum, a) => sum + places.get(a)!, 0) / Math.max(1, n.args.length) }))
      .sort((a, b) => a.at - b.at);
    let free = Number.NEGATIVE_INFINITY;
    for (const one of wanted) {
      const at = Math.max(one.at, free);
      places.set(one.n.id, at);
      free = at + 1;
    }
  }
  return places;
}

/** The curve from the end of one box to the beginning of another. */
export function edgePath(from: Point, to: Point, flow: Flow): string {
  if (flow === "down") {
    const [y1, y2] = [from.y + HIGH / 2, to.y - HIGH / 2 - 1];
    const bend = Math.max(14, (y2 - y1) * 0.5);
    return `M${from.x} ${y1}C${from.x} ${y1 + bend} ${to.x} ${y2 - bend} ${to.x} ${y2}`;
  }
  const [x1, x2] = [from.x + WIDE / 2, to.x - WIDE / 2 - 1];
  const bend = Math.max(18, (x2 - x1) * 0.5);
  return `M${x1} ${from.y}C${x1 + bend} ${from.y} ${x2 - bend} ${to.y} ${x2} ${to.y}`;
}
