import { add, type Expression, equal, less, select, sub, variable } from "../math/expression.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTensor, type Tensor } from "../tensor/graph.ts";
import { HOPELESS, IMPOSSIBLE, Lattice } from "../tensor/lattice.ts";
import { arange, gather, pointwise, reduce, reshape, stopGradient } from "../tensor/operations.ts";
import type { HasParameters, Parameter } from "../tensor/parameter.ts";
import { uniform } from "./initialize.ts";
import type { MaskInput } from "./layer.ts";

/** Which tags may start a sequence, follow one another and end it. */
export interface TagConstraints {
  /** Whether a sequence may start with a tag. */
  readonly start: (tag: number) => boolean;
  /** Whether a tag may follow another one. */
  readonly follow: (before: number, tag: number) => boolean;
  /** Whether a sequence may end with a tag. */
  readonly end: (tag: number) => boolean;
}

/** Options of `conditionalRandomField`. */
export interface ConditionalRandomFieldOptions {
  /** C: the number of tags. */
  readonly tags: number;
  /** Which transitions are allowed. Default: all. */
  readonly constraints?: TagConstraints | undefined;
}

/** Sequences of tags and what they score. */
export interface TagLattice {
  readonly lattice: Lattice;
  /** [T, B, C], of tags at each step, with what is added at both ends, less the largest of the step. */
  readonly scores: Tensor;
  /** [C, C] from tag to tag, forbidden ones included. */
  readonly weights: Tensor;
  readonly mask: Tensor;
}

/**
 * A linear chain over tags: a sequence of tags y scores `start[y_1] + Σ_t x_t[y_t] + Σ_t transitions[y_t−1][y_t] + end[y_T]`, and
 * its probability is the softmax over all sequences. What the constraints forbid has probability 0.
 *
 * Emissions x are [T, B, C], masks [T, B] of ones and then zeros. Parameters: `transitions` [C, C] (from row to column), `start` [C]
 * and `end` [C].
 * @see Lafferty et al. (2001), "Conditional random fields"; on top of recurrent layers Huang et al. (2015), arXiv:1508.01991
 */
export class ConditionalRandomField implements HasParameters {
  readonly parts: { readonly transitions: Parameter; readonly start: Parameter; readonly end: Parameter };
  private readonly tags: number;
  private readonly allowed: {
    readonly transitions: Float64Array;
    readonly start: Float64Array;
    readonly end: Float64Array;
  };

  /** @throws UsageError "not-an-integer", "out-of-range", "bad-option" */
  constructor(options: ConditionalRandomFieldOptions) {
    const C = expectInteger("conditionalRandomField: tags", options.tags, { min: 1 });
    const { constraints } = options;
    const allowed = (length: number, is: (k: number) => boolean): Float64Array =>
      Float64Array.from({ length }, (_, k) => (constraints === undefined || is(k) ? 0 : IMPOSSIBLE));
    this.tags = C;
    this.allowed = {
      transitions: allowed(C * C, (k) => constraints!.follow(Math.floor(k / C), k % C)),
      start: allowed(C, (k) => constraints!.start(k)),
      end: allowed(C, (k) => constraints!.end(k)),
    };
    if (constraints && !this.allowed.start.includes(0))
      throw new UsageError(
        "bad-option",
        `constraints: expected a tag that a sequence may start with, but start(tag) is false for all ${C}`,
      );
    const initialize = uniform(0.1);
    this.parts = {
      transitions: { shape: [C, C], initialize },
      start: { shape: [C], initialize },
      end: { shape: [C], initialize },
    };
  }

  /**
   * −log p(tags) of each sequence, [B]; 0 for an empty sequence. For tags that the constraints forbid it is infinite and has no gradient.
   * @param tags int [T, B] in [0, C); at masked steps anything in that range
   */
  negativeLogLikelihood(emissions: Tensor, tags: Tensor, input: MaskInput = {}): Tensor {
    expectOptions("ConditionalRandomField.negativeLogLikelihood", input, { mask: 1 });
    const { lattice, scores, weights, mask: there } = this.lattice(emissions, input);
    const [T, B, C] = emissions.shape as [number, number, number];
    expectTensor("conditionalRandomField: tags", tags, [T, B]);
    tags.graph.bound(tags, C);
    const chosen = equal(variable("tag"), variable("column"));
    const counts = less(0, variable("mask"));
    const column = arange(emissions.graph, [1, 1, C]);
    const steps = { tag: reshape(tags, [T, B, 1]), column, mask: reshape(there, [T, B, 1]) };
    const own = reduce({ ...steps, x: scores }, select(counts, select(chosen, variable("x"), 0), 0), [0, 2]);
    const parts = { whole: lattice.logPartition(), own: reshape(own, [B]) };
    const unlikeliness = (path: Expression): Expression =>
      select(less(HOPELESS, path), sub(variable("whole"), path), Number.POSITIVE_INFINITY);
    if (T === 1) return pointwise(parts, unlikeliness(variable("own")));
    // Arcs are read as the rows of the tags before: [T − 1, B, C].
    const part = (t: Tensor, from: number, shape: readonly number[]): Tensor =>
      t.graph.tensor(shape, { ...t.range, offset: t.range.offset + from * B, length: (T - 1) * B }, t.differentiable);
    const rows = gather(part(tags, 0, [T - 1, B]), weights);
    const moves = {
      tag: part(tags, 1, [T - 1, B, 1]),
      mask: stopGradient(part(there, 1, [T - 1, B, 1])),
      ...{ column, row: rows },
    };
    const arcs = reduce(moves, select(counts, select(chosen, variable("row"), 0), 0), [0, 2]);
    return pointwise({ ...parts, arcs: reshape(arcs, [B]) }, unlikeliness(add(variable("own"), variable("arcs"))));
  }

  /** The lattice of all tag sequences: their total score, the probability of each tag, the best sequence. */
  lattice(emissions: Tensor, input: MaskInput = {}): TagLattice {
    expectOptions("ConditionalRandomField.lattice", input, { mask: 1 });
    const { mask: given } = input;
    const C = this.tags;
    expectTensor("conditionalRandomField: emissions", emissions, ["T", "B", C]);
    const [T, B] = emissions.shape as [number, number, number];
    if (given) expectTensor("conditionalRandomField: mask", given, [T, B]);
    const { graph } = emissions;
    const mask = stopGradient(given ?? graph.constant([T, B], new Float64Array(T * B).fill(1)));
    const limited = (name: "transitions" | "start" | "end", shape: readonly number[]): Tensor =>
      pointwise(
        { own: reshape(graph.parameter(this.parts[name]), shape), limit: graph.constant(shape, this.allowed[name]) },
        add(variable("own"), variable("limit")),
      );
    const weights = limited("transitions", [C, C]);
    // At the last step that is there the mask is 1 and that of the step behind it 0.
    const numbers = arange(graph, [T, 1, 1]);
    const seen = reshape(mask, [T, B, 1]);
    const length = reduce({ mask: seen }, variable("mask"), [0]);
    const t = variable("t");
    const first = select(equal(t, 0), variable("start"), 0);
    const last = select(equal(add(t, 1), variable("length")), variable("end"), 0);
    // The largest emission of a step is taken off: it changes no probability, and keeps sums over many steps small.
    const there = less(0, variable("mask"));
    const largest = reduce(
      { x: stopGradient(emissions), mask: seen },
      select(there, variable("x"), IMPOSSIBLE),
      [2],
      "max",
    );
    const scores = pointwise(
      {
        ...{ x: emissions, largest, mask: seen, t: numbers, length },
        ...{ start: limited("start", [1, 1, C]), end: limited("end", [1, 1, C]) },
      },
      select(there, add(sub(variable("x"), variable("largest")), add(first, last)), 0),
    );
    return { lattice: new Lattice({ scores, weights, arcs: "all", mask }), scores, weights, mask };
  }
}

/**
 * Creates a linear-chain conditional random field: see `ConditionalRandomField`.
 * @example `conditionalRandomField({ tags: 17 })`
 */
export const conditionalRandomField = (options: ConditionalRandomFieldOptions): ConditionalRandomField => {
  expectOptions("conditionalRandomField", options, { tags: "required", constraints: 1 });
  return new ConditionalRandomField(options);
};
