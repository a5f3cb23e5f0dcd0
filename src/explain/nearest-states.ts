import { expectInteger, expectOneOf, ShapeError, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { asSequence, pieces, type Tokens } from "../text/token-sequence.ts";
import { type Trace, type Traceable, traceInChunks, traceNames } from "./trace.ts";

export interface NearestStatesOptions {
  /** What the model reads: the corpus, token by token, in memory or in a file (`openCorpus`). */
  readonly corpus: ArrayLike<number> | Tokens;
  /** The state that others are compared with, [H|P]: of any text, from `trace` or a session. */
  readonly to: ArrayLike<number>;
  /** Default the last. */
  readonly layer?: number | undefined;
  /** Which value is compared; default that of the first state, "h". */
  readonly name?: string | undefined;
  /** How many places are given; default 10. */
  readonly count?: number | undefined;
  /** Of places that lie fewer steps apart only the best is given; default 1: all are. */
  readonly apart?: number | undefined;
  /** Steps of the corpus at which the state may not be found; default none. */
  readonly without?: ((step: number) => boolean) | undefined;
}

/** A step of the corpus. */
export interface StatePlace {
  /** From 0: the state after the token of this number. */
  readonly step: number;
  /** Cosine of the angle between the two states, −1 … 1. */
  readonly similarity: number;
}

/** For `expectOptions`. */
export const nearestNames = { corpus: 1, to: 1, layer: 1, name: 1, count: 1, apart: 1, without: 1 } as const;

/**
 * Where in a corpus a model was in the state most like the one given: what it takes to be alike. The corpus is read piece by piece,
 * memory is bounded whatever its length.
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
  const { corpus, to, layer, name, count = 10, apart = 1, without = () => false } = options;
  const { numLayers } = run.model.config;
  const at = expectInteger("layer", layer ?? numLayers - 1, { min: 0, max: numLayers - 1 });
  expectInteger("count", count, { min: 1 });
  expectInteger("apart", apart, { min: 1 });
  const names = traceNames(run.model);
  const value = expectOneOf("name", name ?? "h", names);
  if (corpus.length === 0) throw new UsageError("no-tokens", "corpus: expected at least one token, got none");
  const length = Math.hypot(...Array.from(to));
  const found: StatePlace[] = [];
  for await (const { firstStep, values } of traceOfCorpus(run, corpus, value)) {
    const { data, shape } = values[`${value}_l${at}`]!;
    const [steps, , width] = shape;
    if (width !== to.length)
      throw new ShapeError("shape-mismatch", `to: expected ${width} numbers, the width of ${value}, got ${to.length}`);
    for (let t = 0; t < steps; t++) {
      const step = firstStep + t;
      let [dot, squares] = [0, 0];
      for (let u = 0; u < width; u++) {
        const v = data[t * width + u]!;
        dot += v * to[u]!;
        squares += v * v;
      }
      const similarity = squares === 0 || length === 0 ? 0 : dot / (Math.sqrt(squares) * length);
      if (!without(step)) insert(found, { step, similarity }, count, apart);
    }
  }
  return found;
}

/** Numbers of the logits that a piece may have: they are computed beside the states. */
const LOGITS = 2 ** 19;

/** Traces of a corpus, piece by piece, with the state carried on from each to the next. */
async function* traceOfCorpus(
  run: Parameters<typeof nearestStates>[0],
  corpus: NearestStatesOptions["corpus"],
  name: string,
): AsyncGenerator<Pick<Trace, "values"> & { readonly firstStep: number }, void> {
  const sequence = "copyTo" in corpus ? corpus : asSequence(Int32Array.from(corpus));
  const steps = Math.min(2048, Math.max(64, Math.floor(LOGITS / run.model.config.vocabularySize)));
  let [before, initial] = [0, {} as Trace["final"]];
  for (const data of pieces(sequence)) {
    for await (const piece of traceInChunks(run, { data, initial }, { names: [name], steps })) {
      initial = piece.final;
      yield { values: piece.values, firstStep: before + piece.firstStep };
    }
    before += data.length;
  }
}

/** Keeps the best `count` places, the best first; of those that lie near each other the best. */
function insert(found: StatePlace[], place: StatePlace, count: number, apart: number): void {
  if (found.length === count && place.similarity <= found.at(-1)!.similarity) return;
  const near = found.findIndex(({ step }) => Math.abs(step - place.step) < apart);
  if (near >= 0) {
    if (found[near]!.similarity >= place.similarity) return;
    found.splice(near, 1);
  }
  const before = found.findIndex(({ similarity }) => similarity < place.similarity);
  found.splice(before < 0 ? found.length : before, 0, place);
  if (found.length > count) found.pop();
}
