import { checkValue } from "../schema/check.ts";
import { generationFields } from "../schema/generation.ts";
import { FailureError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { RandomStream, uniform53 } from "../shared/random.ts";

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
  const { left, descending, weights, total } = kept(logits, options);
  // Where each run of equal logits stands, counted up as its tokens come.
  const places = new Int32Array(weights.length);
  const found: Candidate[] = new Array(weights.length);
  const least = descending[weights.length - 1]!;
  for (let token = 0; token < left.length; token++) {
    if (left[token]! < least) continue;
    const first = rankOf(left[token]!, descending);
    const rank = first + places[first]!++;
    if (rank < weights.length) found[rank] = { token, probability: weights[rank]! / total };
  }
  const { typicalP = 1 } = options;
  return typicalP === 1 ? found : typical(found, typicalP);
}

/** `choose(candidates(logits, options), u)` without listing them: of a large vocabulary that takes longer than a step of the model. */
export function draw(logits: ArrayLike<number>, options: SampleOptions, u: number): number {
  const { typicalP = 1 } = options;
  if (typicalP !== 1) return choose(candidates(logits, options), u);
  const { left, descending, weights, total } = kept(logits, options);
  let rank = 0;
  for (let reached = weights[0]! / total; rank < weights.length - 1 && !(u < reached); )
    reached += weights[++rank]! / total;
  let before = rank - rankOf(descending[rank]!, descending);
  return left.findIndex((logit) => logit === descending[rank] && before-- === 0);
}

/** What the cuts but that to typical tokens leave. */
interface Kept {
  /** Logits by token; −∞ where a token is never taken. */
  readonly left: Float64Array;
  /** The largest of them first. */
  readonly descending: Float64Array;
  /** Of the first of these, what their probabilities are shares of `total` by. */
  readonly weights: Float64Array;
  readonly total: number;
}

/** Tokens up to which picking them one by one is faster than sorting. */
const FEW = 100;

function kept(logits: ArrayLike<number>, options: SampleOptions): Kept {
  expectOptions("candidates", options, { temperature: 1, topK: 1, topP: 1, minP: 1, typicalP: 1, exclude: 1 });
  for (const name of CUTS) if (options[name] !== undefined) checkValue(name, generationFields[name], options[name]);
  const { temperature = 1, topK = logits.length, topP = 1, minP = 0, exclude = [] } = options;
  const left = new Float64Array(expectLogits(logits));
  for (const token of exclude) if (token in left) left[token] = Number.NEGATIVE_INFINITY;
  const most = temperature === 0 ? 1 : topK;
  const few = most <= FEW ? Float64Array.from(likeliest(left, most), (token) => left[token]!) : undefined;
  const descending = few ?? left.slice().sort().reverse();
  const highest = descending[0] ?? Number.NEGATIVE_INFINITY;
  if (highest === Number.NEGATIVE_INFINITY) throw new UsageError("out-of-range", "exclude: no token is left to take");
  const end = descending.indexOf(Number.NEGATIVE_INFINITY);
  const possible = descending.subarray(0, Math.min(most, end < 0 ? descending.length : end));
  const weights = possible.map((logit) => (temperature === 0 ? 1 : Math.exp((logit - highest) / temperature)));
  const all = sum(weights);
  let count = 0;
  for (let reached = 0; count < weights.length && reached < topP * all; count++) reached += weights[count]!;
  // Rounding may leave the sum of all a little below `all`; at least one token is always taken.
  count = topP === 1 ? weights.length : Math.max(1, count);
  while (count > 1 && weights[count - 1]! < minP * weights[0]!) count--;
  const taken = weights.subarray(0, count);
  return { left, descending, weights: taken, total: sum(taken) };
}

/** How many are larger. */
function rankOf(value: number, descending: Float64Array): number {
  let [low, high] = [0, descending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (descending[middle]! > value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Those whose surprise −log p is nearest to its mean, until they have the share; likeliest first as before. */
function typical(from: readonly Candidate[], share: number): Candidate[] {
  const surprise = ({ probability }: Candidate): number => -Math.log(probability);
  const entropy = sum(from.map((one) => (one.probability > 0 ? one.probability * surprise(one) : 0)));
  const distance = (one: Candidate): number => Math.abs(surprise(one) - entropy);
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

/** Logits that a model gave. @throws FailureError "not-finite" when one is NaN or ∞ */
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
  let most = Number.NEGATIVE_INFINITY;
  for (let v = 0; v < logits.length; v++) most = Math.max(most, logits[v]!);
  let total = 0;
  for (let v = 0; v < logits.length; v++) total += Math.exp(logits[v]! - most);
  const shift = most + Math.log(total);
  return Float64Array.from(logits, (logit) => logit - shift);
}

/** The `count` likeliest tokens, equally likely ones in the order of their numbers. */
export function likeliest(logProbability: Float64Array, count: number): number[] {
  const best: number[] = [];
  const before = (a: number, b: number): boolean =>
    logProbability[a]! > logProbability[b]! || (logProbability[a] === logProbability[b] && a < b);
  for (let v = 0; v < logProbability.length; v++) {
    if (best.length === count && !before(v, best[count - 1]!)) continue;
    let at = Math.min(best.length, count - 1);
    while (at > 0 && before(v, best[at - 1]!)) {
      best[at] = best[at - 1]!;
      at--;
    }
    best[at] = v;
  }
  return count < 1 ? [] : best;
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

function sum(values: readonly number[] | Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
