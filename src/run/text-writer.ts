import { takeTurns } from "../platform/turns.ts";
import { checkOptions } from "../schema/check.ts";
import { describe, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Continuation, type TextState, type WriteEnd } from "./continuation.ts";
import { RecentTokens } from "./recent-tokens.ts";
import { type Candidate, logProbabilities, mostLikely } from "./sample.ts";
import type { TokenReader } from "./session.ts";
import { expectWritable, startToken } from "./text-boundaries.ts";
import { type WriteTokensOptions, type WritingPlan, writeTokensOptions, writingPlan } from "./write-options.ts";

/** Options of `TextWriter.read`. */
export interface ReadOptions extends Abortable {}

/** How many tokens may wait to be read: a stream of many reads when its turn comes. */
const TOKENS_AHEAD = 64;

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

/**
 * Reads and writes text with one session whose state is kept, for conversations. `generate` does the same for one text.
 * @example
 * ```ts
 * const writer = new TextWriter({ session, tokenizer });
 * await writer.read("Who is there?\n");
 * for await (const { text } of writer.write({ stop: ["\n"] })) process.stdout.write(text);
 * ```
 */
export class TextWriter {
  readonly session: TokenReader;
  readonly tokenizer: Tokenizer;
  readonly #text = {} as TextState;
  /** The last token, which the session has not been fed yet. */
  #last!: number;
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
    this.#last = startToken(this.tokenizer);
    const decoder = this.tokenizer.streamDecoder();
    decoder.push(this.#last);
    Object.assign(this.#text, { decoder, recent: new RecentTokens(), position: 0 } satisfies TextState);
  }

  /**
   * Reads a text, and lets others have a turn meanwhile; wait for it before something is written.
   * @throws UsageError "not-text", "unknown-token" (nothing was read then), "busy"; the reason of `signal`, between two tokens: those
   *   before were read
   */
  async read(text: string, options: ReadOptions = {}): Promise<void> {
    expectOptions("read", options, { signal: 1 });
    if (typeof text !== "string") throw new UsageError("not-text", `text: expected a string, got ${describe(text)}`);
    const state = this.#text;
    const turns = takeTurns(options.signal);
    for (const [k, token] of this.tokenizer.encode(text).entries()) {
      await turns();
      // The start token stands before a text only where nothing else does.
      if (state.recent.size > 0) {
        this.#expectAlone();
        const last = [this.#last];
        const read = k % TOKENS_AHEAD === 0 ? this.session.next(last) : this.session.feed(last);
        this.#steps = this.session.steps;
        await read;
      } else state.decoder = this.tokenizer.streamDecoder();
      this.#last = token;
      state.recent.push(token);
      // A decoder may put a space between words, so it has to know what stood before.
      state.decoder.push(token);
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

  async *#write({ signal }: WriteTokensOptions, plan: WritingPlan): AsyncGenerator<WrittenToken, WriteEnd> {
    const continuation = new Continuation(plan, this.#text);
    const turns = takeTurns();
    for (let written = 0; written < plan.length; written++) {
      if (signal?.aborted) return "aborted";
      this.#expectAlone();
      const next = this.session.next([this.#last]);
      this.#steps = this.session.steps;
      const logits = await next;
      const { token, text, end } = continuation.next(logits);
      this.#last = token;
      yield writtenToken(token, text, logits, plan.alternatives);
      if (end) return end;
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
