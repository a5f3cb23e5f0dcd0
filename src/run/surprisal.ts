import { takeTurns } from "../platform/turns.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { type Candidate, expectLogits, logProbabilities, mostLikely } from "./sample.ts";
import type { TokenReader } from "./session.ts";
import { expectWritable, startToken } from "./text-boundaries.ts";

/** Options of `surprisal`. */
export interface SurprisalOptions extends Abortable {
  /** A session of one sequence (batch size 1). Its state is reset first. */
  readonly session: TokenReader;
  /** The tokenizer that the model was trained with. */
  readonly tokenizer: Tokenizer;
  /** The text to read. */
  readonly text: string;
  /** Number of most likely tokens to report at each position. Default 0. */
  readonly alternatives?: number | undefined;
}

/** A token of a text with its surprisal. */
export interface TokenSurprisal {
  readonly token: number;
  /** The text of the token, as far as it completes a character. */
  readonly text: string;
  /** −log p(token | text before), in nats. */
  readonly nats: number;
  /** Rank of the token: 1 is the most likely one. */
  readonly rank: number;
  /** The most likely tokens instead. */
  readonly alternatives: readonly Candidate[];
}

/**
 * Computes how surprising each token of a text is to the model. The text is read as after the end of a line (or of a document, if the
 * tokenizer has a special token for it).
 * @see Hale (2001), "A probabilistic Earley parser as a psycholinguistic model"
 * @throws UsageError "text-empty", "vocabulary-mismatch", "batch-of-many", "unknown-token", "busy"; FailureError "not-finite"; the reason of `signal`
 */
export async function* surprisal(options: SurprisalOptions): AsyncGenerator<TokenSurprisal, void> {
  expectOptions("surprisal", options, {
    session: "required",
    tokenizer: "required",
    text: "required",
    alternatives: 1,
    signal: 1,
  });
  const { session, tokenizer, text, alternatives = 0, signal } = options;
  expectWritable({ session, tokenizer });
  const tokens = tokenizer.encode(text);
  if (tokens.length === 0) throw new UsageError("text-empty", "text: expected some text, got none");
  const decoder = tokenizer.streamDecoder();
  const turns = takeTurns(signal);
  session.reset();
  let last = startToken(tokenizer);
  const before = session.steps;
  for (const [position, token] of tokens.entries()) {
    if (position > 0) await turns();
    if (session.steps !== before + position)
      throw new UsageError(
        "busy",
        "session: something else was read or written with it meanwhile; open a session for each text",
      );
    const own = logProbabilities(expectLogits(await session.next([last])));
    yield {
      token,
      text: decoder.push(token),
      nats: -own[token]!,
      rank: 1 + own.reduce((count, one) => (one > own[token]! ? count + 1 : count), 0),
      alternatives: mostLikely(own, alternatives),
    };
    last = token;
  }
}
