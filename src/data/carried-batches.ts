import { expectInteger, UsageError } from "../shared/errors.ts";
import { asSequence, type Tokens } from "../text/token-sequence.ts";

export interface CarriedBatchesOptions {
  readonly tokens: Tokens;
  /** B: how many contiguous pieces of the text run side by side. */
  readonly streams: number;
  /** T: how many tokens of each a window has; gradients do not reach further back. */
  readonly steps: number;
  /** Whether the rest of the streams that fills no whole window is a last, shorter window. Default false. */
  readonly partial?: boolean;
}

/** A window of all streams. Time-major: stream b at step t is at index t·B + b. */
export interface CarriedBatch {
  /** [T·B] */
  readonly input: Int32Array;
  /** [T·B] the token after each of `input`. */
  readonly target: Int32Array;
  /** T of this window: `steps`, or fewer in a last partial one. */
  readonly steps: number;
  /** B */
  readonly streams: number;
  /** Whether the state is to be zero before this window; before any other it is the one after the last window. */
  readonly first: boolean;
  /** Number of the window in its epoch, from 0. */
  readonly window: number;
}

/** Batches for truncated backpropagation through time. Every epoch has the same windows in the same order. */
export interface CarriedBatches extends Iterable<CarriedBatch> {
  /** Windows in an epoch. */
  readonly windows: number;
  /** Predicted tokens in an epoch. */
  readonly tokensPerEpoch: number;
  /** Window `window` of any epoch, made anew: to go on in the middle, begin there with the state kept from before. */
  batch(window: number): CarriedBatch;
  /** Where update number `update` (from 0, over all epochs) stands. */
  position(update: number): { readonly epoch: number; readonly window: number };
}

/**
 * Cuts n tokens into B streams of L = ⌊(n − 1)/B⌋ inputs: stream b has the tokens from b·L, and its targets are the
 * tokens from b·L + 1. Window k has the steps from k·T; state is carried from each window to the next and is zero at the
 * start of an epoch. What is left beyond B·L is not used.
 *
 * @see Williams & Peng (1990), "An efficient gradient-based algorithm for on-line training of recurrent network
 *   trajectories": backpropagation truncated in time; side by side streams as in Zaremba et al. 2014 (arXiv:1409.2329)
 * @throws UsageError "too-few-tokens" when there is not one window, "not-an-integer", "out-of-range"
 */
export function carriedBatches(options: CarriedBatchesOptions): CarriedBatches {
  const tokens = asSequence(options.tokens);
  const B = expectInteger("streams", options.streams, { min: 1 });
  const T = expectInteger("steps", options.steps, { min: 1 });
  const partial = options.partial ?? false;
  const L = Math.floor((tokens.length - 1) / B);
  const windows = partial ? Math.ceil(L / T) : Math.floor(L / T);
  if (windows < 1) throw tooFewTokens(tokens.length, B, T, partial);

  const batch = (window: number): CarriedBatch => {
    expectInteger("window", window, { min: 0, max: windows - 1 });
    const start = window * T;
    const steps = Math.min(T, L - start);
    const input = new Int32Array(steps * B);
    const target = new Int32Array(steps * B);
    const row = new Int32Array(steps + 1);
    for (let b = 0; b < B; b++) {
      tokens.copyTo(row, 0, b * L + start, steps + 1);
      for (let t = 0; t < steps; t++) {
        input[t * B + b] = row[t]!;
        target[t * B + b] = row[t + 1]!;
      }
    }
    return { input, target, steps, streams: B, first: window === 0, window };
  };

  return {
    windows,
    tokensPerEpoch: B * (partial ? L : windows * T),
    batch,
    position(update) {
      expectInteger("update", update, { min: 0 });
      return { epoch: Math.floor(update / windows), window: update % windows };
    },
    *[Symbol.iterator]() {
      for (let window = 0; window < windows; window++) yield batch(window);
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
