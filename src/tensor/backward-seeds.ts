import { describe, expectShape, UsageError } from "../shared/errors.ts";
import { formatShape } from "../shared/shapes.ts";
import type { Graph, Tensor } from "./graph.ts";

/**
 * Checks what a backward pass starts from.
 * @param expectOwn refuses what is no tensor of the graph
 * @throws UsageError "bad-tensors", "not-differentiable"; ShapeError "shape-mismatch"
 */
export function expectSeeds(
  seeds: Parameters<Graph["backward"]>[0],
  { training }: Graph,
  expectOwn: (argument: string, tensor: Tensor) => void,
): void {
  if (!Array.isArray(seeds) || !seeds.every((pair) => Array.isArray(pair)))
    throw new UsageError(
      "bad-tensors",
      `backward: expected pairs of a tensor and its seed, such as [[loss, 1]], got ${describe(seeds)}`,
    );
  for (const [tensor, seed] of seeds) {
    expectOwn("backward", tensor);
    if (typeof seed !== "number") {
      expectOwn("backward: seed", seed);
      expectShape("backward: seed", seed.shape, tensor.shape);
    }
    if (!tensor.differentiable) throw notDifferentiable(tensor, training);
  }
}

/** All gradients of such a tensor would be 0, which is never what was meant. */
const notDifferentiable = ({ shape }: Tensor, training: boolean): UsageError =>
  new UsageError(
    "not-differentiable",
    `backward: expected a tensor that depends on parameters ${training ? "that are not frozen" : "of a graph with `training: true`"}, or on an input with \`differentiable: true\`, by operations that have a gradient; the one of shape ${formatShape(shape)} does not`,
  );
