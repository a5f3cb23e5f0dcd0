/** The recent tokens of a text, for windows of any size. It keeps where each token came last: memory is bounded by the vocabulary. */
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

  /** Number of different tokens in the whole text. */
  get size(): number {
    return this.#lastAt.size;
  }
}
