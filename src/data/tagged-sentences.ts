import { UsageError } from "../shared/errors.ts";
import { type Placed, placeOf } from "./examples.ts";

/** Sentences with a tag for each token, and maybe something that is said of each as a whole. */
export interface TaggedSentences {
  /** Of each sentence; at least one. */
  readonly tokens: readonly (readonly string[])[];
  /** As many as tokens. */
  readonly tags: readonly (readonly string[])[];
  /** What each sentence is about, where the data say it. */
  readonly intents?: readonly string[] | undefined;
  /** Where each comes from, for messages: "train.txt, line 3". Default: their numbers, from 1 on. */
  readonly places?: readonly string[] | undefined;
}

/** Sentences whose tags are not known. */
export type UntaggedSentences = Placed<Pick<TaggedSentences, "tokens" | "places">>;

/** Those with these indices, in their order. */
export const pickSentences = (
  { tokens, tags, intents, places }: TaggedSentences,
  indices: readonly number[],
): TaggedSentences => ({
  tokens: indices.map((k) => tokens[k]!),
  tags: indices.map((k) => tags[k]!),
  ...(intents && { intents: indices.map((k) => intents[k]!) }),
  ...(places && { places: indices.map((k) => places[k]!) }),
});

/** @throws UsageError "no-examples" (none at all), "tag-count" */
export function expectSentences({ tokens, tags, intents, places }: TaggedSentences): void {
  if (tokens.length === 0) throw new UsageError("no-examples", "sentences: expected sentences with tags, got none");
  if (tags.length !== tokens.length || (intents && intents.length !== tokens.length))
    throw new UsageError(
      "bad-option",
      `sentences: ${tokens.length} with tokens, but ${tags.length} with tags${intents ? ` and ${intents.length} intents` : ""}`,
    );
  for (const [k, words] of tokens.entries())
    if (words.length === 0 || words.length !== tags[k]!.length)
      throw tagCount(placeOf(places, k), words.length, tags[k]!.length);
}

export const tagCount = (place: string, tokens: number, tags: number): UsageError =>
  new UsageError(
    "tag-count",
    `${place}: expected at least one token and as many tags, got ${tokens} token${tokens === 1 ? "" : "s"} and ${tags} tag${tags === 1 ? "" : "s"}`,
  );
