import { UsageError } from "../shared/errors.ts";
import { expectTensor, type Graph, type Tensor } from "./graph.ts";

/**
 * The graph that all of the tensors belong to, and those that are `there`: ranges of another one would be read as its own.
 * @throws UsageError "bad-tensors"
 */
export function graphOf(
  operation: string,
  needed: readonly Tensor[],
  there: readonly (Tensor | undefined)[] = [],
): Graph {
  const tensors = [...needed, ...there.filter((t) => t !== undefined)];
  for (const t of tensors) expectTensor(operation, t);
  const graphs = new Set(tensors.map((t) => t.graph));
  const [graph] = graphs;
  if (!graph || graphs.size > 1)
    throw new UsageError(
      "bad-tensors",
      `${operation}: expected tensors of one graph, got ${graph ? `tensors of ${graphs.size}` : "none"}`,
    );
  return graph;
}
