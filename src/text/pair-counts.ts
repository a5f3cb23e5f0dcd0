/**
 * How often each pair of whole numbers occurred: a hash table with open addressing in typed arrays. A Map ends at 2^24
 * entries and takes five times the memory; a dense table of 10,000² words would take 400 MB.
 */
export class PairCounts {
  /** first · width + second, or −1 where the slot is free. Doubles, because width² may exceed 2^32. */
  #keys = new Float64Array(1 << 12).fill(-1);
  #counts = new Float64Array(1 << 12);
  #size = 0;
  readonly #width: number;

  /** @param width upper bound of the second number of a pair, at most 2^26 */
  constructor(width: number) {
    this.#width = width;
  }

  /** How many different pairs there are. */
  get size(): number {
    return this.#size;
  }

  add(first: number, second: number, times = 1): void {
    const key = first * this.#width + second;
    const slot = this.#slot(key);
    if (this.#keys[slot] === -1) {
      this.#keys[slot] = key;
      this.#size++;
    }
    this.#counts[slot]! += times;
    if (2 * this.#size > this.#keys.length) this.#grow();
  }

  get(first: number, second: number): number {
    return this.#counts[this.#slot(first * this.#width + second)]!;
  }

  /** In the order of the table, which depends on the order of `add`. */
  forEach(visit: (first: number, second: number, times: number) => void): void {
    for (let slot = 0; slot < this.#keys.length; slot++) {
      const key = this.#keys[slot]!;
      if (key === -1) continue;
      const first = Math.floor(key / this.#width);
      visit(first, key - first * this.#width, this.#counts[slot]!);
    }
  }

  #slot(key: number): number {
    const mask = this.#keys.length - 1;
    const mixed = Math.imul(
      ((key % 0x100000000) | 0) ^ Math.imul(Math.floor(key / 0x100000000), 0x85ebca6b),
      0x9e3779b1,
    );
    let slot = (mixed ^ (mixed >>> 15)) & mask;
    while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const keys = this.#keys;
    const counts = this.#counts;
    this.#keys = new Float64Array(2 * keys.length).fill(-1);
    this.#counts = new Float64Array(2 * keys.length);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] === -1) continue;
      const slot = this.#slot(keys[i]!);
      this.#keys[slot] = keys[i]!;
      this.#counts[slot] = counts[i]!;
    }
  }
}
