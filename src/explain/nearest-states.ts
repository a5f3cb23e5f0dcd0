import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { expectTokens, pieces, type Tokens } from "../text/token-sequence.ts";
import { type NearestPlacesOptions, nearestPlaces, type StatePiece, type StatePlace } from "./nearest-places.ts";
import { layersOf, type Trace, type Traceable, traceInChunks, traceNames } from "./trace.ts";

/** Options of `nearestStates`. */
export interface NearestStatesOptions extends NearestPlacesOptions {
  /** The tokens to search, in memory or in a file (`openCorpus`). */
  readonly corpus: Tokens;
  /** Index of the layer. Default: the last. */
  readonly layer?: number | undefined;
  /** The value to compare. Default: the cell's first state ("h"). */
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
  signal: 1,
} as const;

/**
 * Finds where in a corpus the state of a language model was most similar to a given one. The corpus is read piece by piece, in bounded
 * memory. `nearestPlaces` does the same for traces of other models.
 * @example
 * ```ts
 * const { values } = await trace(run, { data: tokenizer.encode("the cat ") });
 * const to = values.h_l0.data.slice(-hiddenSize);
 * const places = await nearestStates(run, { corpus: tokenizer.encode(book), to });
 * ```
 * @returns the most similar first
 * @throws UsageError "no-tokens", "out-of-range", "unknown-choice"; ShapeError when `to` has another width; the
 *   reason of `signal`
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
  const value = expectOneOf("name", name ?? layersOf(run.model).options.cell.states[0]!.name, traceNames(run.model));
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
  const steps = Math.min(2048, Math.max(64, Math.floor(LOGITS / run.model.config.vocabularySize)));
  let [before, initial] = [0, {} as Trace["final"]];
  for (const data of pieces(expectTokens("corpus", corpus))) {
    for await (const piece of traceInChunks(run, { data, initial }, { names: [name], steps })) {
      initial = piece.final;
      yield { ...piece.values[`${name}_l${layer}`]!, firstStep: before + piece.firstStep };
    }
    before += data.length;
  }
}
