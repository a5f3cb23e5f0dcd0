import type { Range, Reduce } from "../compute/plan.ts";
import {
  add,
  type Condition,
  type Expression,
  exp,
  less,
  log,
  mul,
  select,
  sub,
  variable,
} from "../math/expression.ts";
import { expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { strides as dense, formatShape } from "../shared/shapes.ts";
import { expectTensor, type Graph, type Tensor } from "./graph.ts";
import { graphOf } from "./graph-of.ts";
import { rangeFrom } from "./range.ts";

/** What stands for minus infinity: sums of it stay finite, so that no difference of two of them is NaN. */
export const IMPOSSIBLE = -1e30;
/** Scores below this hold an impossible part. */
export const HOPELESS = IMPOSSIBLE / 10;

/** Options of a `Lattice`. */
export interface LatticeOptions {
  /** [T, B, J], score of being in state j at step t; `IMPOSSIBLE` where it cannot be. */
  readonly scores: Tensor;
  /**
   * Score of going from state to state. [J, J], `weights[i][j]` from i to j ("all"), or [B, J + K − 1, K] of K arcs into each state:
   * `weights[b][j][k]` from state j − (K − 1 − k) to j ("band"); rows from J on are not read into a path. The latter get no gradient.
   */
  readonly weights: Tensor;
  /** Which states a state is reached from: "all" of them, or a "band" of itself and the K − 1 before it. */
  readonly arcs: "all" | "band";
  /** [T, B] of ones and then zeros: how long each sequence is. Default: all have T steps. */
  readonly mask?: Tensor | undefined;
}

/** How the arcs that meet in a state are read, in one direction of time: strides over [B, state, arc]. */
interface Sweep {
  /** Of the states at the other ends of the arcs. */
  readonly far: readonly [number, number, number];
  readonly weights: readonly [number, number, number];
  readonly weightsOffset: number;
}

const [far, weight, best, total] = [variable("far"), variable("weight"), variable("best"), variable("total")];
const [alpha, beta, score, whole] = [variable("alpha"), variable("beta"), variable("score"), variable("whole")];
const there: Condition = less(0, variable("mask"));

/**
 * All paths through T steps of J states. The score of a path is the sum of the scores of its states and arcs. A conditional random
 * field and CTC are both built on it.
 *
 * Forward and backward sums are one recursion, in the semiring of (log Σ exp, +), or with `best` of (max, +), composed of sums and
 * maxima per step, so it runs on every machine; the logarithms keep long sequences from vanishing. The gradient of `logPartition` is
 * the probability of each state and arc.
 */
export class Lattice {
  private readonly graph: Graph;
  private readonly options: LatticeOptions;
  private readonly mask: Tensor;
  private readonly T: number;
  private readonly B: number;
  private readonly J: number;
  /** Arcs into a state. */
  private readonly K: number;
  /** States of a step of one sequence with those beside the band, which are impossible. */
  private readonly row: number;
  private readonly forwards: Sweep;
  private readonly backwards: Sweep;
  private sums: { readonly alpha: Range; readonly logPartition: Tensor } | undefined;
  /** β, and the score of a step with β, which is what arrives from it. */
  private later: { readonly beta: Range; readonly arriving: Range } | undefined;

  /** @throws ShapeError "shape-mismatch"; UsageError "bad-option" */
  constructor(options: LatticeOptions) {
    expectOptions("Lattice", options, { scores: "required", weights: "required", arcs: "required", mask: 1 });
    const { scores, weights, arcs, mask } = options;
    this.graph = graphOf("lattice", [scores, weights], [mask]);
    expectOneOf("lattice: arcs", arcs, ["all", "band"]);
    expectTensor("lattice: scores", scores, ["T", "B", "J"]);
    const [T, B, J] = scores.shape as [number, number, number];
    if (T === 0 || J === 0)
      throw new ShapeError(
        "shape-mismatch",
        `lattice: scores: expected one step and one state or more, got shape ${formatShape(scores.shape)}`,
      );
    const K = weights.shape.at(-1) ?? 0;
    expectTensor("lattice: weights", weights, arcs === "all" ? [J, J] : [B, J + K - 1, K]);
    if (mask) expectTensor("lattice: mask", mask, [T, B]);
    if (arcs === "band" && weights.differentiable)
      throw new UsageError("bad-option", "lattice: weights of a band get no gradient; wrap them in stopGradient");
    this.options = options;
    this.mask = mask ?? this.graph.constant([T, B], new Float64Array(T * B).fill(1));
    [this.T, this.B, this.J, this.K] = [T, B, J, K];
    const row = arcs === "all" ? J : J + K - 1;
    this.row = row;
    if (arcs === "all") {
      this.forwards = { far: [row, 0, 1], weights: [0, 1, J], weightsOffset: 0 };
      this.backwards = { far: [row, 0, 1], weights: [0, J, 1], weightsOffset: 0 };
    } else {
      this.forwards = { far: [row, 1, 1], weights: [row * K, K, 1], weightsOffset: 0 };
      // From state i over arc d to i + d: there it is the arc number K − 1 − d.
      this.backwards = { far: [row, 1, 1], weights: [row * K, K, K - 1], weightsOffset: K - 1 };
    }
  }

  /** log Σ exp of the scores of all paths, [B]; 0 for a sequence of no steps, at most −1e29 where there is no possible path. */
  logPartition(): Tensor {
    this.sums ??= this.record();
    return this.sums.logPartition;
  }

  /** Probability of being in a state at a step, over all paths, [T, B, J]; 0 at steps that are not there. No gradient flows back. */
  marginals(): Tensor {
    const out = this.graph.empty(this.options.scores.shape);
    this.occupancy(undefined, out.range);
    return out;
  }

  /** Score of the best path that ends in a state at a step, [T, B, J]: `bestPath` reads the path from it. No gradient flows back. */
  best(): Tensor {
    const { T, B, J } = this;
    const prefixes = this.prefixes("max");
    const out = this.graph.empty([T, B, J]);
    this.graph.launch(
      {
        op: "pointwise",
        shape: [T, B, J],
        inputs: { alpha: this.stateStrides },
        outputs: { out: { value: alpha, strides: dense([T, B, J]) } },
      },
      { alpha: this.states(prefixes, 0, "front", T), out: out.range },
    );
    return out;
  }

  private record(): { readonly alpha: Range; readonly logPartition: Tensor } {
    const { graph, T, B, J, row } = this;
    const { scores, weights } = this.options;
    const prefixes = this.prefixes("log");
    const out = graph.empty([B], scores.differentiable || weights.differentiable);
    const [largest, sum] = [this.scratch(B), this.scratch(B)];
    const last = { alpha: this.states(prefixes, T - 1, "front") };
    const ends = { op: "reduce", shape: [B, J], over: [false, true] } as const;
    graph.launch({ ...ends, inputs: { alpha: [row, 1] }, value: alpha, combine: "max" }, { ...last, out: largest });
    graph.launch(
      { ...ends, inputs: { alpha: [row, 1], best: [1, 0] }, value: exp(sub(alpha, best)), combine: "sum" },
      { ...last, best: largest, out: sum },
    );
    graph.launch(
      {
        op: "pointwise",
        shape: [B],
        inputs: { best: [1], total: [1], mask: [1] },
        outputs: { out: { value: select(there, add(best, log(total)), 0), strides: [1] } },
      },
      { best: largest, total: sum, mask: this.maskAt(0), out: out.range },
    );
    graph.record([out], ([seed]) => {
      graph.contribute([scores], ([d]) => this.occupancy(seed!, d!));
      if (weights.differentiable) graph.contribute([weights], ([d]) => this.crossings(seed!, d!));
    });
    return { alpha: prefixes, logPartition: out };
  }

  /** Of paths that end in a state at a step, their score at that step: α. */
  private prefixes(semiring: "log" | "max"): Range {
    const { graph, T, B, J, row } = this;
    const prefixes = this.padded();
    const inputs = { score: [J, 1], mask: [1, 0] };
    for (let t = 0; t < T; t++) {
      const own = { score: this.scoresAt(t), mask: this.maskAt(t), out: this.states(prefixes, t, "front") };
      if (t === 0) {
        const value = add(score, 0);
        graph.launch(
          {
            op: "pointwise",
            shape: [B, J],
            inputs: { score: [J, 1] },
            outputs: { out: { value, strides: [row, 1] } },
          },
          { score: own.score, out: own.out },
        );
        continue;
      }
      const met = this.meet(this.forwards, this.states(prefixes, t - 1), semiring);
      const value = select(there, add(met.value, score), variable("previous"));
      graph.launch(
        {
          op: "pointwise",
          shape: [B, J],
          inputs: { ...inputs, ...met.inputs, previous: [row, 1] },
          outputs: { out: { value, strides: [row, 1] } },
        },
        { ...own, ...met.operands, previous: this.states(prefixes, t - 1, "front") },
      );
    }
    return prefixes;
  }

  /** Of paths that go on from a state at a step, the score of what comes after that step: β. */
  private suffixes(): { readonly beta: Range; readonly arriving: Range } {
    if (this.later) return this.later;
    const { graph, T, B, J, row } = this;
    const rest = this.scratch(T * B * J);
    const arriving = this.padded();
    const at = (t: number): Range => ({ ...rest, offset: rest.offset + t * B * J, length: B * J });
    graph.fill(at(T - 1), 0);
    for (let t = T - 1; t > 0; t--) {
      graph.launch(
        {
          op: "pointwise",
          shape: [B, J],
          inputs: { score: [J, 1], beta: [J, 1] },
          outputs: { out: { value: add(score, beta), strides: [row, 1] } },
        },
        { score: this.scoresAt(t), beta: at(t), out: this.states(arriving, t) },
      );
      const met = this.meet(this.backwards, this.states(arriving, t), "log");
      graph.launch(
        {
          op: "pointwise",
          shape: [B, J],
          inputs: { mask: [1, 0], beta: [J, 1], ...met.inputs },
          outputs: { out: { value: select(there, met.value, beta), strides: [J, 1] } },
        },
        { mask: this.maskAt(t), beta: at(t), ...met.operands, out: at(t - 1) },
      );
    }
    this.later = { beta: rest, arriving };
    return this.later;
  }

  /** Records the sum of what comes over all arcs of each state, in numbers [B, J]. @returns what it is, from its operands */
  private meet(
    { far: farStrides, weights: weightStrides, weightsOffset }: Sweep,
    from: Range,
    semiring: "log" | "max",
  ) {
    const { graph, B, J, K } = this;
    const { range } = this.options.weights;
    const weights = rangeFrom(range, weightsOffset);
    const over = [false, false, true];
    const arc = add(far, weight);
    const launch = (value: Expression, combine: Reduce["combine"], more: Record<string, Range>): Range => {
      const out = this.scratch(B * J);
      const inputs = { far: farStrides, weight: weightStrides, ...(more.best && { best: [J, 1, 0] }) };
      graph.launch(
        { op: "reduce", shape: [B, J, K], inputs, value, combine, over },
        { far: from, weight: weights, ...more, out },
      );
      return out;
    };
    const largest = launch(arc, "max", {});
    if (semiring === "max") return { value: best, inputs: { best: [J, 1] }, operands: { best: largest } };
    const sum = launch(exp(sub(arc, best)), "sum", { best: largest });
    return {
      value: add(best, log(total)),
      inputs: { best: [J, 1], total: [J, 1] },
      operands: { best: largest, total: sum },
    };
  }

  /** The probability of each state at each step, times `seed` [B] if there is one. */
  private occupancy(seed: Range | undefined, out: Range): void {
    const { T, B, J } = this;
    this.sums ??= this.record();
    const { alpha: prefixes, logPartition } = this.sums;
    const share = exp(sub(add(alpha, beta), whole));
    const value = this.possible(seed ? mul(variable("seed"), share) : share);
    const own = dense([T, B, J]);
    this.graph.launch(
      {
        op: "pointwise",
        shape: [T, B, J],
        inputs: {
          ...{ alpha: this.stateStrides, beta: own, whole: [0, 1, 0], mask: [B, 1, 0] },
          ...(seed && { seed: [0, 1, 0] }),
        },
        outputs: { out: { value, strides: own } },
      },
      {
        ...{ alpha: this.states(prefixes, 0, "front", T), beta: this.suffixes().beta },
        ...{ whole: logPartition.range, mask: this.mask.range, out },
        ...(seed && { seed }),
      },
    );
  }

  /** The expected number of times that an arc is gone over, [J, J], weighed by `seed` [B]. */
  private crossings(seed: Range, out: Range): void {
    const { graph, T, B, J, row } = this;
    if (T === 1) {
      graph.fill(out, 0);
      return;
    }
    const { alpha: prefixes, logPartition } = this.sums!;
    const value = mul(variable("seed"), exp(sub(add(add(alpha, weight), far), whole)));
    graph.launch(
      {
        op: "reduce",
        shape: [T - 1, B, J, J],
        inputs: {
          ...{ alpha: [B * row, row, 1, 0], weight: [0, 0, J, 1], far: [B * row, row, 0, 1] },
          ...{ whole: [0, 1, 0, 0], seed: [0, 1, 0, 0], mask: [B, 1, 0, 0] },
        },
        value: this.possible(value),
        combine: "sum",
        over: [true, true, false, false],
      },
      {
        ...{ alpha: this.states(prefixes, 0, "all", T - 1), weight: this.options.weights.range },
        ...{ far: this.states(this.suffixes().arriving, 1, "all", T - 1), whole: logPartition.range },
        ...{ seed, mask: this.maskAt(1, T - 1), out },
      },
    );
  }

  /** 0 at steps that are not there, and for sequences without a possible path. */
  private possible(value: Expression): Expression {
    return select(there, select(less(HOPELESS, whole), value, 0), 0);
  }

  private scratch(length: number): Range {
    return this.graph.reserve("activations", length);
  }

  /** Memory for [T, B, row]; what lies beside the states is impossible. */
  private padded(): Range {
    const range = this.scratch(this.T * this.B * this.row);
    if (this.row > this.J) this.graph.fill(range, IMPOSSIBLE);
    return range;
  }

  /** Strides of [T, B, J] in padded memory. */
  private get stateStrides(): number[] {
    return [this.B * this.row, this.row, 1];
  }

  /** Some steps of padded memory; from their first state on where they are padded at the "front". */
  private states(range: Range, t: number, part: "all" | "front" = "all", count = 1): Range {
    const { B, J, row } = this;
    const skip = part === "front" ? row - J : 0;
    return { ...range, offset: range.offset + t * B * row + skip, length: count * B * row - skip };
  }

  private scoresAt(t: number): Range {
    const { range } = this.options.scores;
    const length = this.B * this.J;
    return { ...range, offset: range.offset + t * length, length };
  }

  private maskAt(t: number, count = 1): Range {
    const { range } = this.mask;
    return { ...range, offset: range.offset + t * this.B, length: count * this.B };
  }
}

/**
 * Returns the best path of one sequence from the result of `Lattice.best`; among equal ones the first.
 * @see Viterbi (1967), "Error bounds for convolutional codes and an asymptotically optimum decoding algorithm"
 */
export function bestPath(options: {
  /** T: steps of this sequence. */
  readonly steps: number;
  /** J: number of states. */
  readonly states: number;
  /** Of the best path that ends in a state at a step. */
  readonly scores: (step: number, state: number) => number;
  /** [J, J] from row to column, row-major. */
  readonly weights: ArrayLike<number>;
}): number[] {
  expectOptions("bestPath", options, {
    steps: "required",
    states: "required",
    scores: "required",
    weights: "required",
  });
  const { steps, states, scores, weights } = options;
  const largest = (value: (state: number) => number): number => {
    let found = 0;
    for (let j = 1; j < states; j++) if (value(j) > value(found)) found = j;
    return found;
  };
  const path: number[] = [];
  for (let t = steps - 1; t >= 0; t--) {
    const next = path.at(-1);
    path.push(largest((i) => scores(t, i) + (next === undefined ? 0 : weights[i * states + next]!)));
  }
  return path.reverse();
}
