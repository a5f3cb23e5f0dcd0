import { high } from "../shared/random.ts";

/** What a run's draws depend on. */
export interface DrawKey {
  /** A whole number up to 2^53 − 1. */
  readonly seed: number;
  /** Number of the training step. */
  readonly update: number;
  /** Default 0. */
  readonly firstExample?: number | undefined;
}

/** The random draws of a graph, each with a purpose of its own, and the four words that key each of them. */
export class RandomDraws {
  private readonly draws: { readonly names: readonly string[]; readonly perExample: boolean }[] = [];

  /**
   * Another draw; without `perExample` it is the same for all examples.
   * @returns names of the scalars with its words: seed, purpose, update and first example
   */
  add(perExample: boolean): readonly string[] {
    const names = ["seed", "purpose", "update", "example"].map((word) => `random.${this.draws.length}.${word}`);
    this.draws.push({ names, perExample });
    return names;
  }

  /** All words for one run, by name. */
  scalars({ seed, update, firstExample = 0 }: DrawKey): Record<string, number> {
    // A word holds 32 bits of a seed. Others put its purposes elsewhere, those of two seeds far apart (steps of the golden ratio).
    const from = Math.imul(high(seed), 0x9e3779b9);
    const scalars: Record<string, number> = {};
    for (const [purpose, { names, perExample }] of this.draws.entries()) {
      const words = [seed | 0, (from + purpose) | 0, update | 0, perExample ? firstExample : 0];
      for (const [k, name] of names.entries()) scalars[name] = words[k]!;
    }
    return scalars;
  }
}
