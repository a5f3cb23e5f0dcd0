import { learnedTensors } from "../formats/onnx/learned.ts";
import type { Model } from "../formats/open.ts";
import { size } from "../shared/shapes.ts";

/** How many numbers of a file are learned. */
export function countOf({ file: { content } }: Model): number {
  const weights =
    content.kind === "graph"
      ? learnedTensors(content.graph.graph)
      : content.kind === "network"
        ? content.network.weights
        : new Map<string, { readonly shape: readonly number[] }>();
  return [...weights.values()].reduce((n, { shape }) => n + size(shape), 0);
}

/** Kinds of cells, as they come in the file. */
export function cellsOf({ file: { content } }: Model): string {
  const cells =
    content.kind === "graph"
      ? content.graph.graph.nodes.map(({ op }) => op.toLowerCase()).filter((op) => ["rnn", "lstm", "gru"].includes(op))
      : content.kind === "network"
        ? [...content.network.layers.values()].flatMap((spec) =>
            spec.kind === "recurrent"
              ? [spec.cell.name]
              : spec.kind === "bidirectional"
                ? [spec.forward.cell.name]
                : [],
          )
        : [];
  return [...new Set(cells)].join("+");
}
