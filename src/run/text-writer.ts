import { takeTurns } from "../platform/turns.ts";
import { checkOptions, type OptionsTable } from "../schema/check.ts";
import { integer } from "../schema/fields.ts";
import { generationFields } from "../schema/generation.ts";
import { describe, nearest, UsageError } from "../shared/errors.ts";
import type { StreamDecoder, Tokenizer } from "../text/tokenizer.ts";
import { RecentTokens } from "./recent-tokens.ts";
import {
  type Candidate,
  draw,
  logProbabilities,
  mostLikely,
  penalizeRepetition,
  type SampleOptions,
  sampleUniform,
} from "./sample.ts";
import type { TokenReader } from "./session.ts";
import { expectStop, StopStrings } from "./stop-strings.ts";

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
  /** Ends the text early, between two tokens. */
  readonly signal?: AbortSignal | undefined;
}

export interface WriteTokensOptions extends WriteOptions {
  /** Number of most likely tokens to report at each step. Default 0. */
  readonly alternatives?: number | undefined;
}

/** A generated token. */
export interface WrittenToken {
  readonly token: number;
  /**
   * The text that is settled by now. Text that may become a stop string, or part of a character, comes later; if writing is aborted, it
   * never comes.
   */
  readonly text: string;
  /** log p of the token under the model, in nats, without temperature, penalties and cuts. */
  readonly logProbability: number;
  /** The most likely tokens under the model, with probabilities. */
  readonly alternatives: readonly Candidate[];
}

/** Why a text ended. */
export type WriteEnd = "length" | "stop" | "end-token" | "aborted";

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

/** Options with their defaults. @throws UsageError "empty-stop", "unknown-special-token" */
export function writingPlan(tokenizer: Tokenizer, options: WriteTokensOptions) {
  const { topK, topP, minP, typicalP } = options;
  return {
    length: options.length ?? length.default,
    seed: options.seed ?? seed.default,
    alternatives: options.alternatives ?? 0,
    window: options.repetitionWindow ?? repetitionWindow.default,
    penalty: options.repetitionPenalty ?? repetitionPenalty.default,
    sampling: { temperature: options.temperature ?? temperature.default, topK, topP, minP, typicalP },
    stop: expectStop(options.stop),
    ends: endTokensOf(tokenizer, options.endTokens),
  };
}

/**
 * Reads and writes text with one session whose state is kept, for conversations. `generate` does the same for one text.
 * @example
 * ```ts
 * const writer = new TextWriter({ session, tokenizer });
 * writer.read("Who is there?\n");
 * for await (const { text } of writer.write({ stop: ["\n"] })) process.stdout.write(text);
 * ```
 */
export class TextWriter {
  readonly session: TokenReader;
  readonly tokenizer: Tokenizer;
  #decoder!: StreamDecoder;
  /** The last token, which the session has not been fed yet. */
  #last!: number;
  #recent!: RecentTokens;
  #position = 0;
  /** Whether anything was read or written since the beginning. */
  #begun = false;
  /** Of the session, when this had fed it last. */
  #steps!: number;

  /** @throws UsageError "vocabulary-mismatch", "batch-of-many" */
  constructor({ session, tokenizer }: { readonly session: TokenReader; readonly tokenizer: Tokenizer }) {
    expectWritable({ session, tokenizer });
    this.session = session;
    this.tokenizer = tokenizer;
    this.reset();
  }

  /** Resets the state: the next text starts as after the end of a line or of a document. */
  reset(): void {
    this.session.reset();
    this.#steps = this.session.steps;
    this.#decoder = this.tokenizer.streamDecoder();
    this.#last = startToken(this.tokenizer);
    this.#decoder.push(this.#last);
    this.#recent = new RecentTokens();
    this.#position = 0;
    this.#begun = false;
  }

  /** Reads a text. @throws UsageError "not-text", "unknown-token" (nothing was read then) */
  read(text: string): void {
    if (typeof text !== "string") throw new UsageError("not-text", `text: expected a string, got ${describe(text)}`);
    for (const token of this.tokenizer.encode(text)) {
      // A text that has a beginning of its own does not begin as after a line.
      if (this.#begun) {
        this.#expectAlone();
        this.session.feed([this.#last]);
        this.#steps = this.session.steps;
      } else this.#decoder = this.tokenizer.streamDecoder();
      this.#take(token);
      // A decoder may put a space between words, so it has to know what stood before.
      this.#decoder.push(token);
    }
  }

  /**
   * Writes text, token by token. The draw at a position depends on the seed and on how many tokens were written since the
   * beginning. Tokens that stand for no text ("<unk>") are never written; special ones that do not end the text neither.
   *
   * @returns why the text ended
   * @throws UsageError as `generate`, at once, and "busy" when something else uses the session meanwhile; FailureError "not-finite" for damaged weights
   */
  write(options: WriteTokensOptions = {}): AsyncGenerator<WrittenToken, WriteEnd> {
    checkOptions("write", options, writeTokensOptions);
    return this.#write(options, writingPlan(this.tokenizer, options));
  }

  async *#write(
    { signal }: WriteTokensOptions,
    plan: ReturnType<typeof writingPlan>,
  ): AsyncGenerator<WrittenToken, WriteEnd> {
    const { length, seed, alternatives, window, penalty, sampling, stop, ends } = plan;
    const exclude = excludedTokens(this.tokenizer, ends);
    const filter = new StopStrings(stop);
    const turns = takeTurns();
    for (let written = 0; written < length; written++) {
      if (signal?.aborted) return "aborted";
      this.#expectAlone();
      const next = this.session.next([this.#last]);
      this.#steps = this.session.steps;
      const logits = await next;
      const penalized = penalizeRepetition(logits, this.#recent.within(window), penalty);
      const token = draw(penalized, { ...sampling, exclude }, sampleUniform(seed, this.#position++));
      this.#take(token);
      if (ends.has(token)) {
        const last = filter.push(this.#decoder.end());
        yield writtenToken(token, last.stopped ? last.text : last.text + filter.end(), logits, alternatives);
        return last.stopped ? "stop" : "end-token";
      }
      // What was kept back goes out with the last token.
      const isLast = written === length - 1;
      const settled = filter.push(this.#decoder.push(token) + (isLast ? this.#decoder.end() : ""));
      const text = settled.text + (isLast && !settled.stopped ? filter.end() : "");
      yield writtenToken(token, text, logits, alternatives);
      if (settled.stopped) return "stop";
      await turns();
    }
    return "length";
  }

  /** Two texts at a time would each go on from the other's state. */
  #expectAlone(): void {
    if (this.session.steps !== this.#steps)
      throw new UsageError(
        "busy",
        "session: something else was read or written with it meanwhile; open a session for each text (openSession, or fork)",
      );
  }

  #take(token: number): void {
    this.#last = token;
    this.#recent.push(token);
    this.#begun = true;
  }
}

/** What the model thinks of a token is computed when it is asked for: who wants the text alone does not wait for it. */
function writtenToken(token: number, text: string, logits: ArrayLike<number>, alternatives: number): WrittenToken {
  let known: Float64Array | undefined;
  const own = (): Float64Array => (known ??= logProbabilities(logits));
  return {
    token,
    text,
    get logProbability() {
      return own()[token]!;
    },
    get alternatives() {
      return mostLikely(own(), alternatives);
    },
  };
}

/** @throws UsageError "vocabulary-mismatch", "batch-of-many" */
export function expectWritable({
  session,
  tokenizer,
}: {
  readonly session: TokenReader;
  readonly tokenizer: Tokenizer;
}): void {
  expectVocabulary(tokenizer, session.model.config.vocabularySize);
  if (session.batchSize !== 1)
    throw new UsageError("batch-of-many", `session: expected one of batch 1, got one of batch ${session.batchSize}`);
}

/** @throws UsageError "vocabulary-mismatch" */
export function expectVocabulary(tokenizer: Tokenizer, vocabularySize: number): void {
  if (tokenizer.vocabularySize !== vocabularySize)
    throw new UsageError(
      "vocabulary-mismatch",
      `tokenizer: it has ${tokenizer.vocabularySize} tokens, the model was made for ${vocabularySize}; use the tokenizer it was trained with`,
    );
}

/** A text without prompt begins as after a document or the end of a line; where the vocabulary has none, after its first token. */
export function startToken(tokenizer: Tokenizer): number {
  const special = Object.values(tokenizer.specialTokens)[0];
  if (special !== undefined) return special;
  const first = tokenizer.unknownToken === 0 && tokenizer.vocabularySize > 1 ? 1 : 0;
  try {
    const token = tokenizer.encode("\n")[0];
    return token === undefined || token === tokenizer.unknownToken ? first : token;
  } catch (error) {
    if (error instanceof UsageError) return first;
    throw error;
  }
}

/** Tokens that must not be written. */
export function excludedTokens(tokenizer: Tokenizer, ends: ReadonlySet<number>): number[] {
  const special = Object.values(tokenizer.specialTokens).filter((token) => !ends.has(token));
  return tokenizer.unknownToken === undefined ? special : [tokenizer.unknownToken, ...special];
}

export function endTokensOf({ specialTokens }: Tokenizer, names: readonly string[] | undefined): ReadonlySet<number> {
  return new Set(
    (names ?? Object.keys(specialTokens)).map((name) => {
      if (Object.hasOwn(specialTokens, name)) return specialTokens[name]!;
      const known = Object.keys(specialTokens);
      const near = nearest(name, known);
      throw new UsageError(
        "unknown-special-token",
        `endTokens: the tokenizer has no special token ${describe(name)}${near ? `; did you mean "${near}"?` : `; it has ${known.join(", ") || "none"}`}`,
      );
    }),
  );
}
