import { logProbabilities } from "../run/sample.ts";
import { expectOneOf, ShapeError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { formatShape, sameShape } from "../shared/shapes.ts";

/** An output of a model: the last axis are the numbers of one answer. */
export interface Answers {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/** The effect of an intervention on an output. */
export interface Effect {
  /** The largest change of a number, in absolute value. */
  readonly largest: number;
  /** Its index in the data. */
  readonly at: number;
  /** Mean Kullback–Leibler divergence D(before ‖ after) of the rows in nats. Undefined for numbers that are not distributions. */
  readonly divergence: number | undefined;
}

/** Tells whether each row of this width is a probability distribution: nonnegative numbers that sum to 1. */
export function areProbabilities({ shape, data }: Answers): boolean {
  const width = shape.at(-1) ?? 1;
  if (width < 2 || data.length === 0) return false;
  for (let from = 0; from < data.length; from += width) {
    let sum = 0;
    for (let k = from; k < from + width; k++) {
      if (!(data[k]! >= 0)) return false;
      sum += data[k]!;
    }
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

/**
 * Measures how much an output changed when units were ablated or values held, for any model, without a loss.
 * @example
 * ```ts
 * const { outputs } = await model.trace({ input }, { names: [], hold: [] });
 * const cut = await model.trace({ input }, { names: [], hold: [{ name: "lstm.h", unit: 3 }] });
 * effectOn(outputs.output, cut.outputs.output).largest;
 * ```
 * @throws ShapeError "shape-mismatch"; UsageError "unknown-choice"
 * @see Kullback & Leibler (1951), On information and sufficiency
 */
export function effectOn(
  before: Answers,
  after: Answers,
  options: {
    /** What a row is. "logits" are compared after a softmax. Default "probabilities" where all rows are that, else "numbers". */
    readonly as?: "numbers" | "logits" | "probabilities" | undefined;
  } = {},
): Effect {
  expectOptions("effectOn", options, { as: 1 });
  if (!sameShape(before.shape, after.shape) || before.data.length !== after.data.length)
    throw new ShapeError(
      "shape-mismatch",
      `effectOn: the outputs have the shapes ${formatShape(before.shape)} and ${formatShape(after.shape)}; compare one output with itself`,
    );
  const rows = expectOneOf("as", options.as ?? (areProbabilities(before) ? "probabilities" : "numbers"), [
    "numbers",
    "logits",
    "probabilities",
  ]);
  let [largest, at] = [0, 0];
  for (let k = 0; k < before.data.length; k++) {
    const change = Math.abs(after.data[k]! - before.data[k]!);
    // What became no number is the largest change there is.
    if (change > largest || Number.isNaN(change)) [largest, at] = [change, k];
    if (Number.isNaN(change)) break;
  }
  return { largest, at, divergence: rows === "numbers" ? undefined : divergence(before, after, rows === "logits") };
}

function divergence(before: Answers, after: Answers, logits: boolean): number {
  const width = before.shape.at(-1) ?? 1;
  const of = ({ data }: Answers, from: number): Float64Array => {
    const row = Float64Array.from({ length: width }, (_, k) => data[from + k]!);
    return logits ? logProbabilities(row) : row.map(Math.log);
  };
  const count = before.data.length / width;
  let sum = 0;
  for (let row = 0; row < count; row++) {
    const [p, q] = [of(before, row * width), of(after, row * width)];
    // 0 · ln 0 is 0.
    for (let k = 0; k < width; k++) if (p[k]! > Number.NEGATIVE_INFINITY) sum += Math.exp(p[k]!) * (p[k]! - q[k]!);
  }
  return count === 0 ? 0 : sum / count;
}
