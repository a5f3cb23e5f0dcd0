/**
 * Which tokens of a text came lately, for any number of tokens that counts as that: where each came last, so that an endless text takes no
 * more memory than its vocabulary.
 */
export class RecentTokens {
  readonly #lastAt = new Map<number, number>();
  #count = 0;

  push(token: number): void {
    this.#lastAt.set(token, this.#count++);
  }

  /** Each of the last `window` tokens, once. */
  *within(window: number): Generator<number, void> {
    for (const [token, at] of this.#lastAt) if (at >= this.#count - window) yield token;
  }

  /** How many tokens are remembered: different ones. */
  get size(): number {
    return this.#lastAt.size;
  }
}
