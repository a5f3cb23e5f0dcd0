import type { Transform } from "../data/forecast-layout.ts";

/** A forecast of one value; quantiles ascending. */
interface IntervalForecast {
  readonly point: number;
  readonly quantiles: readonly { readonly level: number; readonly value: number }[];
}

/**
 * A quantile moved away from the point by a factor, or towards it; of logarithms, where those are learned.
 * @param factor 1: as it is
 */
export function widened(point: number, quantile: number, factor: number, transform: Transform): number {
  if (factor === 1) return quantile;
  return transform === "log" ? point * (quantile / point) ** factor : point + factor * (quantile - point);
}

/**
 * The distance of a value from the point, in units of the distance to the outermost quantile on its side: an interval widened by it just
 * holds the value. Undefined where the interval has no width on that side.
 */
function conformityScore(
  { point, quantiles }: IntervalForecast,
  truth: number,
  transform: Transform,
): number | undefined {
  const end = (truth < point ? quantiles[0]! : quantiles.at(-1)!).value;
  const [off, half] =
    transform === "log" ? [Math.log(truth / point), Math.log(end / point)] : [truth - point, end - point];
  const score = off / half;
  return Number.isFinite(score) ? Math.max(0, score) : off === 0 ? 0 : undefined;
}

/** Fewer values do not tell how wide intervals must be. */
const ENOUGH = 50;

/** Collects conformity scores of forecasts, to calibrate the width of their intervals. */
export class IntervalWidth {
  private readonly scores: number[] = [];
  private nominal = 0;

  add(forecast: IntervalForecast, truth: number, transform: Transform): void {
    const { quantiles } = forecast;
    if (quantiles.length < 2) return;
    this.nominal = quantiles.at(-1)!.level - quantiles[0]!.level;
    const score = conformityScore(forecast, truth, transform);
    if (score !== undefined) this.scores.push(score);
  }

  /**
   * The factor by which intervals must be widened so that the outermost one holds its nominal share of the values, as far as chance does
   * not explain the difference: a coverage within one standard error of the nominal one is left alone, any other is brought to that
   * bound. So few values change little, and many give split conformal prediction (Vovk et al. 2005; for quantiles Romano, Patterson &
   * Candès 2019, arXiv:1905.03222; here with scores in units of the interval).
   *
   * @param repeated how often each value was forecast: errors of overlapping windows are not independent
   * @returns undefined for fewer than 50 values
   */
  factor(repeated: number): number | undefined {
    const { scores, nominal } = this;
    const n = scores.length;
    if (n < ENOUGH) return undefined;
    const held = scores.filter((score) => score <= 1).length / n;
    const chance = Math.sqrt((nominal * (1 - nominal)) / Math.max(1, n / repeated));
    if (Math.abs(held - nominal) <= chance) return 1;
    const share = held < nominal ? nominal - chance : nominal + chance;
    const sorted = Float64Array.from(scores).sort();
    return sorted[Math.min(n, Math.ceil((n + 1) * share)) - 1]!;
  }
}
