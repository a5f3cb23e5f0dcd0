import { ShapeError } from "../shared/errors.ts";
import { formatShape, size } from "../shared/shapes.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { reshape } from "../tensor/operations.ts";
import type { HasParameters } from "../tensor/parameter.ts";

/** A function of one tensor, with or without parameters. Sequences are time-major: [T, B, …]. */
export interface Layer extends HasParameters {
  /** Records the layer for an input; the shapes are those the layer's function names. */
  forward(x: Tensor): Tensor;
}

/** What a layer over sequences takes besides its input. */
export interface MaskInput {
  /** [T, B] of ones and zeros; steps with 0 are padding. */
  readonly mask?: Tensor | undefined;
}

/** Checks that the last axis of a layer's input has `width` elements, and returns the input as rows [N, width]. */
export function asRows(layer: string, x: Tensor, width: number): Tensor {
  expectTensor(layer, x);
  if (x.shape.length === 0 || x.shape.at(-1) !== width)
    throw new ShapeError("shape-mismatch", `${layer}: expected input [..., ${width}], got ${formatShape(x.shape)}`);
  return reshape(x, [size(x.shape) / width, width]);
}
