/** A pair of tokens that becomes one, and when: pairs of lower rank first. */
export interface PairMerge {
  readonly rank: number;
  readonly token: number;
}

/** Pairs are numbered by first · 2^26 + second, which stays exact. */
export const PAIR = 2 ** 26;
/** Code units of a token: longer ones are not made, and no file is believed that has one. */
export const LONGEST_TOKEN = 4096;

/**
 * Joins neighbouring tokens of a piece as the merges say: always the pair of lowest rank, of equal ones the leftmost, until
 * none is left. A heap of pairs: n log n for a piece of n tokens.
 * @see Sennrich et al. 2016 (arXiv:1508.07909)
 */
export function mergePairs(tokens: readonly number[], merges: ReadonlyMap<number, PairMerge>): number[] {
  const n = tokens.length;
  if (n < 2) return [...tokens];
  const current = [...tokens];
  const previous = Array.from({ length: n }, (_, i) => i - 1);
  const next = Array.from({ length: n }, (_, i) => (i + 1 < n ? i + 1 : -1));
  const heap = new Heap<Candidate>((a, b) => a.rank < b.rank || (a.rank === b.rank && a.at < b.at));
  const offer = (at: number): void => {
    const right = at < 0 ? -1 : next[at]!;
    if (right < 0) return;
    const merge = merges.get(current[at]! * PAIR + current[right]!);
    if (merge) heap.push({ rank: merge.rank, at, first: current[at]!, second: current[right]!, token: merge.token });
  };
  for (let i = 0; i + 1 < n; i++) offer(i);
  for (let best = heap.pop(); best; best = heap.pop()) {
    const right = next[best.at]!;
    // Since it was offered one of the two may have been joined to another.
    if (right < 0 || current[best.at] !== best.first || current[right] !== best.second) continue;
    current[best.at] = best.token;
    current[right] = -1;
    next[best.at] = next[right]!;
    if (next[right]! >= 0) previous[next[right]!] = best.at;
    next[right] = -1;
    offer(previous[best.at]!);
    offer(best.at);
  }
  return current.filter((token) => token >= 0);
}

interface Candidate extends PairMerge {
  readonly at: number;
  readonly first: number;
  readonly second: number;
}

/** A binary heap: `pop` gives what comes before all others. */
export class Heap<T> {
  readonly #items: T[] = [];
  readonly #before: (a: T, b: T) => boolean;

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before;
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.length;
    items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(item, items[parent]!)) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (items.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#before(items[child + 1]!, items[child]!)) child++;
      if (!this.#before(items[child]!, last)) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return top;
  }
}
