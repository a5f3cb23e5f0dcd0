import { takeTurns } from "../platform/turns.ts";
import type { Abortable } from "../shared/signal.ts";
import { Heap, LONGEST_TOKEN, PAIR } from "./pair-merges.ts";

export interface CountedWord {
  /** Tokens of the alphabet. */
  readonly tokens: readonly number[];
  readonly times: number;
}

export interface LearnMergesOptions extends Abortable {
  /** The alphabet, in the order of ids. */
  readonly tokens: readonly string[];
  /** Most tokens at the end. */
  readonly size: number;
  readonly minCount: number;
}

interface Candidate {
  readonly pair: number;
  readonly count: number;
}

/**
 * Joins the most frequent pair of neighbours, again and again; of equally frequent ones the pair of the smallest ids.
 *
 * Counts are kept up to date: a merge visits only the words that have the pair, so that megabytes of text take seconds.
 * @see Sennrich et al. 2016 (arXiv:1508.07909), algorithm 1
 */
export async function learnMerges(
  counted: readonly CountedWord[],
  options: LearnMergesOptions,
): Promise<{ readonly tokens: string[]; readonly merges: [string, string][] }> {
  const tokens = [...options.tokens];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const merges: [string, string][] = [];
  const words = counted.map(({ tokens: word }) => [...word]);
  const counts = new Map<number, number>();
  /** In which words a pair has been; some may have lost it, some may stand there twice. */
  const places = new Map<number, number[]>();
  const count = (first: number, second: number, times: number, word: number): void => {
    const pair = first * PAIR + second;
    counts.set(pair, (counts.get(pair) ?? 0) + times);
    if (times <= 0) return;
    const list = places.get(pair);
    if (!list) places.set(pair, [word]);
    else if (list.at(-1) !== word) list.push(word);
  };
  words.forEach((word, w) => {
    for (let i = 0; i + 1 < word.length; i++) count(word[i]!, word[i + 1]!, counted[w]!.times, w);
  });
  const heap = new Heap<Candidate>((a, b) => a.count > b.count || (a.count === b.count && a.pair < b.pair));
  for (const [pair, times] of counts) heap.push({ pair, count: times });

  const turns = takeTurns(options.signal);
  while (tokens.length < options.size) {
    await turns();
    const best = heap.pop();
    if (!best || best.count < options.minCount) break;
    const now = counts.get(best.pair) ?? 0;
    if (now !== best.count) {
      // Joins since then have changed its count.
      if (now > 0) heap.push({ pair: best.pair, count: now });
      continue;
    }
    const [first, second] = [Math.floor(best.pair / PAIR), best.pair % PAIR];
    const text = tokens[first]! + tokens[second]!;
    if (text.length > LONGEST_TOKEN) continue;
    // Other pairs may have made the same text before.
    const token = ids.get(text) ?? tokens.push(text) - 1;
    ids.set(text, token);
    merges.push([tokens[first]!, tokens[second]!]);
    const changed = new Set<number>();
    for (const w of new Set(places.get(best.pair)))
      joinIn(words[w]!, first, second, token, (a, b, sign) => {
        count(a, b, sign * counted[w]!.times, w);
        if (sign > 0) changed.add(a * PAIR + b);
      });
    counts.delete(best.pair);
    places.delete(best.pair);
    for (const pair of changed) heap.push({ pair, count: counts.get(pair) ?? 0 });
  }
  return { tokens, merges };
}

/** Joins a pair wherever it stands in a word, from the left, and tells which neighbours come (+1) and go (−1). */
function joinIn(
  word: number[],
  first: number,
  second: number,
  token: number,
  tell: (a: number, b: number, sign: 1 | -1) => void,
): void {
  let kept = 0;
  for (let i = 0; i < word.length; i++) {
    if (word[i] !== first || word[i + 1] !== second) {
      word[kept++] = word[i]!;
      continue;
    }
    if (kept > 0) {
      tell(word[kept - 1]!, first, -1);
      tell(word[kept - 1]!, token, 1);
    }
    if (i + 2 < word.length) {
      tell(second, word[i + 2]!, -1);
      tell(token, word[i + 2]!, 1);
    }
    word[kept++] = token;
    i++;
  }
  word.length = kept;
}
