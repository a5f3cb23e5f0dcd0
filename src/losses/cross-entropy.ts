import { add, constant, type Expression, equal, exp, log, mul, select, sub, variable } from "../math/expression.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { size } from "../shared/shapes.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { arange, pointwise, reduce, reshape, stopGradient, sumAll } from "../tensor/operations.ts";
import { countKept, keep, type LossOptions, reduceLosses } from "./reduction.ts";

/** The target that does not count, unless another is named: PyTorch's. */
export const IGNORED = -100;

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends LossOptions {
  /** Weight of each class, [V]. Default 1. */
  readonly weight?: Tensor | undefined;
  /** ε: the target becomes `(1 − ε) y + ε/V` (Szegedy et al. 2016, arXiv:1512.00567). Default 0. */
  readonly labelSmoothing?: number | undefined;
  /** Targets with this class number do not count. Default −100. */
  readonly ignoreIndex?: number | undefined;
}

/**
 * Computes `−Σ w_v y_v log softmax(x)_v` over classes v, from logits. The mean divides by the sum of the weights for targets that are
 * class numbers, and by their number for targets that are probabilities, both as in PyTorch.
 * @param logits [..., V].
 * @param target Whole numbers [...] in [0, V) (an int tensor), or probabilities [..., V].
 * @returns Shape [], or with reduction "none" [...].
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  expectOptions("crossEntropy", options, { weight: 1, labelSmoothing: 1, ignoreIndex: 1, reduction: 1, mask: 1 });
  expectTensor("crossEntropy: logits", logits);
  expectTensor("crossEntropy: target", target);
  const { weight, mask, labelSmoothing: epsilon = 0, ignoreIndex = IGNORED, reduction = "mean" } = options;
  const places = logits.shape.slice(0, -1);
  const classes = logits.shape.at(-1) ?? 0;
  const byNumber = target.range.type === "int";
  expectCrossEntropy("crossEntropy", logits.shape, target, options);
  const rows = size(places);

  // Everything is read as [rows, V]. A row that does not count reads as zeros, so that its NaNs stay out.
  const asRows = (t: Tensor, columns: number): Tensor => reshape(t, [rows, columns]);
  const [y, w] = [variable("y"), weight ? variable("weight") : constant(1)];
  const counts = (value: Expression): Expression =>
    keep(mask, byNumber ? select(equal(y, ignoreIndex), 0, value) : value);
  const rowInputs = {
    ...(byNumber && { y: asRows(target, 1) }),
    ...(mask && { mask: asRows(mask, 1) }),
  };
  const targets = {
    ...rowInputs,
    ...(byNumber ? { column: arange(logits.graph, [1, classes]) } : { y: asRows(target, classes) }),
    ...(weight && { weight: reshape(weight, [1, classes]) }),
  };
  /** `w_v y_v value` of class v. A class that was not meant is not multiplied by 0 but left out: its logit may be infinite. */
  const meant = (value: Expression): Expression =>
    byNumber ? select(equal(variable("column"), y), mul(w, value), 0) : mul(keep(mask, y), mul(w, value));
  const smoothed = (value: Expression): Expression =>
    epsilon === 0 ? meant(value) : add(mul(1 - epsilon, meant(value)), mul(mul(epsilon / classes, w), value));

  // −log softmax(x)_v = (m − x_v) + log s with s = Σ exp(x_v − m): the same for every m, so no gradient goes through it.
  const [x, m] = [counts(variable("x")), variable("m")];
  const logitInputs = { ...rowInputs, x: asRows(logits, classes) };
  const largest = reduce({ ...logitInputs, x: stopGradient(logitInputs.x) }, x, [1], "max");
  const s = reduce({ ...logitInputs, m: largest }, exp(sub(x, m)), [1]);
  const below = reduce({ ...logitInputs, ...targets, m: largest }, smoothed(sub(m, x)), [1]);
  // Σ_v w_v y_v is 1 unless classes have weights or probabilities do not sum to 1.
  const mass = weight || !byNumber ? reduce(targets, counts(smoothed(constant(1))), [1]) : undefined;
  const losses = pointwise(
    { ...rowInputs, below, s, ...(mass && { mass }) },
    counts(add(variable("below"), mul(mass ? variable("mass") : 1, log(variable("s"))))),
  );

  // The denominator of PyTorch's mean: how much the classes that were meant weigh, or how many rows there are.
  const denominator = (): Tensor | number => {
    if (!byNumber) return countKept(mask, places);
    if (!weight) return sumAll(rowInputs, counts(constant(1)));
    return sumAll(targets, counts(meant(constant(1))));
  };
  return reduction === "none"
    ? reshape(losses, places)
    : reduceLosses(losses, reduction, reduction === "mean" ? denominator() : 1);
}

/** Checks what cross entropy of logits of this shape is asked for with. @throws UsageError "shape-mismatch", "out-of-range" */
export function expectCrossEntropy(
  name: string,
  logits: readonly number[],
  target: Tensor,
  { mask, weight, labelSmoothing: epsilon = 0, ignoreIndex = IGNORED }: CrossEntropyOptions,
): void {
  const places = logits.slice(0, -1);
  const byNumber = target.range.type === "int";
  if (logits.length === 0)
    throw new UsageError("shape-mismatch", `${name}: expected logits of shape [..., V], got a single number`);
  if (!(epsilon >= 0 && epsilon < 1))
    throw new UsageError("out-of-range", `${name}: expected labelSmoothing in [0, 1), got ${describe(epsilon)}`);
  const what = byNumber
    ? "numbers of classes"
    : 'probabilities; numbers of classes are whole: graph.input(name, shape, { type: "int" })';
  expectTensor(`${name}: target (${what})`, target, byNumber ? places : logits);
  if (mask) expectTensor(`${name}: mask`, mask, places);
  if (weight) expectTensor(`${name}: weight`, weight, [logits.at(-1)!]);
  // What a masked target is does not matter.
  if (byNumber && !mask) target.graph.bound(target, logits.at(-1)!, ignoreIndex);
}
