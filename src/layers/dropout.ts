import { describe, expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { formatShape } from "../shared/shapes.ts";
import { mul } from "../tensor/arithmetic.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import type { Layer } from "./layer.ts";
import { drawMask } from "./random-mask.ts";

/** Whether a mask is drawn for each step or once for all steps of a sequence. */
export type DropoutPer = "step" | "sequence";

/** Options of `dropout`. */
export interface DropoutOptions {
  /** Probability that an element is set to 0, in [0, 1]; the others are divided by 1 − rate. */
  readonly rate: number;
  /**
   * "step" (default) draws anew for each element; "sequence" draws one mask for all steps of a sequence (variational or
   * locked dropout, Gal & Ghahramani 2016, arXiv:1512.05287).
   */
  readonly per?: DropoutPer | undefined;
}

/**
 * Creates a dropout layer: it sets random elements to 0 in training and does nothing otherwise. Input and output [T, B, D] or [B, D].
 * The draw of an element depends on seed, update, layer, example number, step and unit only (`graph.randomScalars`), so it does not
 * depend on batches or threads.
 * @see Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014)
 */
export function dropout(options: DropoutOptions): Layer {
  expectOptions("dropout", options, { rate: "required", per: 1 });
  const { rate, per = "step" } = options;
  if (!(rate >= 0 && rate <= 1))
    throw new UsageError("out-of-range", `dropout: expected a rate in [0, 1], got ${describe(rate)}`);
  expectOneOf("dropout: per", per, ["step", "sequence"]);
  return {
    parts: {},
    forward(x: Tensor): Tensor {
      expectTensor("dropout", x);
      const { graph } = x;
      if (!graph.training || rate === 0) return x;
      const rank = x.shape.length;
      if (rank !== 2 && rank !== 3)
        throw new ShapeError(
          "shape-mismatch",
          `dropout: expected input [T, B, units] or [B, units], got ${formatShape(x.shape)}`,
        );
      const [batch, units] = x.shape.slice(-2) as [number, number];
      const steps = rank === 2 || per === "sequence" ? 1 : x.shape[0]!;
      const mask = graph.empty([steps, batch, units]);
      drawMask(graph, mask.range, [steps, batch, units], { rate, scale: rate === 1 ? 0 : 1 / (1 - rate) });
      return mul(x, rank === 2 ? graph.view(mask, x.shape) : mask);
    },
  };
}
