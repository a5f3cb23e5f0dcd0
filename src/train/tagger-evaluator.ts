import type { TaggedSentences } from "../data/tagged-sentences.ts";
import { taggerScores } from "../run/evaluate-tagger.ts";
import type { Tagger } from "../run/tagger.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Evaluator } from "./evaluator.ts";
import { inPieces } from "./in-pieces.ts";

/** All that is measured of tags. */
export const TAG_METRICS = { loss: "min", accuracy: "max", f1: "max", intentAccuracy: "max", score: "max" } as const;

/**
 * Measures `loss`, `accuracy`, of spans `f1`, of intents `intentAccuracy`; and `score`: the F1, or else the accuracy, or the mean of it
 * and of the intents'. Closes the tagger's plans, not the parameters.
 */
export const taggerEvaluator = (tagger: Tagger, sentences: TaggedSentences): Evaluator => ({
  async run(options) {
    const read = (piece: TaggedSentences["tokens"], how: Abortable) => tagger.read(piece, { likelihood: true, ...how });
    const readings = await inPieces(sentences.tokens, read, options);
    const { loss, accuracy, spans, intentAccuracy } = taggerScores(tagger, sentences, readings);
    const ofTags = spans ? spans.f1 : accuracy;
    return {
      ...{ loss, accuracy },
      ...(spans && { f1: spans.f1 }),
      ...(intentAccuracy !== undefined && { intentAccuracy }),
      score: intentAccuracy === undefined ? ofTags : (ofTags + intentAccuracy) / 2,
    };
  },
  close: () => tagger.close(),
});
