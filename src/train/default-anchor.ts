import type { Anchor } from "../data/forecast-layout.ts";
import type { TimeSeries } from "../data/time-series.ts";
import { varies } from "../shared/varies.ts";

export interface UsualAnchorOptions {
  readonly targets: readonly string[];
  readonly horizon: number;
  readonly season: number;
  /** Whether the season before may be chosen. */
  readonly seasonal: boolean;
}

/** Origins of each series that are looked at. */
const ORIGINS = 500;

/**
 * What predictions are best differences to: whichever of nothing (the mean of the series), the last value and the season before is by itself the least wrong about
 * what is learned from, each series measured by its deviation.
 */
export function usualAnchor(train: readonly TimeSeries[], options: UsualAnchorOptions): Anchor {
  const { targets, horizon, season, seasonal } = options;
  const errors = { none: 0, last: 0, season: 0 };
  for (const { values, length } of train)
    for (const name of targets) {
      const y = values[name]!;
      const there = y.filter((value) => !Number.isNaN(value));
      const mean = there.reduce((sum, value) => sum + value / there.length, 0);
      const spread = there.reduce((sum, value) => sum + Math.abs(value - mean) / there.length, 0);
      if (!varies(spread, mean)) continue;
      const stride = Math.max(1, Math.floor(length / ORIGINS));
      for (let origin = season; origin + horizon <= length; origin += stride)
        for (let h = 0; h < horizon; h++) {
          const [truth, last, before] = [y[origin + h]!, y[origin - 1]!, y[origin - season + (h % season)]!];
          if (Number.isNaN(truth + last + before)) continue;
          errors.none += Math.abs(truth - mean) / spread;
          errors.last += Math.abs(truth - last) / spread;
          errors.season += Math.abs(truth - before) / spread;
        }
    }
  const order: readonly Anchor[] = seasonal ? ["last", "season", "none"] : ["last", "none"];
  return order.reduce((best, one) => (errors[one] < errors[best] ? one : best));
}
