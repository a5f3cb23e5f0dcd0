import type { Transform } from "../data/forecast-layout.ts";

/** A predicted value with its quantiles, ascending. */
interface Said {
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
 * How many times the distance from the point to the outermost quantile on its side a value lies away: an interval that is this much wider just holds it.
 * Undefined where an interval has no width on that side.
 */
function distance({ point, quantiles }: Said, truth: number, transform: Transform): number | undefined {
  const end = (truth < point ? quantiles[0]! : quantiles.at(-1)!).value;
  const [off, half] =
    transform === "log" ? [Math.log(truth / point), Math.log(end / point)] : [truth - point, end - point];
  const score = off / half;
  return Number.isFinite(score) ? Math.max(0, score) : off === 0 ? 0 : undefined;
}

/** Values that are enough to tell how wide intervals must be. */
const ENOUGH = 50;

/** Gathers how far values lay off that were forecast, to tell how much wider intervals have to be. */
export class IntervalWidth {
  private readonly scores: number[] = [];
  private nominal = 0;

  add(said: Said, truth: number, transform: Transform): void {
    const { quantiles } = said;
    if (quantiles.length < 2) return;
    this.nominal = quantiles.at(-1)!.level - quantiles[0]!.level;
    const score = distance(said, truth, transform);
    if (score !== undefined) this.scores.push(score);
  }

  /**
   * The factor by which intervals must be widened so that the outermost one holds the share of the values that it says, as far as chance does not explain the
   * difference: what is within one standard error of that share is left alone, and what is further off is brought to there. So few values change little, and many
   * give split conformal prediction (Vovk et al. 2005; for quantiles Romano, Patterson & Candès 2019, arXiv:1905.03222; here with scores in units of the interval).
   *
   * @param repeated how often each value was forecast: errors of windows that overlap tell the same again @returns undefined for fewer than 50 values
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
