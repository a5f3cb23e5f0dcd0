import { checkOptions, type OptionsTable } from "../schema/check.ts";
import { generationFields } from "../schema/generation.ts";
import { wasAborted } from "../shared/signal.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { WriteEnd } from "./continuation.ts";
import { namesOfRun } from "./run-options.ts";
import type { TokenReader } from "./session.ts";
import { expectWritable } from "./text-boundaries.ts";
import { TextWriter, type WrittenToken } from "./text-writer.ts";
import {
  type WriteOptions,
  type WriteTokensOptions,
  writeOptions,
  writeTokensOptions,
  writingPlan,
} from "./write-options.ts";

interface Source {
  /** Of one sequence (batch 1). Its state is set to zero first, and afterwards stands behind the last token but one. */
  readonly session: TokenReader;
  readonly tokenizer: Tokenizer;
  /** What the text goes on from; it is not repeated. Default "": the text begins as after the end of a line. */
  readonly prompt?: string | undefined;
}

/** Options of `generate`. */
export interface GenerateOptions extends WriteOptions, Source {}
/** Options of `generateTokens`. */
export interface GenerateTokensOptions extends WriteTokensOptions, Source {}

/**
 * Generates text token by token. It yields whole characters, which together are the text after the prompt. The draw at a position
 * depends only on seed and position. Tokens without a text of their own ("<unk>") are never generated.
 * @example
 * ```ts
 * for await (const piece of generate({ session, tokenizer, prompt: "It was ", temperature: 0.8 })) process.stdout.write(piece);
 * ```
 * @throws UsageError "vocabulary-mismatch", "batch-of-many", "out-of-range", "not-an-integer", "bad-option",
 *   "unknown-special-token", "unknown-token" (something in the prompt), "busy" (something else uses the session meanwhile); FailureError
 *   "not-finite" for damaged weights
 */
export function generate(options: GenerateOptions): AsyncGenerator<string, WriteEnd> {
  checkOptions("generate", options, { ...writeOptions, ...source });
  return textOf(checkedTokens(options));
}

/** Generates text like `generate`, and yields each token with its log probability and the most likely alternatives. */
export function generateTokens(options: GenerateTokensOptions): AsyncGenerator<WrittenToken, WriteEnd> {
  checkOptions("generateTokens", options, { ...writeTokensOptions, ...source });
  return checkedTokens(options);
}

const source: OptionsTable<Source> = {
  ...namesOfRun,
  ...{ session: "required", tokenizer: "required", prompt: generationFields.prompt },
};

/** Checked here and not at the first `next`, so that mistakes are thrown where they are made. */
function checkedTokens(options: GenerateTokensOptions): AsyncGenerator<WrittenToken, WriteEnd> {
  const { session, tokenizer, prompt = "" } = options;
  expectWritable({ session, tokenizer });
  writingPlan(tokenizer, options);
  tokenizer.encode(prompt);
  return begin(options);
}

/** Nothing is computed, and the session stays as it is, until the text is asked for. */
async function* begin(options: GenerateTokensOptions): AsyncGenerator<WrittenToken, WriteEnd> {
  const writer = new TextWriter(options);
  const { prompt, signal } = options;
  try {
    if (prompt !== undefined) await writer.read(prompt, { signal });
  } catch (error) {
    if (wasAborted(error, signal)) return "aborted";
    throw error;
  }
  const names = Object.keys(writeTokensOptions) as (keyof WriteTokensOptions)[];
  return yield* writer.write(Object.fromEntries(names.map((name) => [name, options[name]])));
}

async function* textOf(tokens: AsyncGenerator<WrittenToken, WriteEnd>): AsyncGenerator<string, WriteEnd> {
  for (;;) {
    const { done, value } = await tokens.next();
    if (done) return value;
    if (value.text !== "") yield value.text;
  }
}
