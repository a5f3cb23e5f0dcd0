import { ShapeError } from "../shared/errors.ts";
import { formatShape, sameShape, size } from "../shared/shapes.ts";
import type { Tensor } from "./graph.ts";
import { graphOf } from "./graph-of.ts";

/**
 * Picks elements of the last axis, `out[…, k] = x[…, indices[…, k]]`. It costs as much as is picked, forward and, where `x` has another
 * use that was recorded later, backward.
 * @param x [..., V]
 * @param indices int [..., K] in [0, V), the same axes before the last
 * @returns [..., K]
 */
export function pick(x: Tensor, indices: Tensor): Tensor {
  const graph = graphOf("pick", [x, indices]);
  const places = x.shape.slice(0, -1);
  if (!sameShape(places, indices.shape.slice(0, -1)))
    throw new ShapeError(
      "shape-mismatch",
      `pick: expected indices of shape ${formatShape([...places, "K"])}, got ${formatShape(indices.shape)}`,
    );
  const [vocabulary, rows] = [x.shape.at(-1)!, indices.shape.at(-1)!];
  graph.bound(indices, vocabulary);
  const rowsOfTables = { tables: size(places), rows, vocabulary, columns: 1 };
  const out = graph.empty(indices.shape, x.differentiable);
  graph.launch({ op: "gather", ...rowsOfTables }, { indices: indices.range, table: x.range, out: out.range });
  graph.record([out], ([g]) =>
    graph.accumulateRows(x, (dx, keep, touched) => {
      graph.launch({ op: "scatterAdd", ...rowsOfTables, keep }, { indices: indices.range, source: g!, out: dx });
      if (touched) graph.fill(touched.range, 1);
    }),
  );
  return out;
}
