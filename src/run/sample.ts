import { describe, expectInteger, FailureError, UsageError } from "../shared/errors.ts";
import { RandomStream } from "../shared/random.ts";

export interface SampleOptions {
  /** Logits are divided by it: below 1 likelier tokens gain, above 1 they lose; 0 always takes the likeliest. Default 1. */
  readonly temperature?: number | undefined;
  /** Only the likeliest `topK` tokens (Fan, Lewis & Dauphin 2018, arXiv:1805.04833). Default all. */
  readonly topK?: number | undefined;
  /** Only the fewest likeliest tokens that together have this probability (Holtzman et al. 2020, arXiv:1904.09751). Default 1: all. */
  readonly topP?: number | undefined;
  /** Tokens that are never taken, such as "<unk>". */
  readonly exclude?: readonly number[] | undefined;
}

/** A token and its probability. */
export interface Candidate {
  readonly token: number;
  readonly probability: number;
}

/** @throws UsageError "out-of-range", "not-an-integer" */
export function checkSampling({ temperature, topK, topP }: SampleOptions): void {
  if (temperature !== undefined && !(temperature >= 0 && temperature < Number.POSITIVE_INFINITY))
    throw new UsageError("out-of-range", `temperature: expected a number of at least 0, got ${describe(temperature)}`);
  if (topK !== undefined) expectInteger("topK", topK, { min: 1 });
  if (topP !== undefined && !(topP > 0 && topP <= 1))
    throw new UsageError("out-of-range", `topP: expected a number above 0 and at most 1, got ${describe(topP)}`);
}

/**
 * The tokens that may be taken, likeliest first (equally likely ones in the order of their numbers), with probabilities
 * that sum to 1: softmax(logits / temperature) in float64, cut to `topK`, then to `topP` of what is left, scaled up again.
 *
 * @param logits [V]; −∞ is a token of probability 0
 * @throws FailureError "not-finite" when a logit is NaN or ∞, UsageError "out-of-range", "not-an-integer"
 */
export function candidates(logits: ArrayLike<number>, options: SampleOptions = {}): Candidate[] {
  checkSampling(options);
  const { temperature = 1, topK = logits.length, topP = 1, exclude = [] } = options;
  const tokens: number[] = [];
  for (let v = 0; v < logits.length; v++) {
    const logit = logits[v]!;
    if (Number.isNaN(logit) || logit === Number.POSITIVE_INFINITY)
      throw new FailureError(
        "not-finite",
        `logit of token ${v} is ${logit}: the model's weights or its state are damaged; load an earlier checkpoint`,
      );
    if (logit !== Number.NEGATIVE_INFINITY && !exclude.includes(v)) tokens.push(v);
  }
  if (tokens.length === 0) throw new UsageError("out-of-range", "exclude: no token is left to take");
  tokens.sort((a, b) => logits[b]! - logits[a]! || a - b);
  const highest = logits[tokens[0]!]!;
  const kept = tokens.slice(0, temperature === 0 ? 1 : topK);
  const weights = kept.map((v) => (temperature === 0 ? 1 : Math.exp((logits[v]! - highest) / temperature)));
  const all = sum(weights);
  let count = 0;
  for (let reached = 0; count < kept.length && reached < topP * all; count++) reached += weights[count]!;
  // Rounding may leave the sum of all a little below `all`; at least one token is always taken.
  count = topP === 1 ? kept.length : Math.max(1, count);
  const total = sum(weights.slice(0, count));
  return kept.slice(0, count).map((token, k) => ({ token, probability: weights[k]! / total }));
}

/**
 * The token that `u` of [0, 1) chooses: the first of `candidates` at which the sum of probabilities exceeds `u`.
 */
export function choose(from: readonly Candidate[], u: number): number {
  let reached = 0;
  for (const { token, probability } of from) {
    reached += probability;
    if (u < reached) return token;
  }
  return from.at(-1)!.token;
}

/** The draw for the token at `position`: a function of seed and position alone. 53 bits, so that rare tokens get their share. */
export function sampleUniform(seed: number, position: number): number {
  const [a, b] = new RandomStream(seed, "sample", position).bits(2);
  return ((a! >>> 5) * 2 ** 26 + (b! >>> 6)) * 2 ** -53;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
