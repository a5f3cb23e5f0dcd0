import type { Baseline, BaselineOptions, BaselineSeries } from "./baseline.ts";

/** The last value, again and again. */
export const naive = (all: readonly BaselineSeries[], { horizon }: BaselineOptions): Baseline => ({
  name: "naive (last value)",
  predict: (k, origin) => new Float64Array(horizon).fill(all[k]!.values[origin - 1]!),
});

/** The values of the last season. */
export const seasonalNaive = (all: readonly BaselineSeries[], { horizon, season }: BaselineOptions): Baseline => ({
  name: `seasonal naive (${season} steps before)`,
  predict(k, origin) {
    const { values } = all[k]!;
    return Float64Array.from({ length: horizon }, (_, h) => values[Math.max(0, origin - season + (h % season))]!);
  },
});

/** On along the line from the first value to the last one. */
export const drift = (all: readonly BaselineSeries[], { horizon }: BaselineOptions): Baseline => ({
  name: "drift",
  predict(k, origin) {
    const { values } = all[k]!;
    const last = values[origin - 1]!;
    const slope = origin > 1 ? (last - values[0]!) / (origin - 1) : 0;
    return Float64Array.from({ length: horizon }, (_, h) => last + slope * (h + 1));
  },
});
