import type { RandomStream } from "../shared/random.ts";

const BLOCK = 64;

/** Random numbers one after the other, where it is not known before how many are needed. */
export class Draws {
  private readonly random: RandomStream;
  private block: Float64Array = new Float64Array(0);
  private used = 0;
  private blocks = 0;

  constructor(random: RandomStream) {
    this.random = random;
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    if (this.used === this.block.length) {
      this.block = this.random.at(this.blocks++).uniform(BLOCK);
      this.used = 0;
    }
    return this.block[this.used++]!;
  }

  /** A whole number from `low` to `high`, both possible. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** One of them. */
  of<T>(items: readonly T[]): T {
    return items[this.whole(0, items.length - 1)]!;
  }
}
