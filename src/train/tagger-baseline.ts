import type { TaggedSentences } from "../data/tagged-sentences.ts";
import type { SequenceTaggerConfig } from "../models/sequence-tagger.ts";
import { inScheme, type TaggingScores, taggingScores } from "../run/evaluate-tagger.ts";
import { mostFrequent } from "../shared/tally.ts";

/** What knowing each word's most frequent tag reaches, without context; words that did not occur get the most frequent tag of all. */
export function mostFrequentTags(
  { scheme, tags: names }: Pick<SequenceTaggerConfig, "scheme" | "tags">,
  train: TaggedSentences,
  test: TaggedSentences,
): TaggingScores {
  const learned = inScheme(train, scheme).flat();
  const tagsOf = new Map<string, string[]>();
  for (const [k, token] of train.tokens.flat().entries()) {
    const own = tagsOf.get(token);
    if (own) own.push(learned[k]!);
    else tagsOf.set(token, [learned[k]!]);
  }
  const known = new Map([...tagsOf].map(([token, tags]) => [token, mostFrequent(tags)]));
  const otherwise = mostFrequent(learned);
  const found = test.tokens.map((tokens) => tokens.map((token) => known.get(token) ?? otherwise));
  return taggingScores(inScheme(test, scheme), found, { scheme, tags: names });
}
