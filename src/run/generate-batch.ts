import { takeTurns } from "../platform/turns.ts";
import { checkOptions, type OptionsTable } from "../schema/check.ts";
import { integer } from "../schema/fields.ts";
import { describe, UsageError } from "../shared/errors.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Continuation, type WriteEnd } from "./continuation.ts";
import { RecentTokens } from "./recent-tokens.ts";
import { runOptions } from "./run-options.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import { expectVocabulary, startToken } from "./text-boundaries.ts";
import { type WriteOptions, type WritingPlan, writeOptions, writingPlan } from "./write-options.ts";

/** Options of `generateBatch`. */
export interface GenerateBatchOptions extends WriteOptions, Omit<SessionOptions, "batchSize"> {
  readonly tokenizer: Tokenizer;
  /** The texts to continue. */
  readonly prompts: readonly string[];
  /** B: prompts processed together. Default 16, or the number of prompts if smaller. */
  readonly batchSize?: number | undefined;
}

const batchOptions: OptionsTable<GenerateBatchOptions> = {
  ...{ ...writeOptions, ...runOptions, tokenizer: "required", prompts: "required" },
  batchSize: integer({ about: "prompts that are worked on side by side", min: 1 }),
};

/** A text generated from a prompt. */
export interface GeneratedText {
  readonly prompt: string;
  /** The text after the prompt. */
  readonly text: string;
  /** Why the text ended. */
  readonly end: WriteEnd;
}

/**
 * Continues many prompts at once. Prompt number k gets the text that `generate` gives with seed + k, whatever else is in its batch.
 * @returns in the order of the prompts
 * @throws UsageError as `generate`, before anything is computed
 */
export async function generateBatch(options: GenerateBatchOptions): Promise<GeneratedText[]> {
  checkOptions("generateBatch", options, batchOptions);
  const { model, parameters, machine, tokenizer, prompts } = options;
  expectVocabulary(tokenizer, model.config.vocabularySize);
  const plan = writingPlan(tokenizer, options);
  if (!Array.isArray(prompts))
    throw new UsageError("bad-option", `prompts: expected an array of strings, got ${describe(prompts)}`);
  const starts = prompts.map((prompt: unknown, k) => {
    if (typeof prompt !== "string")
      throw new UsageError("not-text", `prompts[${k}]: expected a string, got ${describe(prompt)}`);
    return tokenizer.encode(prompt);
  });
  const wanted = options.batchSize ?? 16;
  if (prompts.length === 0) return [];
  const session = await openSession({
    ...{ model, parameters, machine },
    batchSize: Math.min(wanted, prompts.length),
  });
  try {
    const results: GeneratedText[] = [];
    for (let first = 0; first < prompts.length; first += session.batchSize) {
      const rows = prompts.slice(first, first + session.batchSize).map((prompt, k) => {
        const number = first + k;
        return new Row(prompt, starts[number]!, tokenizer, { ...plan, seed: plan.seed + number });
      });
      await writeRows(session, rows, options.signal);
      results.push(...rows.map((row) => row.result()));
    }
    return results;
  } finally {
    session.close();
  }
}

/** Each row goes its own way: it reads its prompt, then writes, while others still read or are done. */
async function writeRows(session: Session, rows: readonly Row[], signal: AbortSignal | undefined): Promise<void> {
  const V = session.model.config.vocabularySize;
  const input = new Int32Array(session.batchSize);
  session.reset();
  const turns = takeTurns();
  while (rows.some((row) => row.end === undefined) && !signal?.aborted) {
    rows.forEach((row, b) => {
      input[b] = row.next();
    });
    const logits = await session.next(input);
    for (const [b, row] of rows.entries()) row.take(logits.subarray(b * V, (b + 1) * V));
    await turns();
  }
}

/** One prompt and its continuation. */
class Row {
  end: WriteEnd | undefined;
  readonly #prompt: string;
  readonly #tokens: number[];
  readonly #continuation: Continuation;
  #fed = 0;
  #text = "";

  constructor(prompt: string, encoded: Int32Array, tokenizer: Tokenizer, plan: WritingPlan) {
    this.#prompt = prompt;
    this.#tokens = encoded.length > 0 ? [...encoded] : [startToken(tokenizer)];
    const [decoder, recent] = [tokenizer.streamDecoder(), new RecentTokens()];
    for (const token of this.#tokens) decoder.push(token);
    // The start token was not in the prompt, and is not penalized.
    for (const token of encoded) recent.push(token);
    this.#continuation = new Continuation(plan, { decoder, recent, position: 0 });
    if (plan.length === 0) this.end = "length";
  }

  /** The token to feed; a row that has ended feeds anything. */
  next(): number {
    return this.#tokens[this.#fed++] ?? 0;
  }

  /** Samples a token, once the prompt has been read. */
  take(logits: ArrayLike<number>): void {
    if (this.end !== undefined || this.#fed < this.#tokens.length) return;
    const { token, text, end } = this.#continuation.next(logits);
    this.#tokens.push(token);
    this.#text += text;
    this.end = end;
  }

  result(): GeneratedText {
    return { prompt: this.#prompt, text: this.#text, end: this.end ?? "aborted" };
  }
}
