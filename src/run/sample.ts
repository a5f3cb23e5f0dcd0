import { checkValue } from "../schema/check.ts";
import { generationFields } from "../schema/generation.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { RandomStream, uniform53 } from "../shared/random.ts";
import { quickselect, rankedBy } from "./quickselect.ts";

/** Options of sampling. */
export interface SampleOptions {
  /** Divides the logits: below 1 favours likely tokens, above 1 unlikely ones; 0 always takes the most likely. Default 1. */
  readonly temperature?: number | undefined;
  /** Keeps only the k most likely tokens (Fan, Lewis & Dauphin 2018, arXiv:1805.04833). Default: all. */
  readonly topK?: number | undefined;
  /** Keeps only the fewest most likely tokens with this total probability (Holtzman et al. 2020, arXiv:1904.09751). Default 1: all. */
  readonly topP?: number | undefined;
  /** Keeps only tokens with at least this share of the highest probability (Nguyen et al. 2025, arXiv:2407.01082). Default 0: all. */
  readonly minP?: number | undefined;
  /**
   * Keeps only the tokens whose surprisal is nearest to the expected one, the fewest with this total probability (Meister et al. 2023,
   * arXiv:2202.00666). Default 1: all.
   */
  readonly typicalP?: number | undefined;
  /** Tokens that are never sampled, such as "<unk>". */
  readonly exclude?: readonly number[] | undefined;
}

/** A token and its probability. */
export interface Candidate {
  readonly token: number;
  readonly probability: number;
}

const CUTS = ["temperature", "topK", "topP", "minP", "typicalP"] as const;

/**
 * Returns the tokens that may be sampled, most likely first (ties by token number), with probabilities that sum to 1: softmax(logits /
 * temperature) in float64, then cut by `topK`, `topP`, `minP` and `typicalP` in this order, and renormalized.
 * @param logits [V]; −∞ is a token of probability 0
 * @throws FailureError "not-finite" when a logit is NaN or ∞, UsageError "out-of-range", "not-an-integer"
 */
export function candidates(logits: ArrayLike<number>, options: SampleOptions = {}): Candidate[] {
  expectOptions("candidates", options, { temperature: 1, topK: 1, topP: 1, minP: 1, typicalP: 1, exclude: 1 });
  for (const name of CUTS) if (options[name] !== undefined) checkValue(name, generationFields[name], options[name]);
  const { values, tokens, weights, total } = filtered(logits, options);
  const found = [...tokens].sort(rankedBy(values)).map((token) => ({ token, probability: weights[token]! / total }));
  const { typicalP = 1 } = options;
  return typicalP === 1 ? found : typical(found, typicalP);
}

/** `choose(candidates(logits, options), u)` without sorting all of them; the options have been checked. */
export function draw(logits: ArrayLike<number>, options: SampleOptions, u: number): number {
  const { typicalP = 1 } = options;
  if (typicalP !== 1) return choose(candidates(logits, options), u);
  const { values, tokens, weights, total } = filtered(logits, options);
  return tokens[quickselect(tokens, tokens.length, { values, weights, enough: (sum) => sum > u * total }) - 1]!;
}

/** Tokens that remain after all cuts but `typicalP`. */
interface FilteredLogits {
  /** Logits by token; −∞ where a token is never taken. */
  readonly values: Float64Array;
  /** The remaining tokens, in no order. */
  readonly tokens: Int32Array;
  /** By token: probability times `total`. */
  readonly weights: Float64Array;
  readonly total: number;
}

function filtered(logits: ArrayLike<number>, options: SampleOptions): FilteredLogits {
  const { temperature = 1, topK = logits.length, topP = 1, minP = 0, exclude = [] } = options;
  // Plain loops: over 10,000 tokens the methods of arrays take longer than the model.
  const values = float64Of(expectLogits(logits));
  for (const token of exclude) if (token in values) values[token] = Number.NEGATIVE_INFINITY;
  const tokens = new Int32Array(values.length);
  let [count, highest] = [0, Number.NEGATIVE_INFINITY];
  for (let token = 0; token < values.length; token++) {
    const value = values[token]!;
    if (value === Number.NEGATIVE_INFINITY) continue;
    tokens[count++] = token;
    if (value > highest) highest = value;
  }
  if (count === 0) throw new UsageError("out-of-range", "exclude: no token is left to take");
  const most = temperature === 0 ? 1 : topK;
  if (most < count) count = quickselect(tokens, count, { values, enough: (sum) => sum >= most });
  const weights = new Float64Array(values.length);
  for (let k = 0; k < count; k++) {
    const token = tokens[k]!;
    weights[token] = temperature === 0 ? 1 : Math.exp((values[token]! - highest) / temperature);
  }
  const sum = (): number => {
    let total = 0;
    for (let k = 0; k < count; k++) total += weights[tokens[k]!]!;
    return total;
  };
  if (topP < 1) {
    const share = topP * sum();
    count = quickselect(tokens, count, { values, weights, enough: (reached) => reached >= share });
  }
  // The weight of the most likely token is 1.
  if (minP > 0) {
    let likely = 0;
    for (let k = 0; k < count; k++) if (weights[tokens[k]!]! >= minP) tokens[likely++] = tokens[k]!;
    count = likely;
  }
  return { values, tokens: tokens.subarray(0, count), weights, total: sum() };
}

/** Those whose surprisal −log p is nearest to its mean, the fewest with this total probability; most likely first. */
function typical(from: readonly Candidate[], share: number): Candidate[] {
  const surprisal = ({ probability }: Candidate): number => -Math.log(probability);
  const entropy = from.reduce((sum, one) => sum + (one.probability > 0 ? one.probability * surprisal(one) : 0), 0);
  const distance = (one: Candidate): number => Math.abs(surprisal(one) - entropy);
  const order = [...from].sort((a, b) => distance(a) - distance(b) || a.token - b.token);
  let reached = 0;
  let count = 0;
  while (count < order.length && reached < share) reached += order[count++]!.probability;
  const taken = new Set(order.slice(0, Math.max(1, count)));
  return from
    .filter((one) => taken.has(one))
    .map(({ token, probability }) => ({ token, probability: probability / reached }));
}

/**
 * Lowers the logits of tokens that have occurred: divides them by `penalty` if positive, else multiplies them.
 * @see Keskar et al. 2019 (arXiv:1909.05858), section 4.1
 */
export function penalizeRepetition(
  logits: ArrayLike<number>,
  before: Iterable<number>,
  penalty: number,
): ArrayLike<number> {
  if (penalty === 1) return logits;
  const changed = Float64Array.from(logits);
  for (const token of new Set(before)) {
    const logit = logits[token]!;
    changed[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
  return changed;
}

/** Checks the logits of a model. @throws FailureError "not-finite" when one is NaN or ∞ */
export function expectLogits<L extends ArrayLike<number>>(logits: L): L {
  for (let v = 0; v < logits.length; v++)
    if (!(logits[v]! < Number.POSITIVE_INFINITY))
      throw new FailureError(
        "not-finite",
        `logit of token ${v} is ${logits[v]}: the model's weights or its state are damaged; load an earlier checkpoint`,
      );
  return logits;
}

/** Computes log softmax(logits) in float64. */
export function logProbabilities(logits: ArrayLike<number>): Float64Array {
  const values = float64Of(logits);
  let most = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < values.length; v++) most = Math.max(most, values[v]!);
  let total = 0;
  for (let v = 0; v < values.length; v++) total += Math.exp(values[v]! - most);
  const shift = most + Math.log(total);
  for (let v = 0; v < values.length; v++) values[v]! -= shift;
  return values;
}

function float64Of(numbers: ArrayLike<number>): Float64Array {
  const values = new Float64Array(numbers.length);
  for (let v = 0; v < values.length; v++) values[v] = numbers[v]!;
  return values;
}

/** The `count` most likely tokens with their probabilities. */
export const mostLikely = (logProbability: Float64Array, count: number): Candidate[] =>
  likeliest(logProbability, count).map((token) => ({ token, probability: Math.exp(logProbability[token]!) }));

/** The `count` likeliest tokens, equally likely ones in the order of their numbers. */
export function likeliest(values: Float64Array, count: number): number[] {
  if (count < 1) return [];
  const tokens = new Int32Array(values.length);
  for (let token = 0; token < tokens.length; token++) tokens[token] = token;
  const found = quickselect(tokens, tokens.length, { values, enough: (sum) => sum >= count });
  return [...tokens.subarray(0, found)].sort(rankedBy(values));
}

/** Returns the token that `u` in [0, 1) selects: the first of `candidates` at which the cumulative probability exceeds `u`. */
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
  return uniform53(a!, b!);
}
