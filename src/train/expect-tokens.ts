import { describe, UsageError } from "../shared/errors.ts";
import { asSequence, type TokenSequence } from "../text/token-sequence.ts";

/** Checks that a value is tokens: a typed array of whole numbers, or a sequence. @throws UsageError "not-tokens" */
export function expectTokens(argument: string, value: unknown): TokenSequence {
  if (value instanceof Int32Array || value instanceof Uint16Array || value instanceof Uint8Array)
    return asSequence(value);
  const sequence = value as TokenSequence | null | undefined;
  if (typeof sequence === "object" && sequence && Number.isInteger(sequence.length) && "copyTo" in sequence)
    return sequence;
  throw new UsageError(
    "not-tokens",
    `${argument}: expected tokens (an Int32Array as a tokenizer makes it, or a part of a corpus), got ${describe(value)}`,
  );
}
