import { takeTurns } from "../platform/turns.ts";
import { expectInteger, ShapeError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Abortable } from "../shared/signal.ts";

/** A step at which a state was compared. */
export interface StatePlace {
  /** Index of the step, from 0: the state after this token. */
  readonly step: number;
  /** Cosine similarity of the two states, −1 … 1. */
  readonly similarity: number;
}

/** Values of one example over some steps, [T, 1, H] or [T, H], as a trace has them. */
export interface StatePiece {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** The step of the whole that its first is; default 0. */
  readonly firstStep?: number | undefined;
}

/** Options of `nearestPlaces`. */
export interface NearestPlacesOptions extends Abortable {
  /** The state to compare with, [H|P], from `trace` or a session. */
  readonly to: ArrayLike<number>;
  /** Number of places to return. Default 10. */
  readonly count?: number | undefined;
  /** Minimum distance in steps: of closer places only the best is returned. Default 1. */
  readonly apart?: number | undefined;
  /** Steps to skip. Default none. */
  readonly without?: ((step: number) => boolean) | undefined;
}

/**
 * Finds the steps of a trace, of any model, at which the state was most similar to a given one. Long traces are read piece by piece.
 * @example
 * ```ts
 * const { values } = await model.trace({ input });
 * const places = await nearestPlaces([values["lstm.h"]], { to: values["lstm.h"].data.slice(-hiddenSize) });
 * ```
 * @returns the most similar first
 * @throws UsageError "out-of-range", "not-an-integer"; ShapeError when `to` has another width; the reason of `signal`
 */
export async function nearestPlaces(
  pieces: Iterable<StatePiece> | AsyncIterable<StatePiece>,
  options: NearestPlacesOptions,
): Promise<StatePlace[]> {
  expectOptions("nearestPlaces", options, { to: "required", count: 1, apart: 1, without: 1, signal: 1 });
  const { to, count = 10, apart = 1, without = () => false, signal } = options;
  expectInteger("count", count, { min: 1 });
  expectInteger("apart", apart, { min: 1 });
  const length = Math.hypot(...Array.from(to));
  const found: StatePlace[] = [];
  const turns = takeTurns(signal);
  for await (const { shape, data, firstStep = 0 } of pieces) {
    await turns();
    const width = shape.at(-1)!;
    if (width !== to.length)
      throw new ShapeError(
        "shape-mismatch",
        `to: expected ${width} numbers, the width of the states, got ${to.length}`,
      );
    for (let t = 0; t < shape[0]!; t++) {
      let [dot, squares] = [0, 0];
      for (let u = 0; u < width; u++) {
        const v = data[t * width + u]!;
        dot += v * to[u]!;
        squares += v * v;
      }
      const similarity = squares === 0 || length === 0 ? 0 : dot / (Math.sqrt(squares) * length);
      const step = firstStep + t;
      // A state that is no number is like none.
      if (!Number.isNaN(similarity) && !without(step)) insert(found, { step, similarity }, count, apart);
    }
  }
  return found;
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
