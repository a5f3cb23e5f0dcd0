import type { Anchor } from "../data/forecast-layout.ts";
import type { TimeSeries } from "../data/time-series.ts";
import { varies } from "../shared/varies.ts";

export interface DefaultAnchorOptions {
  readonly targets: readonly string[];
  readonly horizon: number;
  readonly season: number;
  /** Whether "season" may be chosen. */
  readonly seasonal: boolean;
}

/** Most origins of each series that are evaluated. */
const ORIGINS = 500;

/**
 * The anchor whose own forecast has the least error on the training part: the mean of the series ("none"), the last value, or the value
 * one season before. Errors of each series are divided by its mean absolute deviation.
 */
export function defaultAnchor(train: readonly TimeSeries[], options: DefaultAnchorOptions): Anchor {
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
