import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectTokens, type TokenSequence, type Tokens } from "../text/token-sequence.ts";
import type { Batch, BatchSource } from "./batch-source.ts";
import { hasEpochs } from "./document-order.ts";
import { perEpoch } from "./per-epoch.ts";

export interface CarriedBatchesOptions {
  /** Tokens; those with an order of their own in each epoch (`shuffleDocuments`) are read in it. */
  readonly tokens: Tokens;
  /** B: how many contiguous pieces of the text run side by side. */
  readonly streams: number;
  /** T: how many tokens of each a window has; gradients do not reach further back. */
  readonly steps: number;
  /** Whether the rest of the streams that fills no whole window is a last, shorter window. Default false. */
  readonly partial?: boolean;
  /** Identifies the tokens; see `BatchSource.identity`. A function, because all of them may have to be read for it. */
  readonly identify?: (() => BatchSource["identity"]) | undefined;
}

/** Batches for truncated backpropagation through time: the state is carried from each to the next, and zero before the first of an epoch. */
export interface CarriedBatches extends BatchSource {
  /** Predicted tokens in an epoch. */
  readonly tokensPerEpoch: number;
  /** Window `index` of an epoch: `tokens` and `targets` (the token after each), [T·B], stream b at step t at index t·B + b. */
  batch(epoch: number, index: number): Batch;
}

/**
 * Cuts n tokens into B streams of L = ⌊(n − 1)/B⌋ inputs: stream b has the tokens from b·L, and its targets are the
 * tokens from b·L + 1. Window k has the steps from k·T. What is left beyond B·L is not used.
 *
 * @see Williams & Peng (1990), "An efficient gradient-based algorithm for on-line training of recurrent network
 *   trajectories": backpropagation truncated in time; side by side streams as in Zaremba et al. 2014 (arXiv:1409.2329)
 * @throws UsageError "too-few-tokens" when there is not one window, "not-an-integer", "out-of-range"
 */
export function carriedBatches(options: CarriedBatchesOptions): CarriedBatches {
  const tokens = expectTokens("tokens", options.tokens);
  const B = expectInteger("streams", options.streams, { min: 1 });
  const T = expectInteger("steps", options.steps, { min: 1 });
  const { partial = false, identify } = options;
  const L = Math.floor((tokens.length - 1) / B);
  const windows = partial ? Math.ceil(L / T) : Math.floor(L / T);
  if (windows < 1) throw tooFewTokens(tokens.length, B, T, partial);
  const inEpoch = perEpoch((epoch): TokenSequence => (hasEpochs(tokens) ? tokens.inEpoch(epoch) : tokens));
  let identity: BatchSource["identity"];
  return {
    batchesPerEpoch: windows,
    tokensPerEpoch: B * (partial ? L : windows * T),
    get identity() {
      identity ??= { ...identify?.(), ...(hasEpochs(tokens) && { shuffle: tokens.seed }) };
      return identity;
    },
    batch(epoch, index) {
      expectInteger("index", index, { min: 0, max: windows - 1 });
      const ordered = inEpoch(epoch);
      const start = index * T;
      const steps = Math.min(T, L - start);
      const inputs = { tokens: new Int32Array(steps * B), targets: new Int32Array(steps * B) };
      const row = new Int32Array(steps + 1);
      for (let b = 0; b < B; b++) {
        ordered.copyTo(row, 0, b * L + start, steps + 1);
        for (let t = 0; t < steps; t++) {
          inputs.tokens[t * B + b] = row[t]!;
          inputs.targets[t * B + b] = row[t + 1]!;
        }
      }
      return { inputs, steps, rows: B, weight: steps * B, first: index === 0 };
    },
  };
}

/**
 * The streams and steps to use when the text may be too short for the ones wanted: first fewer streams, down to one, then
 * fewer steps. At least `windows` (default 1) whole windows fit then.
 * @throws UsageError "too-few-tokens" when n is below 2
 */
export function fitWindows(
  length: number,
  wanted: { readonly streams: number; readonly steps: number; readonly windows?: number },
): { readonly streams: number; readonly steps: number } {
  if (length < 2) throw tooFewTokens(length, 1, 1, false);
  const windows = wanted.windows ?? 1;
  const steps = Math.max(1, Math.min(wanted.steps, Math.floor((length - 1) / windows)));
  const streams = Math.max(1, Math.min(wanted.streams, Math.floor((length - 1) / (steps * windows))));
  return { streams, steps };
}

function tooFewTokens(n: number, B: number, T: number, partial: boolean): UsageError {
  const perStream = partial ? 1 : T;
  const needed = B * perStream + 1;
  const room = Math.floor((n - 1) / perStream);
  const advice =
    n < 2 ? "" : room >= 1 ? `; with ${room} streams or fewer it suffices` : "; use fewer streams and steps";
  return new UsageError(
    "too-few-tokens",
    `tokens: expected at least ${needed} for ${B} streams of ${perStream} steps and the token after, got ${n}${advice}`,
  );
}
