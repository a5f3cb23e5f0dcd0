import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { RandomStream } from "../shared/random.ts";

/** Options of `stratifiedSplit`. */
export interface StratifiedSplitOptions {
  /** Share of each class that is kept for validation, about every ⌊1 ÷ share⌋-th example. 0: none. Default 0.1. */
  readonly validation?: number | undefined;
  /** Seed of the selection. Default 0. */
  readonly seed?: number | undefined;
}

/** Indices of examples, each list ascending. */
export interface Split {
  readonly train: readonly number[];
  readonly validation: readonly number[];
}

/**
 * Splits examples so that classes have the same shares in both parts. A class always keeps a training example.
 * @param labels Class of each example; all the same where nothing is to be balanced (regression).
 * @throws UsageError "out-of-range"
 */
export function stratifiedSplit(labels: readonly string[], options: StratifiedSplitOptions = {}): Split {
  expectOptions("stratifiedSplit", options, { validation: 1, seed: 1 });
  const { validation: share = 0.1 } = options;
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  if (!(share >= 0 && share <= 0.5))
    throw new UsageError("out-of-range", `validation: expected a share from 0 to 0.5, got ${share}`);
  const all = Array.from(labels, (_, k) => k);
  if (share === 0) return { train: all, validation: [] };
  const classes = new Map<string, number[]>();
  for (const k of new RandomStream(seed, "split").permutation(labels.length)) {
    const members = classes.get(labels[k]!);
    if (members) members.push(k);
    else classes.set(labels[k]!, [k]);
  }
  const every = Math.round(1 / share);
  const kept = new Set<number>();
  let place = 0;
  for (const name of [...classes.keys()].sort())
    for (const [rank, k] of classes.get(name)!.entries()) if (place++ % every === every - 1 && rank > 0) kept.add(k);
  return { train: all.filter((k) => !kept.has(k)), validation: all.filter((k) => kept.has(k)) };
}
