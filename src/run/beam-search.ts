import { takeTurns } from "../platform/turns.ts";
import { checkOptions, type OptionsTable } from "../schema/check.ts";
import { integer, number } from "../schema/fields.ts";
import { generationFields } from "../schema/generation.ts";
import { expectInteger } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { runOptions } from "./run-options.ts";
import { expectLogits, likeliest, logProbabilities } from "./sample.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import { expectStop, firstStop } from "./stop-strings.ts";
import { endTokensOf, excludedTokens, expectVocabulary, startToken } from "./text-boundaries.ts";

/** Options of `beamSearch`. */
export interface BeamSearchOptions extends Abortable, Omit<SessionOptions, "batchSize"> {
  readonly tokenizer: Tokenizer;
  /** Text to continue; it is not repeated. Default "": as after the end of a line. */
  readonly prompt?: string | undefined;
  /** Number of texts kept at each step. Default 4. */
  readonly beams?: number | undefined;
  /** Maximum number of tokens. Default 100. */
  readonly length?: number | undefined;
  /**
   * α: texts are ranked by log p / n^α for n tokens. 0: by log p, which favours short texts; 1 (default): by the mean per token. (Wu et
   * al. 2016, arXiv:1609.08144, use another formula for n; this is the one of most libraries.)
   */
  readonly lengthPenalty?: number | undefined;
  /** Number of texts to return, at most `beams`. Default 1. */
  readonly count?: number | undefined;
  /** Ends a text before the first of these strings. Default none. */
  readonly stop?: readonly string[] | undefined;
  /** Names of special tokens that end a text. Default: all that the tokenizer has. */
  readonly endTokens?: readonly string[] | undefined;
}

/** A text found by `beamSearch`. */
export interface BeamText {
  readonly text: string;
  /** Its tokens, including the end token if one ended it. */
  readonly tokens: readonly number[];
  /** log p of all its tokens, in nats. */
  readonly logProbability: number;
  /** logProbability / n^lengthPenalty, by which texts are ranked. */
  readonly score: number;
  /** Why the text ended; "length": it could go on. */
  readonly end: "length" | "stop" | "end-token";
}

interface Beam {
  readonly tokens: readonly number[];
  readonly logProbability: number;
  /** The row of the session that holds its state. */
  readonly row: number;
}

const beamOptions: OptionsTable<BeamSearchOptions> = {
  ...runOptions,
  ...{ tokenizer: "required", prompt: generationFields.prompt, stop: generationFields.stop, endTokens: 1, signal: 1 },
  beams: integer({ about: "texts that are kept at each step", min: 1, default: 4 }),
  length: integer({ about: "most tokens of a text", min: 1, default: 100 }),
  lengthPenalty: number({ about: "0 favours short texts, 1 weighs by the mean of a token", default: 1 }),
  count: integer({ about: "how many texts to return", min: 1, default: 1 }),
};

/**
 * Searches for the most likely texts, without sampling: at each step the most likely continuations of all kept texts are kept. Ties are
 * resolved by the order of texts and token numbers.
 * @returns best first
 * @throws UsageError "vocabulary-mismatch", "out-of-range", "not-an-integer", "bad-option", "unknown-token",
 *   "unknown-special-token"; FailureError "out-of-memory", "not-finite" for damaged weights;
 *   the reason of `signal`
 */
export async function beamSearch(options: BeamSearchOptions): Promise<BeamText[]> {
  checkOptions("beamSearch", options, beamOptions);
  const { model, parameters, machine, tokenizer, prompt = "", signal } = options;
  const { vocabularySize } = model.config;
  expectVocabulary(tokenizer, vocabularySize);
  const { beams: width = 4, length = 100 } = options;
  const count = expectInteger("count", options.count ?? 1, { min: 1, max: width });
  const alpha = options.lengthPenalty ?? 1;
  const stop = expectStop(options.stop);
  const ends = endTokensOf(tokenizer, options.endTokens);
  const excluded = excludedTokens(tokenizer, ends);
  const encoded = [...tokenizer.encode(prompt)];
  const start = encoded.length > 0 ? encoded : [startToken(tokenizer)];
  const texts = beamTexts(tokenizer, start, stop, alpha);

  const session = await openSession({ model, parameters, machine, batchSize: width });
  try {
    session.reset();
    const same = (token: number): Int32Array => new Int32Array(width).fill(token);
    const turns = takeTurns(signal);
    for (const token of start.slice(0, -1)) {
      await turns();
      session.feed(same(token));
    }
    await turns();
    let logits = await session.next(same(start.at(-1)!));
    let beams: Beam[] = [{ tokens: [], logProbability: 0, row: 0 }];
    const finished: BeamText[] = [];
    for (let step = 1; beams.length > 0; step++) {
      await turns();
      const next = continuations(beams, logits, { vocabularySize, excluded, count: 2 * width });
      beams = [];
      for (const one of next) {
        const ended = texts.ended(one.tokens, ends);
        if (ended !== undefined) finished.push(texts.of(one, ended));
        else if (step === length) finished.push(texts.of(one, "length"));
        else if (beams.length < width) beams.push(one);
        if (beams.length === width) break;
      }
      finished.sort((a, b) => b.score - a.score);
      // The longest that a text can become bounds its score from above, as no token adds to log p.
      const bound = Math.max(...beams.map((one) => texts.bound(one, length)));
      if (finished.length >= count && finished[count - 1]!.score >= bound) break;
      if (beams.length === 0) break;
      await reorder(session, beams);
      logits = await session.next(
        Int32Array.from({ length: width }, (_, b) => beams[Math.min(b, beams.length - 1)]!.tokens.at(-1)!),
      );
      beams = beams.map((one, row) => ({ ...one, row }));
    }
    return finished.slice(0, count);
  } finally {
    session.close();
  }
}

/** The likeliest continuations of all beams by one token, likeliest first. */
function continuations(
  beams: readonly Beam[],
  logits: ArrayLike<number> & { subarray(start: number, end: number): ArrayLike<number> },
  o: { readonly vocabularySize: number; readonly excluded: readonly number[]; readonly count: number },
): Beam[] {
  const V = o.vocabularySize;
  const all = beams.flatMap(({ tokens, logProbability, row }, order) => {
    const own = logProbabilities(expectLogits(logits.subarray(row * V, (row + 1) * V)));
    for (const token of o.excluded) own[token] = Number.NEGATIVE_INFINITY;
    return likeliest(own, Math.min(o.count, V))
      .filter((token) => own[token]! > Number.NEGATIVE_INFINITY)
      .map((token) => ({
        tokens: [...tokens, token],
        logProbability: logProbability + own[token]!,
        row,
        order,
        token,
      }));
  });
  all.sort((a, b) => b.logProbability - a.logProbability || a.order - b.order || a.token - b.token);
  return all.slice(0, o.count);
}

function beamTexts(tokenizer: Tokenizer, start: readonly number[], stop: readonly string[], alpha: number) {
  const decode = (tokens: readonly number[]): string => {
    const decoder = tokenizer.streamDecoder();
    for (const token of start) decoder.push(token);
    return tokens.map((token) => decoder.push(token)).join("") + decoder.end();
  };
  const score = (logProbability: number, n: number): number => logProbability / n ** alpha;
  return {
    ended(tokens: readonly number[], ends: ReadonlySet<number>): "stop" | "end-token" | undefined {
      if (ends.has(tokens.at(-1)!)) return "end-token";
      return stop.length > 0 && firstStop(decode(tokens), stop) < Number.POSITIVE_INFINITY ? "stop" : undefined;
    },
    of({ tokens, logProbability }: Beam, end: BeamText["end"]): BeamText {
      const text = decode(tokens);
      return {
        text: text.slice(0, firstStop(text, stop)),
        tokens,
        logProbability,
        score: score(logProbability, tokens.length),
        end,
      };
    },
    /** No continuation has a higher score. */
    bound: ({ tokens, logProbability }: Beam, length: number): number =>
      Math.max(score(logProbability, length), score(logProbability, tokens.length)),
  };
}

/** Row b of the session becomes what the row of beam b was. */
async function reorder(session: Session, beams: readonly Beam[]): Promise<void> {
  if (beams.length === session.batchSize && beams.every(({ row }, b) => row === b)) return;
  const B = session.batchSize;
  const state: Record<string, Float64Array> = {};
  for (const [name, data] of Object.entries(await session.state())) {
    const [layers, , width] = session.model.stateShapes(B)[name] as [number, number, number];
    const moved = new Float64Array(data.length);
    for (let l = 0; l < layers; l++)
      for (let b = 0; b < B; b++) {
        const from = (l * B + beams[Math.min(b, beams.length - 1)]!.row) * width;
        moved.set(data.subarray(from, from + width), (l * B + b) * width);
      }
    state[name] = moved;
  }
  session.setState(state);
}
