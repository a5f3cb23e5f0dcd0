import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { PairCounts } from "./pair-counts.ts";
import { expectTokens, partOf, pieces, type TokenSequence, type Tokens } from "./token-sequence.ts";

/** Losses of n-gram models, to compare a model with. */
export interface NgramBaselines {
  /** Mean negative log probability, nats per token, over tokens 1 … n − 1 of the validation part: what a model predicts. */
  readonly unigram: number;
  readonly bigram: number;
  /** How many tokens were counted: the first `maxTokens` of the training part. */
  readonly trainTokens: number;
  /** λ by size of context: weights[b] holds for contexts seen 2^b … 2^(b+1) − 1 times. */
  readonly weights: readonly number[];
}

/** Options of `ngramBaselines`. */
export interface NgramOptions {
  /** Added to each unigram count. Default 1 (Laplace smoothing). */
  readonly add?: number | undefined;
  /** Maximum number of training tokens to count, from the beginning. Default 50,000,000. */
  readonly maxTokens?: number | undefined;
}

const HELD_OUT = 0.1;
const BUCKETS = 48;
const ROUNDS = 50;
const SETTLED = 1e-4;

/**
 * What a model has to beat: prediction without context, and from the token before.
 *
 * Unigram: p(w) = (c(w) + k) / (N + k·V). Bigram: p(w|v) = λ c(v,w)/c(v) + (1 − λ) p(w), linear interpolation of
 * Jelinek & Mercer (1980), "Interpolated estimation of Markov source parameters from sparse data". λ depends on how
 * often v was seen, one for each power of two, chosen by expectation maximization on the last tenth of the training
 * part with counts of the other nine; then everything is counted again (Chen & Goodman 1998, TR-10-98 of Harvard,
 * section 2.3, describe both the buckets and the held-out part). A context never seen has λ = 0.
 *
 * Memory grows with the number of different pairs, not with V².
 *
 * @throws UsageError "too-few-tokens" when a part has fewer than two tokens, "token-out-of-range", "out-of-range"
 */
export function ngramBaselines(
  train: Tokens,
  validation: Tokens,
  vocabularySize: number,
  options: NgramOptions = {},
): NgramBaselines {
  expectOptions("ngramBaselines", options, { add: 1, maxTokens: 1 });
  // Pairs are numbered by first · V + second, which must stay exact.
  expectInteger("vocabularySize", vocabularySize, { min: 1, max: 2 ** 26 });
  const add = options.add ?? 1;
  if (!(add > 0 && add < Number.POSITIVE_INFINITY)) {
    throw new UsageError("out-of-range", `add: expected a number above 0, got ${add}`);
  }
  const most = expectInteger("maxTokens", options.maxTokens ?? 50_000_000, { min: 2 });
  const whole = expectTokens("train", train);
  const tested = expectTokens("validation", validation);
  expectTwo("train", whole);
  expectTwo("validation", tested);
  const learned = partOf(whole, 0, Math.min(whole.length, most));

  const heldOutStart = Math.min(learned.length - 1, Math.max(1, Math.ceil(learned.length * (1 - HELD_OUT))));
  const estimated = countTokens(partOf(learned, 0, heldOutStart), vocabularySize, add);
  const weights = chooseWeights(
    estimated,
    countPairs(partOf(learned, heldOutStart - 1, learned.length), vocabularySize),
  );

  const model = countTokens(learned, vocabularySize, add);
  let unigram = 0;
  let bigram = 0;
  // Equal pairs have equal probabilities, so the sum runs over the different pairs.
  countPairs(tested, vocabularySize).forEach((v, w, times) => {
    const base = unigramOf(model, w);
    const lambda = weights[bucketOf(model.contexts[v]!)] ?? 0;
    unigram -= times * Math.log(base);
    bigram -= times * Math.log(lambda * conditional(model, v, w) + (1 - lambda) * base);
  });
  const predicted = tested.length - 1;
  return { unigram: unigram / predicted, bigram: bigram / predicted, trainTokens: learned.length, weights };
}

interface Counts {
  readonly total: number;
  readonly add: number;
  readonly tokens: Float64Array;
  /** How often a token was followed by another. */
  readonly contexts: Float64Array;
  readonly pairs: PairCounts;
}

function countTokens(sequence: TokenSequence, vocabularySize: number, add: number): Counts {
  const pairs = countPairs(sequence, vocabularySize);
  const first = new Int32Array(1);
  sequence.copyTo(first, 0, 0, 1);
  const tokens = new Float64Array(vocabularySize);
  const contexts = new Float64Array(vocabularySize);
  tokens[first[0]!]!++;
  pairs.forEach((v, w, times) => {
    tokens[w]! += times;
    contexts[v]! += times;
  });
  return { total: sequence.length, add, tokens, contexts, pairs };
}

function countPairs(sequence: TokenSequence, vocabularySize: number): PairCounts {
  const pairs = new PairCounts(vocabularySize);
  let previous = -1;
  for (const piece of pieces(sequence)) {
    for (let i = 0; i < piece.length; i++) {
      const token = piece[i]!;
      if (token < 0 || token >= vocabularySize) {
        throw new UsageError(
          "token-out-of-range",
          `tokens: expected whole numbers from 0 to ${vocabularySize - 1} (vocabularySize − 1), got ${token}`,
        );
      }
      if (previous >= 0) pairs.add(previous, token);
      previous = token;
    }
  }
  return pairs;
}

function unigramOf(counts: Counts, w: number): number {
  return (counts.tokens[w]! + counts.add) / (counts.total + counts.add * counts.tokens.length);
}

function conditional(counts: Counts, v: number, w: number): number {
  const context = counts.contexts[v]!;
  return context === 0 ? 0 : counts.pairs.get(v, w) / context;
}

/** ⌊log2⌋ of the count, −1 for 0. */
function bucketOf(count: number): number {
  return count === 0 ? -1 : Math.floor(Math.log2(count));
}

/**
 * One λ for each bucket, by expectation maximization: λ becomes the mean share of the bigram in what the mixture gave.
 * One imagined observation, half of each, keeps λ off 0 and 1 where little was held out.
 */
function chooseWeights(counts: Counts, heldOut: PairCounts): number[] {
  let weights: number[] = new Array(BUCKETS).fill(0.5);
  const seen = new Float64Array(BUCKETS);
  heldOut.forEach((v, _, times) => {
    const bucket = bucketOf(counts.contexts[v]!);
    if (bucket >= 0) seen[bucket]! += times;
  });
  for (let round = 0; round < ROUNDS; round++) {
    const share = new Float64Array(BUCKETS);
    heldOut.forEach((v, w, times) => {
      const bucket = bucketOf(counts.contexts[v]!);
      if (bucket < 0) return;
      const bigram = weights[bucket]! * conditional(counts, v, w);
      share[bucket]! += (times * bigram) / (bigram + (1 - weights[bucket]!) * unigramOf(counts, w));
    });
    const next = weights.map((_, b) => (share[b]! + 0.5) / (seen[b]! + 1));
    const moved = Math.max(...next.map((lambda, b) => Math.abs(lambda - weights[b]!)));
    weights = next;
    if (moved < SETTLED) break;
  }
  // A bucket of which nothing was held out does as the next smaller one; often the largest, after everything is counted.
  for (let b = 1; b < BUCKETS; b++) if (seen[b] === 0) weights[b] = weights[b - 1]!;
  return weights;
}

function expectTwo(argument: string, sequence: TokenSequence): void {
  if (sequence.length >= 2) return;
  throw new UsageError(
    "too-few-tokens",
    `${argument}: expected at least 2 tokens (one to predict from, one to predict), got ${sequence.length}`,
  );
}
