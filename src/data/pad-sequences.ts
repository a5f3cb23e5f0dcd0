import { describe, expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";

/** Options of `padSequences`. */
export interface PadSequencesOptions {
  /** T, if larger than the longest sequence, as `bucketedBatches` requests. Default: the longest length. */
  readonly steps?: number | undefined;
  /** D: numbers per step, stored one after the other in a sequence. Default 1. */
  readonly channels?: number | undefined;
  /** Value of the padding. Default 0. It is masked, so any valid input will do. */
  readonly value?: number | undefined;
  /** Where padding goes: after a sequence ("end", default) or before it ("start"). */
  readonly side?: "end" | "start" | undefined;
}

/** Padded sequences, time-major: row b at step t is at index t·B + b. */
export interface PaddedSequences {
  /** [T, B], or [T, B, D] where there are channels. */
  readonly x: Float64Array;
  /** [T, B], 1 at the steps of a sequence, 0 at padding. For layers and losses. */
  readonly mask: Float64Array;
  /** [B] */
  readonly lengths: Int32Array;
  /** T */
  readonly steps: number;
  /** B */
  readonly rows: number;
}

/**
 * Pads sequences of tokens or numbers to one length. A sequence may be empty; all of them only where `steps` is given.
 * @example `padSequences([[3, 1, 4], [1, 5]])` gives x [3, 1, 1, 5, 4, 0] and mask [1, 1, 1, 1, 1, 0]
 * @throws UsageError "empty-batch", "out-of-range", "not-an-integer", "wrong-input" (a length that is no multiple of the channels), "unknown-choice"
 */
export function padSequences(
  sequences: readonly ArrayLike<number>[],
  options: PadSequencesOptions = {},
): PaddedSequences {
  expectOptions("padSequences", options, { steps: 1, channels: 1, value: 1, side: 1 });
  const { value: padding = 0 } = options;
  const D = expectInteger("channels", options.channels ?? 1, { min: 1 });
  const side = expectOneOf("padSequences: side", options.side ?? "end", ["end", "start"]);
  const lengths = Int32Array.from(sequences, (sequence, b) => {
    if (typeof sequence?.[0] === "object" && sequence[0] !== null)
      throw new UsageError(
        "wrong-input",
        `sequences: expected the numbers of all steps one after the other, sequence ${b} holds ${describe(sequence[0])} for a step; give it .flat(), and channels: the numbers of a step`,
      );
    const length = typeof sequence === "object" && sequence !== null ? sequence.length / D : Number.NaN;
    if (Number.isInteger(length)) return length;
    throw new UsageError(
      "wrong-input",
      `sequences: expected ${D === 1 ? "numbers" : `a multiple of ${D} numbers, as many for each step`}, sequence ${b} is ${describe(sequence)}`,
    );
  });
  const B = lengths.length;
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  // With `steps` they are padding alone, such as texts without a token beside no other.
  if (B === 0 || (longest === 0 && options.steps === undefined)) {
    const came = B === 0 ? "no sequence" : `${B} empty sequence${B === 1 ? "" : "s"}`;
    throw new UsageError("empty-batch", `sequences: expected at least one with a step in it, got ${came}`);
  }
  const T = expectInteger("steps", options.steps ?? longest, { min: Math.max(1, longest) });
  const x = new Float64Array(T * B * D).fill(padding);
  const mask = new Float64Array(T * B);
  sequences.forEach((sequence, b) => {
    const length = lengths[b]!;
    const first = side === "end" ? 0 : T - length;
    for (let t = 0; t < length; t++) {
      const place = (first + t) * B + b;
      mask[place] = 1;
      for (let d = 0; d < D; d++) x[place * D + d] = sequence[t * D + d]!;
    }
  });
  return { x, mask, lengths, steps: T, rows: B };
}
