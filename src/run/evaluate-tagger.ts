import { placeOf } from "../data/examples.ts";
import { expectSentences, type TaggedSentences } from "../data/tagged-sentences.ts";
import type { SequenceTaggerConfig } from "../models/sequence-tagger.ts";
import { UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";
import { isOfSpans, spansOf, type TagScheme, tagsOf } from "../shared/tag-schemes.ts";
import { type ClassificationScores, classificationScores } from "./classification-scores.ts";
import { type SpanScores, spanScores } from "./span-scores.ts";
import type { SentenceReading, Tagger } from "./tagger.ts";

/** Scores of predicted tags. */
export interface TaggingScores {
  readonly sentences: number;
  readonly tokens: number;
  /** Share of tokens with the correct tag. */
  readonly accuracy: number;
  /** Scores of spans, if the tags are spans. */
  readonly spans?: SpanScores;
  /** Scores by tag, if the tags are not spans. */
  readonly tags?: ClassificationScores;
}

/** Scores of a tagger on sentences. */
export interface TaggerScores extends TaggingScores {
  /**
   * Mean over tokens of −log p of their tags, plus that over sentences of their intents. Sentences with unknown tags or intents are
   * left out.
   */
  readonly loss: number;
  /** Share of sentences with the correct intent. */
  readonly intentAccuracy?: number;
}

/**
 * Converts tags to the scheme of the model: the same spans, which may be written in any scheme and have labels that it does not know.
 * @throws UsageError "wrong-scheme" for a tag that is none of spans, where the model has a scheme
 */
export function inScheme(
  { tags, places }: Pick<TaggedSentences, "tags" | "places">,
  scheme: TagScheme | undefined,
): readonly (readonly string[])[] {
  if (scheme === undefined) return tags;
  return tags.map((own, k) => {
    const odd = own.find((tag) => !isOfSpans(tag));
    if (odd === undefined) return tagsOf(spansOf(own), own.length, scheme);
    throw new UsageError(
      "wrong-scheme",
      `${placeOf(places, k)}: expected tags of spans (B-LABEL, …, O), as the model learned them, got ${JSON.stringify(odd)}`,
    );
  });
}

/**
 * Evaluates a tagger on tagged sentences.
 * @throws UsageError "no-examples", "bad-option", "tag-count", "wrong-input", "wrong-scheme"; the reason of `signal`
 */
export async function evaluateTagger(
  tagger: Tagger,
  sentences: TaggedSentences,
  options: Abortable = {},
): Promise<TaggerScores> {
  expectOptions("evaluateTagger", options, { signal: 1 });
  expectSentences("evaluateTagger", sentences);
  return taggerScores(tagger, sentences, await tagger.read(sentences.tokens, { likelihood: true, ...options }));
}

/** Scores of a tagger from its readings of the sentences, made with `likelihood`. */
export function taggerScores(
  tagger: Tagger,
  sentences: TaggedSentences,
  readings: readonly SentenceReading[],
): TaggerScores {
  const { tags: names, scheme, intents } = tagger.model.config;
  const ids = new Map(names.map((name, k) => [name, k]));
  const truth = inScheme(sentences, scheme);
  const found = readings.map(({ path }) => path.map((tag) => names[tag]!));
  let [tagLoss, tagged, intentLoss, known, rightIntents] = [0, 0, 0, 0, 0];
  for (const [k, reading] of readings.entries()) {
    const tags = truth[k]!.map((tag) => ids.get(tag));
    if (tags.every((tag) => tag !== undefined)) {
      tagLoss -= reading.logLikelihood(tags);
      tagged += tags.length;
    }
    const { intents: logs } = reading;
    if (!logs || !intents || !sentences.intents) continue;
    const own = intents.indexOf(sentences.intents[k]!);
    if (own >= 0) {
      intentLoss -= logs[own]!;
      known += 1;
      if (logs[own] === Math.max(...logs)) rightIntents += 1;
    }
  }
  return {
    ...taggingScores(truth, found, tagger.model.config),
    loss: tagLoss / tagged + (known > 0 ? intentLoss / known : 0),
    ...(intents && sentences.intents && { intentAccuracy: rightIntents / truth.length }),
  };
}

/** Scores of predicted tags; both in the scheme of the model, if it has one. */
export function taggingScores(
  truth: readonly (readonly string[])[],
  found: readonly (readonly string[])[],
  { scheme, tags: names }: Pick<SequenceTaggerConfig, "scheme" | "tags">,
): TaggingScores {
  const [flatTruth, flatFound] = [truth.flat(), found.flat()];
  return {
    sentences: truth.length,
    tokens: flatTruth.length,
    accuracy: flatTruth.reduce((right, tag, k) => right + (tag === flatFound[k] ? 1 : 0), 0) / flatTruth.length,
    ...(scheme ? { spans: spanScores(truth, found) } : { tags: classificationScores(flatTruth, flatFound, names) }),
  };
}
