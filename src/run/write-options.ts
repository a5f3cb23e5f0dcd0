import type { OptionsTable } from "../schema/check.ts";
import { integer } from "../schema/fields.ts";
import { generationFields } from "../schema/generation.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { SampleOptions } from "./sample.ts";
import { expectStop } from "./stop-strings.ts";
import { endTokensOf, excludedTokens } from "./text-boundaries.ts";

/** Options of writing text. */
export interface WriteOptions extends Omit<SampleOptions, "exclude" | "temperature"> {
  /** Divides the logits: below 1 favours likely tokens, above 1 unlikely ones; 0 always takes the most likely. Default 0.8. */
  readonly temperature?: number | undefined;
  /** Maximum number of tokens. Default 400. */
  readonly length?: number | undefined;
  /** The same seed, prompt and weights give the same text on the same machine. Default 0. */
  readonly seed?: number | undefined;
  /** Makes recent tokens less likely if above 1 (`penalizeRepetition`; Keskar et al. 2019, arXiv:1909.05858). Default 1: no penalty. */
  readonly repetitionPenalty?: number | undefined;
  /** Number of recent tokens that are penalized. Default 64. */
  readonly repetitionWindow?: number | undefined;
  /** Ends the text before the first of these strings, even within a token. Default none. */
  readonly stop?: readonly string[] | undefined;
  /** Names of special tokens that end the text. Default: all that the tokenizer has. */
  readonly endTokens?: readonly string[] | undefined;
  /** Ends the text early, between two tokens: it ends with "aborted", and what was written until then is given. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of `TextWriter.write` and `generateTokens`. */
export interface WriteTokensOptions extends WriteOptions {
  /** Number of most likely tokens to report at each step. Default 0. */
  readonly alternatives?: number | undefined;
}

const { length, seed, temperature, topK, topP, minP, typicalP, repetitionPenalty, repetitionWindow, stop } =
  generationFields;
/** For `checkOptions`: what the schema knows of these options. */
export const writeOptions: OptionsTable<WriteOptions> = {
  ...{ length, seed, temperature, topK, topP, minP, typicalP, repetitionPenalty, repetitionWindow, stop },
  ...{ endTokens: 1, signal: 1 },
};
export const writeTokensOptions: OptionsTable<WriteTokensOptions> = {
  ...writeOptions,
  alternatives: integer({ about: "how many of the likeliest tokens to tell at each step", min: 0, default: 0 }),
};

export type WritingPlan = ReturnType<typeof writingPlan>;

/** Options with their defaults. @throws UsageError "bad-option", "unknown-special-token" */
export function writingPlan(tokenizer: Tokenizer, options: WriteTokensOptions) {
  const { topK, topP, minP, typicalP } = options;
  const ends = endTokensOf(tokenizer, options.endTokens);
  return {
    length: options.length ?? length.default,
    seed: options.seed ?? seed.default,
    alternatives: options.alternatives ?? 0,
    window: options.repetitionWindow ?? repetitionWindow.default,
    penalty: options.repetitionPenalty ?? repetitionPenalty.default,
    sampling: {
      ...{ temperature: options.temperature ?? temperature.default, topK, topP, minP, typicalP },
      exclude: excludedTokens(tokenizer, ends),
    },
    stop: expectStop(options.stop),
    ends,
  };
}
