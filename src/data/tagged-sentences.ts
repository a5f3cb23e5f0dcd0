import { describe, UsageError } from "../shared/errors.ts";
import { expectLists, type Placed, placeOf } from "./examples.ts";

/** Sentences with a tag for each token and, optionally, an intent. */
export interface TaggedSentences {
  /** The tokens of each sentence, at least one. */
  readonly tokens: readonly (readonly string[])[];
  /** The tags of each sentence, as many as tokens. */
  readonly tags: readonly (readonly string[])[];
  /** The intent of each sentence. */
  readonly intents?: readonly string[] | undefined;
  /** Where each sentence comes from, for messages: "train.txt, line 3". Default: numbers from 1. */
  readonly places?: readonly string[] | undefined;
}

/** Sentences without tags. */
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

/** @throws UsageError "bad-option", "no-examples" (none at all), "tag-count" */
export function expectSentences(name: string, sentences: TaggedSentences): void {
  expectLists(name, sentences, ["tokens", "tags"]);
  const { tokens, tags, intents, places } = sentences;
  if (tokens.length === 0) throw new UsageError("no-examples", `${name}: expected sentences with tags, got none`);
  if (tags.length !== tokens.length || (intents && intents.length !== tokens.length))
    throw new UsageError(
      "bad-option",
      `${name}: ${tokens.length} with tokens, but ${tags.length} with tags${intents ? ` and ${intents.length} intents` : ""}`,
    );
  for (const [k, words] of tokens.entries()) {
    const place = placeOf(places, k);
    for (const list of [words, tags[k]])
      if (!Array.isArray(list))
        throw new UsageError(
          "bad-option",
          `${name}: ${place}: expected a list of ${list === words ? "tokens" : "tags"}, got ${describe(list)}`,
        );
    if (words.length === 0 || words.length !== tags[k]!.length) throw tagCount(place, words.length, tags[k]!.length);
  }
}

export const tagCount = (place: string, tokens: number, tags: number): UsageError =>
  new UsageError(
    "tag-count",
    `${place}: expected at least one token and as many tags, got ${tokens} token${tokens === 1 ? "" : "s"} and ${tags} tag${tags === 1 ? "" : "s"}`,
  );
