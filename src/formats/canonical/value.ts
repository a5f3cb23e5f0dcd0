import { UsageError } from "../../shared/errors.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import type { Tensor } from "../../tensor/graph.ts";
import { gather, reshape, transpose } from "../../tensor/operations.ts";

/** What flows between the layers of a network: a tensor, in which order its first axes are, and which of its steps count. */
export interface Value {
  readonly tensor: Tensor;
  /** [T, B, …] in place of [B, T, …]: recurrent layers give it so, and what works element by element leaves it so. */
  readonly timeMajor: boolean;
  /** [T, B] of ones and zeros. */
  readonly mask?: Tensor | undefined;
}

const swapFirst = (x: Tensor): Tensor => transpose(x, [1, 0, ...x.shape.slice(2).map((_, axis) => axis + 2)]);

/** [B, …]. */
export const batchFirst = ({ tensor, timeMajor }: Value): Tensor => (timeMajor ? swapFirst(tensor) : tensor);

/** [T, B, …]. */
export function timeMajor({ tensor, timeMajor }: Value): Tensor {
  if (tensor.shape.length < 3)
    throw new UsageError(
      "shape-mismatch",
      `expected a sequence [B, T, …], got ${formatShape(tensor.shape)}; the layer before it gives out the last step alone`,
    );
  return timeMajor ? tensor : swapFirst(tensor);
}

/** The shape with the batch first, however the numbers lie. */
export const shapeOf = ({ tensor: { shape }, timeMajor }: Value): readonly number[] =>
  timeMajor ? [shape[1]!, shape[0]!, ...shape.slice(2)] : shape;

/** The same value with another tensor of the same order of axes. */
export const withTensor = (value: Value, tensor: Tensor): Value => ({ ...value, tensor });

/** [B, T] to [T, B]. */
export const maskOf = (x: Tensor): Tensor => transpose(x, [1, 0]);

/** The steps of [T, …] from the last to the first. */
export function reverseSteps(x: Tensor): Tensor {
  const { graph } = x;
  const steps = x.shape[0]!;
  const order = Int32Array.from({ length: steps }, (_, t) => steps - 1 - t);
  const rows = reshape(x, [steps, size(x.shape.slice(1))]);
  return reshape(gather(graph.constant([steps], order, "int"), rows), x.shape);
}
