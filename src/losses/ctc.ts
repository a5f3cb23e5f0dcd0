import {
  add,
  constant,
  div,
  type Expression,
  equal,
  exp,
  less,
  log,
  max,
  neg,
  select,
  sub,
  variable,
} from "../math/expression.ts";
import { expectInteger } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { HOPELESS, IMPOSSIBLE, Lattice } from "../tensor/lattice.ts";
import { arange, concatenate, pointwise, reduce, reshape, slice, stopGradient, strided } from "../tensor/operations.ts";
import { pick } from "../tensor/pick.ts";
import { type Reduction, reduceLosses } from "./reduction.ts";

/** Options of `connectionistTemporalClassification`. */
export interface ConnectionistTemporalClassificationOptions {
  /** [B], how many steps of each sequence count, from the first on. */
  readonly inputLengths: Tensor;
  /** [B], the number of labels of each sequence. */
  readonly targetLengths: Tensor;
  /** The class of the blank. Default 0. */
  readonly blank?: number | undefined;
  /** "mean" (default) divides each loss by its number of labels (at least 1) and takes the mean over the batch, as PyTorch does. */
  readonly reduction?: Reduction | undefined;
  /** Whether an infinite loss (the labels do not fit into the steps) counts as 0. Default false. */
  readonly zeroInfinity?: boolean | undefined;
}

/**
 * Computes the CTC loss `−log p(labels)`, over all alignments of the labels, with blanks between them, to the steps. Gradients of an
 * infinite loss are 0.
 * @param logits [T, B, V]; the softmax over V is taken here
 * @param targets int [B, L] in [0, V), not `blank`; behind a sequence's labels anything. Others are impossible: the loss is infinite
 * @returns shape [], or with reduction "none" [B]
 * @throws ShapeError "shape-mismatch"; UsageError "out-of-range"
 * @see Graves et al. (2006), "Connectionist temporal classification"
 */
export function connectionistTemporalClassification(
  logits: Tensor,
  targets: Tensor,
  options: ConnectionistTemporalClassificationOptions,
): Tensor {
  expectOptions("connectionistTemporalClassification", options, {
    inputLengths: "required",
    targetLengths: "required",
    blank: 1,
    reduction: 1,
    zeroInfinity: 1,
  });
  const { inputLengths, targetLengths, reduction = "mean", zeroInfinity = false } = options;
  expectTensor("ctc: logits", logits, ["T", "B", "V"]);
  const [T, B, V] = logits.shape as [number, number, number];
  expectTensor("ctc: targets", targets, [B, "L"]);
  expectTensor("ctc: inputLengths", inputLengths, [B]);
  expectTensor("ctc: targetLengths", targetLengths, [B]);
  const blank = expectInteger("blank", options.blank ?? 0, { min: 0, max: V - 1 });
  const { graph } = logits;
  const L = targets.shape[1]!;
  // States: blank, first label, blank, second label, …, blank.
  const S = 2 * L + 1;
  const filled = (shape: readonly number[], n: number, value: number): Tensor =>
    graph.constant(shape, new Float64Array(n).fill(value));

  const label = concatenate(
    [
      reshape(
        pointwise(
          { y: reshape(targets, [B, L, 1]), second: arange(graph, [1, 1, 2]) },
          select(equal(variable("second"), 1), variable("y"), blank),
        ),
        [B, 2 * L],
      ),
      filled([B, 1], B, blank),
    ],
    1,
  );

  // The label of a state may follow the one two states before at once unless both are the same; so blanks cannot.
  const framed = concatenate([filled([B, 2], 2 * B, -1), label, filled([B, 2], 2 * B, -1)], 1);
  const own = reshape(slice(framed, 1, 2, S + 4), [B, S + 2, 1]);
  const before = reshape(slice(framed, 1, 0, S + 2), [B, S + 2, 1]);
  const skips = equal(variable("arc"), 0);
  const weights = pointwise(
    { own, before, arc: arange(graph, [1, 1, 3]) },
    select(skips, select(equal(variable("own"), variable("before")), IMPOSSIBLE, 0), 0),
  );

  // log softmax of the classes that the states stand for. A path begins in the first two states and ends in the last two of its labels.
  const steps = arange(graph, [T, 1, 1]);
  const lengths = reshape(inputLengths, [1, B, 1]);
  const mask = reshape(pointwise({ t: steps, n: lengths }, select(less(variable("t"), variable("n")), 1, 0)), [T, B]);
  const seen = reshape(mask, [T, B, 1]);
  const x = select(less(0, variable("seen")), variable("x"), 0);
  const y = variable("y");
  const ofClass = (there: Expression | number, otherwise: Expression | number): Expression =>
    select(less(-1, y), select(less(y, V), there, otherwise), otherwise);
  const classes = pointwise({ y: label }, ofClass(y, blank), { type: "int" });
  // Before the sum, whose gradient is then there to add to.
  const chosen = pick(logits, strided(classes, [T, B, S], 0, [0, S, 1]));
  const largest = reduce({ x: stopGradient(logits), seen }, x, [2], "max");
  const sum = reduce({ x: logits, seen, m: largest }, exp(sub(x, variable("m"))), [2]);
  const [s, t, ends] = [variable("s"), variable("t"), variable("ends")];
  const logProbability = sub(sub(variable("x"), variable("m")), log(variable("sum")));
  const begins = select(equal(t, 0), select(less(1, s), IMPOSSIBLE, 0), 0);
  const twice = add(ends, ends);
  const atEnd = select(equal(s, twice), 0, select(equal(add(s, 1), twice), 0, IMPOSSIBLE));
  const closes = select(equal(add(t, 1), variable("n")), atEnd, 0);
  const scores = pointwise(
    {
      ...{ x: chosen, m: largest, sum, t: steps, s: arange(graph, [1, 1, S]), n: lengths },
      ...{ ends: reshape(targetLengths, [1, B, 1]), y: reshape(label, [1, B, S]) },
    },
    add(logProbability, add(add(begins, closes), ofClass(0, IMPOSSIBLE))),
  );

  const lattice = new Lattice({ scores, weights, arcs: "band", mask });
  // A sequence without steps has one path, for no labels.
  const fits = select(less(0, variable("n")), variable("z"), select(equal(ends, 0), 0, IMPOSSIBLE));
  const infinite = constant(zeroInfinity ? 0 : Number.POSITIVE_INFINITY);
  const loss = select(less(HOPELESS, fits), neg(fits), infinite);
  const normalized = reduction === "mean" ? div(loss, max(ends, 1)) : loss;
  const losses = pointwise({ z: lattice.logPartition(), n: inputLengths, ends: targetLengths }, normalized);
  return reduceLosses(losses, reduction, B);
}
