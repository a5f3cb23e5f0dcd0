import { add, type Condition, div, type Expression, equal, less, max, select, variable } from "../math/expression.ts";
import { expectOneOf, UsageError } from "../shared/errors.ts";
import { LARGEST_FLOAT32 } from "../shared/finite.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { arange, pointwise, reduce, reshape } from "../tensor/operations.ts";
import type { HasParameters } from "../tensor/parameter.ts";

/** What is kept of all steps that count: the greatest value of each unit, their mean, or the values of the last step. */
export type PoolKind = "max" | "mean" | "last";

/** Which steps count: a mask, or lengths of sequences that start at step 0; all if neither is given. */
export interface PoolInput {
  /** [T, B] of zeros and ones; gaps are allowed. */
  readonly mask?: Tensor | undefined;
  /** [B], integers in [0, T]. */
  readonly lengths?: Tensor | undefined;
}

/** The layer of `poolOverTime`. */
export interface PoolOverTime extends HasParameters {
  /** [T, B, D] → [B, D]. */
  forward(x: Tensor, input?: PoolInput): Tensor;
}

/** Below every number that float32 can hold. */
export const LOWEST = -LARGEST_FLOAT32;

/**
 * Creates a layer that pools a sequence into one vector: the maximum, the mean or the last of its steps.
 *
 * Input [T, B, D], output [B, D]; zeros if no step counts. Steps that do not count may hold NaN.
 */
export function poolOverTime(options: {
  /** What is taken of each number over the steps. */
  readonly kind: PoolKind;
}): PoolOverTime {
  expectOptions("poolOverTime", options, { kind: "required" });
  const kind = expectOneOf("poolOverTime: kind", options.kind, ["max", "mean", "last"]);
  return {
    parts: {},
    forward(x: Tensor, input: PoolInput = {}): Tensor {
      expectOptions("PoolOverTime.forward", input, { mask: 1, lengths: 1 });
      expectTensor("poolOverTime: input", x, ["T", "B", "units"]);
      const [, batch, units] = x.shape as [number, number, number];
      return reshape(pools[kind](x, whichSteps(x, input)), [batch, units]);
    },
  };
}

/** What says, at index (t, b, ·), whether step t of sequence b counts. */
interface Steps {
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly counts: Condition;
}

function whichSteps(x: Tensor, { mask, lengths }: PoolInput): Steps {
  const [steps, batch] = x.shape as [number, number, number];
  if (mask && lengths) throw new UsageError("bad-option", "poolOverTime: give a mask or lengths, not both");
  if (mask) {
    expectTensor("poolOverTime: mask", mask, [steps, batch]);
    return { inputs: { mask: reshape(mask, [steps, batch, 1]) }, counts: less(0, variable("mask")) };
  }
  if (lengths) expectTensor("poolOverTime: lengths", lengths, [batch]);
  const end = lengths ? reshape(lengths, [1, batch, 1]) : x.graph.constant([1, 1, 1], [steps]);
  return { inputs: { end, t: stepNumbers(x) }, counts: less(variable("t"), variable("end")) };
}

const stepNumbers = (x: Tensor): Tensor => arange(x.graph, [x.shape[0]!, 1, 1]);

const value: Expression = variable("x");
const pools: { [K in PoolKind]: (x: Tensor, steps: Steps) => Tensor } = {
  max(x, { inputs, counts }) {
    const largest = reduce({ x, ...inputs }, select(counts, value, LOWEST), [0], "max");
    const number = reduce(inputs, select(counts, 1, 0), [0]);
    return pointwise({ x: largest, number }, select(less(0, variable("number")), value, 0));
  },
  mean(x, { inputs, counts }) {
    const sum = reduce({ x, ...inputs }, select(counts, value, 0), [0]);
    const number = reduce(inputs, select(counts, 1, 0), [0]);
    return pointwise({ x: sum, number }, div(value, max(variable("number"), 1)));
  },
  last(x, { inputs, counts }) {
    const t = variable("t");
    const numbers = inputs.t ?? stepNumbers(x);
    // The number of the last step that counts, counted from 1, so that 0 is none.
    const last = reduce({ ...inputs, t: numbers }, select(counts, add(t, 1), 0), [0], "max");
    return reduce({ x, t: numbers, last }, select(equal(add(t, 1), variable("last")), value, 0), [0]);
  },
};
