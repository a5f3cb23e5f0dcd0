import type { Range } from "../compute/plan.ts";
import type { Graph } from "../tensor/graph.ts";

/**
 * Draws a mask [steps, batch, units] into a range: an element is 0 with probability `rate`, else `scale`.
 * @param key whose draws; those of an example do not depend on the batch that it is in
 */
export function drawMask(
  graph: Graph,
  out: Range,
  [steps, batch, units]: readonly [number, number, number],
  draw: { readonly rate: number; readonly scale: number },
  key: Range = graph.randomKey(),
): void {
  graph.launch(
    { op: "random", shape: [batch, steps, units], strides: [units, batch * units, 1], draw: { kind: "keep", ...draw } },
    { key, out },
  );
}
