import { expectOptions } from "../shared/options.ts";
import { expectTokens } from "../text/token-sequence.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { StatePlace } from "./nearest-places.ts";
import { type NearestStatesOptions, nearestNames, nearestStates } from "./nearest-states.ts";

/** Options of `nearestPassages`. */
export interface NearestPassagesOptions extends NearestStatesOptions {
  readonly tokenizer: Tokenizer;
  /** Number of tokens to show on either side. Default 32. */
  readonly around?: number | undefined;
}

/** A place in a corpus with its text. */
export interface NearestPassage extends StatePlace {
  readonly before: string;
  /** The token after which the state was compared. */
  readonly here: string;
  readonly after: string;
}

/**
 * Searches a corpus like `nearestStates`, and returns the text around each place.
 * @returns the most similar first
 * @throws what `nearestStates` throws
 */
export async function nearestPassages(
  run: Parameters<typeof nearestStates>[0],
  options: NearestPassagesOptions,
): Promise<NearestPassage[]> {
  expectOptions("nearestPassages", options, { ...nearestNames, tokenizer: "required", around: 1 });
  const { tokenizer, around = 32, ...asked } = options;
  const corpus = expectTokens("corpus", options.corpus);
  const found = await nearestStates(run, asked);
  return passagesOf(found, around, (from, to) => {
    const [start, end] = [Math.max(0, from), Math.min(corpus.length, to)];
    const tokens = new Int32Array(Math.max(0, end - start));
    corpus.copyTo(tokens, 0, start, tokens.length);
    return tokenizer.decode(tokens);
  });
}

/** Places with what stands around them. `spelled` gives what was read from a step to another, both of which may lie outside. */
export const passagesOf = (
  places: readonly StatePlace[],
  around: number,
  spelled: (from: number, to: number) => string,
): NearestPassage[] =>
  places.map((place) => ({
    ...place,
    before: spelled(place.step - around, place.step),
    here: spelled(place.step, place.step + 1),
    after: spelled(place.step + 1, place.step + 1 + around),
  }));
