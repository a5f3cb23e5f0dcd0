import { directionsOf } from "../formats/canonical/directions.ts";
import type { Model } from "../formats/open.ts";

/** Kinds of cells, as they come in the file. */
export function cellsOf({ file: { content } }: Model): string {
  const cells =
    content.kind === "graph"
      ? content.graph.graph.nodes.map(({ op }) => op.toLowerCase()).filter((op) => ["rnn", "lstm", "gru"].includes(op))
      : content.kind === "network"
        ? [...content.network.layers.values()].flatMap(directionsOf).map(({ cell }) => cell.name)
        : [];
  return [...new Set(cells)].join("+");
}
