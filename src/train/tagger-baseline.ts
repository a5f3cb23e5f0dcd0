import type { TaggedSentences } from "../data/tagged-sentences.ts";
import type { SequenceTaggerConfig } from "../models/sequence-tagger.ts";
import { inScheme, type TaggingScores, taggingScores } from "../run/evaluate-tagger.ts";

/** What knowing each word's most frequent tag reaches, without context; words that did not occur get the most frequent tag of all. */
export function mostFrequentTags(
  { scheme, tags: names }: Pick<SequenceTaggerConfig, "scheme" | "tags">,
  train: TaggedSentences,
  test: TaggedSentences,
): TaggingScores {
  const counts = new Map<string, Map<string, number>>();
  const all = new Map<string, number>();
  const learned = inScheme(train, scheme);
  for (const [k, tokens] of train.tokens.entries())
    for (const [t, token] of tokens.entries()) {
      const tag = learned[k]![t]!;
      const own = counts.get(token) ?? new Map<string, number>();
      counts.set(token, own);
      for (const tally of [own, all]) tally.set(tag, (tally.get(tag) ?? 0) + 1);
    }
  const mostOften = (tally: ReadonlyMap<string, number>): string =>
    [...tally].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
  const known = new Map([...counts].map(([token, tally]) => [token, mostOften(tally)]));
  const otherwise = mostOften(all);
  const found = test.tokens.map((tokens) => tokens.map((token) => known.get(token) ?? otherwise));
  return taggingScores(inScheme(test, scheme), found, { scheme, tags: names });
}
