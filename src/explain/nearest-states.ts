import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { asSequence, pieces, type Tokens } from "../text/token-sequence.ts";
import { type NearestPlacesOptions, nearestPlaces, type StatePiece, type StatePlace } from "./nearest-places.ts";
import { type Trace, type Traceable, traceInChunks, traceNames } from "./trace.ts";

export interface NearestStatesOptions extends NearestPlacesOptions {
  /** What the model reads: the corpus, token by token, in memory or in a file (`openCorpus`). */
  readonly corpus: ArrayLike<number> | Tokens;
  /** Default the last. */
  readonly layer?: number | undefined;
  /** Which value is compared; default that of the first state, "h". */
  readonly name?: string | undefined;
}

/** For `expectOptions`. */
export const nearestNames = {
  corpus: "required",
  to: "required",
  layer: 1,
  name: 1,
  count: 1,
  apart: 1,
  without: 1,
} as const;

/**
 * Where in a corpus a language model was in the state most like the one given: what it takes to be alike. The corpus is read piece by
 * piece, memory is bounded whatever its length. `nearestPlaces` does the same in traces of other models.
 *
 * @example
 * ```ts
 * const { values } = await trace(run, { data: tokenizer.encode("the cat ") });
 * const to = values.h_l0.data.slice(-hiddenSize);
 * const places = await nearestStates(run, { corpus: tokenizer.encode(book), to });
 * ```
 * @returns the most similar first
 * @throws UsageError "no-tokens", "out-of-range", "unknown-choice"; ShapeError when `to` has another width
 */
export async function nearestStates(
  run: Traceable & {
    readonly model: { readonly config: { readonly numLayers: number; readonly vocabularySize: number } };
  },
  options: NearestStatesOptions,
): Promise<StatePlace[]> {
  expectOptions("nearestStates", options, nearestNames);
  const { corpus, layer, name, ...asked } = options;
  const { numLayers } = run.model.config;
  const at = expectInteger("layer", layer ?? numLayers - 1, { min: 0, max: numLayers - 1 });
  const value = expectOneOf("name", name ?? "h", traceNames(run.model));
  if (corpus.length === 0) throw new UsageError("no-tokens", "corpus: expected at least one token, got none");
  return nearestPlaces(statesOver(run, corpus, value, at), asked);
}

/** Numbers of the logits that a piece may have: they are computed beside the states. */
const LOGITS = 2 ** 19;

/** A value over a corpus, piece by piece, with the state carried on from each to the next. */
async function* statesOver(
  run: Parameters<typeof nearestStates>[0],
  corpus: NearestStatesOptions["corpus"],
  name: string,
  layer: number,
): AsyncGenerator<StatePiece, void> {
  const sequence = "copyTo" in corpus ? corpus : asSequence(Int32Array.from(corpus));
  const steps = Math.min(2048, Math.max(64, Math.floor(LOGITS / run.model.config.vocabularySize)));
  let [before, initial] = [0, {} as Trace["final"]];
  for (const data of pieces(sequence)) {
    for await (const piece of traceInChunks(run, { data, initial }, { names: [name], steps })) {
      initial = piece.final;
      yield { ...piece.values[`${name}_l${layer}`]!, firstStep: before + piece.firstStep };
    }
    before += data.length;
  }
}
