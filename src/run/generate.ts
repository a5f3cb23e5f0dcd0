import { expectInteger, UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { candidates, checkSampling, choose, type SampleOptions, sampleUniform } from "./sample.ts";
import type { Session } from "./session.ts";

export interface GenerateOptions extends Omit<SampleOptions, "exclude"> {
  /** Of one sequence (batch 1). Its state is set to zero first, and afterwards stands behind the last token but one. */
  readonly session: Session;
  readonly tokenizer: Tokenizer;
  /** What the text goes on from; it is not repeated. Default "": the text begins as after the end of a line. */
  readonly prompt?: string | undefined;
  /** How many tokens to write. Default 400. */
  readonly length?: number | undefined;
  /** Default 0. The same seed, prompt and weights give the same text on the same machine. */
  readonly seed?: number | undefined;
  /** Ends the text early, between two tokens. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes text token by token. What is yielded is whole characters; together it is the text after the prompt.
 *
 * The draw at a position depends on seed and position alone. Tokens that stand for no text of their own ("<unk>") are
 * never written.
 *
 * @example
 * ```ts
 * for await (const piece of generate({ session, tokenizer, prompt: "It was ", temperature: 0.8 })) process.stdout.write(piece);
 * ```
 * @throws UsageError "vocabulary-mismatch", "batch-of-many", "out-of-range", "not-an-integer", "unknown-token" (something in
 *   the prompt); FailureError "not-finite" for damaged weights
 */
export function generate(options: GenerateOptions): AsyncGenerator<string, void> {
  const { session, tokenizer } = options;
  // Checked here and not at the first `next`, so that mistakes are thrown where they are made.
  checkSampling(options);
  const length = expectInteger("length", options.length ?? 400, { min: 0 });
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const { vocabularySize } = session.model.config;
  if (tokenizer.vocabularySize !== vocabularySize)
    throw new UsageError(
      "vocabulary-mismatch",
      `tokenizer: it has ${tokenizer.vocabularySize} tokens, the model was made for ${vocabularySize}; use the tokenizer it was trained with`,
    );
  if (session.batch !== 1)
    throw new UsageError("batch-of-many", `session: expected one of batch 1, got one of batch ${session.batch}`);
  const prompt = options.prompt ?? "";
  if (typeof prompt !== "string") throw new UsageError("not-text", `prompt: expected a string, got ${typeof prompt}`);
  const tokens = [...tokenizer.encode(prompt)];
  return write(options, tokens.length > 0 ? tokens : [startToken(tokenizer)], length, seed);
}

async function* write(
  { session, tokenizer, signal, temperature, topK, topP }: GenerateOptions,
  start: readonly number[],
  length: number,
  seed: number,
): AsyncGenerator<string, void> {
  const decoder = tokenizer.streamDecoder();
  // A decoder may put a space between words, so it has to know what stood before.
  for (const token of start) decoder.push(token);
  const exclude = tokenizer.unknown === undefined ? [] : [tokenizer.unknown];
  session.reset();
  for (const token of start.slice(0, -1)) session.feed([token]);
  let last = start.at(-1)!;
  for (let position = 0; position < length && !signal?.aborted; position++) {
    const logits = await session.next([last]);
    const from = candidates(logits, { temperature, topK, topP, exclude });
    last = choose(from, sampleUniform(seed, position));
    const text = decoder.push(last);
    if (text !== "") yield text;
  }
  const rest = decoder.end();
  if (rest !== "") yield rest;
}

/** A text without prompt begins as after the end of a line; where the vocabulary has none, after its first token. */
function startToken(tokenizer: Tokenizer): number {
  const first = tokenizer.unknown === 0 && tokenizer.vocabularySize > 1 ? 1 : 0;
  try {
    const token = tokenizer.encode("\n")[0];
    return token === undefined || token === tokenizer.unknown ? first : token;
  } catch (error) {
    if (error instanceof UsageError) return first;
    throw error;
  }
}
