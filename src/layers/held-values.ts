import { expectInteger, expectOneOf } from "../shared/errors.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";

/** What stands in the place of a value of a cell at every step: `keep` times it, plus `held`; both [H]. */
export interface Held {
  readonly keep: Tensor;
  readonly held: Tensor;
}

/** Asked once for each value of each layer and direction that can be held, by the name that its trace has (`f_l0`). */
export type Hold = (name: string, width: number) => Held;

/** The same under other names. */
export const renamed = (hold: Hold | undefined, name: (own: string) => string): Hold | undefined =>
  hold && ((own, width) => hold(name(own), width));

/** A value that is held at a number, for one unit or all. */
export interface HeldPlace {
  /** Name of the value, as in a trace. */
  readonly name: string;
  /** Default: all units of the layer. In a projected state a unit is one of the vector before projection. */
  readonly unit?: number | undefined;
  /** The number at every step. Default 0: a gate is closed, a unit of h is ablated. */
  readonly value?: number | undefined;
}

/**
 * Inputs of a graph by which values of its recurrent layers are held. One plan serves all cuts: which places are held is what is
 * written before a run.
 */
export class HeldValues {
  private readonly graph: Graph;
  private readonly known = new Map<string, Held>();

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** For `RecurrentInput.hold`. */
  readonly hold: Hold = (name, width) => {
    const old = this.known.get(name);
    if (old?.keep.shape[0] === width) return old;
    const held = {
      keep: this.graph.input(`keep.${name}`, [width]),
      held: this.graph.input(`held.${name}`, [width]),
    };
    this.known.set(name, held);
    return held;
  };

  /**
   * The numbers of all these inputs, by name, for a run in which the places are held and nothing else is.
   * @throws UsageError "unknown-choice", "out-of-range"
   */
  inputs(places: readonly HeldPlace[]): Map<string, Float32Array> {
    const all = new Map<string, Float32Array>();
    for (const [name, { keep }] of this.known) {
      all.set(`keep.${name}`, new Float32Array(keep.shape[0]!).fill(1));
      all.set(`held.${name}`, new Float32Array(keep.shape[0]!));
    }
    for (const place of places) {
      const name = expectOneOf("hold", place.name, [...this.known.keys()]);
      const [width] = this.known.get(name)!.keep.shape as [number];
      const { unit, value = 0 } = place;
      if (unit !== undefined) expectInteger("unit", unit, { min: 0, max: width - 1 });
      const [from, to] = unit === undefined ? [0, width] : [unit, unit + 1];
      all.get(`keep.${name}`)!.fill(0, from, to);
      all.get(`held.${name}`)!.fill(value, from, to);
    }
    return all;
  }
}
