import type { PreparedSeries } from "../data/forecast-inputs.ts";
import type { ForecastLayout } from "../data/forecast-layout.ts";
import { splitSeries } from "../data/forecast-split.ts";
import { type Span, windowsOf } from "../data/forecast-windows.ts";
import { fitScaling, quantileOf } from "../data/series-scaling.ts";
import { observedLength, part, type TimeSeries, type TimeSeriesSet } from "../data/time-series.ts";
import { takeTurns } from "../platform/turns.ts";
import { expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import type { Baseline, BaselineSeries } from "./baselines/baseline.ts";
import { drift, naive, seasonalNaive } from "./baselines/copies.ts";
import { exponentialSmoothing } from "./baselines/exponential-smoothing.ts";
import { linearMap } from "./baselines/linear-map.ts";
import { ForecastScorer, type ForecastScores } from "./forecast-scores.ts";
import type { Forecaster, ForecastOptions } from "./forecaster.ts";

/** A series that was split before: as `trainForecaster` gives it, with its parts. */
export interface BacktestSeries {
  readonly source: TimeSeries;
  readonly prepared: PreparedSeries;
  /** Steps that baselines are fitted to: the training part of the model. */
  readonly train: Span;
  /** Steps that are predicted. */
  readonly test: Span;
}

/** Options of `backtest`. */
export interface BacktestOptions extends Pick<ForecastOptions, "levels" | "samples" | "seed" | "recent" | "signal"> {
  /** Series from `readTimeSeries` or `timeSeriesSet`. Their last part is predicted; simple methods learn from everything before it. */
  readonly data?: Pick<TimeSeriesSet, "series"> | undefined;
  /**
   * The last part of each series of `data`: a share (at least H steps), or a number of steps. Default 0.1. It should not contain
   * training or validation data: give `trainForecaster` the same `test`.
   */
  readonly test?: number | undefined;
  /** Series that were split in another way, instead of `data`. */
  readonly series?: readonly BacktestSeries[] | undefined;
  /** Steps between two origins. Default 1, more if there would be more than 500 origins. */
  readonly stride?: number | undefined;
  /** Whether simple methods are evaluated too. Default true. */
  readonly baselines?: boolean | undefined;
}

/** Scores of one method; the first row is the model. */
export interface BacktestRow {
  readonly name: string;
  /** Scores by target column. */
  readonly scores: Readonly<Record<string, ForecastScores>>;
}

/** What `backtest` gives. */
export interface Backtest {
  readonly rows: readonly BacktestRow[];
  readonly origins: number;
  readonly stride: number;
}

/** Most origins without `stride`. */
const DEFAULT_ORIGINS = 500;
/** Most origins of the training part whose errors give the intervals of a baseline. */
const RESIDUAL_ORIGINS = 200;

/**
 * Backtests a forecaster with a rolling origin, and simple methods beside it: last value, last season, drift, exponential smoothing and
 * a linear map. Each forecast uses only what was known at its origin. The intervals of the simple methods are quantiles of their errors
 * on the training part, per step.
 * @example
 * ```ts no-run
 * const { rows } = await backtest(forecaster, { data, test: 0.2 });
 * for (const { name, scores } of rows) console.log(name, scores.sales.mase); // the model first
 * ```
 * @throws UsageError "series-too-short" when there is no origin, "missing-option", "bad-option", "out-of-range"; the
 *   reason of `signal`
 */
export async function backtest(forecaster: Forecaster, options: BacktestOptions): Promise<Backtest> {
  expectOptions("backtest", options, {
    data: 1,
    test: 1,
    series: 1,
    stride: 1,
    baselines: 1,
    seed: 1,
    levels: 1,
    samples: 1,
    recent: 1,
    signal: 1,
  });
  const { layout } = forecaster;
  const series = seriesOf(forecaster, options);
  const prepared = series.map((one) => one.prepared);
  const windowsAt = (stride: number) =>
    windowsOf(
      prepared,
      series.map(({ test }) => test),
      layout,
      stride,
    );
  const all = windowsAt(1).length;
  if (all === 0)
    throw new UsageError(
      "series-too-short",
      `backtest: expected steps to forecast, at least ${layout.horizon} behind ${layout.context} that are looked back at; there are none`,
    );
  const stride = expectInteger("stride", options.stride ?? Math.ceil(all / DEFAULT_ORIGINS), { min: 1 });
  const windows = windowsAt(stride);
  const { levels: asked, samples, seed, recent, signal } = options;
  const found = await forecaster.predict(windows, { levels: asked, samples, seed, recent, signal });
  const turns = takeTurns(signal);
  const indexOf = new Map(prepared.map((one, k) => [one, k]));
  const levels = found[0]![layout.targets[0]!]!.quantiles.map(({ level }) => level);
  const rows = new Map<string, Record<string, ForecastScores>>();
  const put = (name: string, target: string, scores: ForecastScores): void => {
    rows.set(name, { ...rows.get(name), [target]: scores });
  };
  for (const target of layout.targets) {
    const flat = series.map(({ source, train }): BaselineSeries => {
      return { values: filled(source.values[target]!), trainEnd: train.to };
    });
    await turns();
    const naiveErrors = flat.map((one, k) => naiveError(one, series[k]!.source.values[target]!, layout.season));
    const deviations = series.map(({ source, train }) => {
      return fitScaling("standard", part(source, train.from, train.to), [target])[target]!.scale;
    });
    const score = async (forecast: (w: number, k: number, origin: number) => Forecast): Promise<ForecastScores> => {
      const scorer = new ForecastScorer();
      for (const [w, { series: of, origin }] of windows.entries()) {
        await turns();
        const k = indexOf.get(of)!;
        const truth = series[k]!.source.values[target]!.subarray(origin, origin + layout.horizon);
        scorer.add({ truth, naiveError: naiveErrors[k]!, scale: deviations[k]!, ...forecast(w, k, origin) });
      }
      return scorer.scores();
    };
    put("this model", target, await score((w) => found[w]![target]!));
    if (options.baselines === false) continue;
    for (const baseline of baselinesFor(flat, layout)) {
      const offsets: ReturnType<typeof residuals>[] = [];
      for (const [k, one] of flat.entries()) {
        await turns();
        offsets.push(residuals(baseline, k, one, layout, levels));
      }
      put(
        baseline.name,
        target,
        await score((_, k, origin) => {
          const point = baseline.predict(k, origin);
          const quantiles = offsets[k]!.map(({ level, values }) => ({
            level,
            values: point.map((value, h) => value + values[h]!),
          }));
          return { point, quantiles };
        }),
      );
    }
  }
  return { rows: [...rows].map(([name, scores]) => ({ name, scores })), origins: windows.length, stride };
}

/** The series with their parts. */
function seriesOf(forecaster: Forecaster, { data, test, series }: BacktestOptions): readonly BacktestSeries[] {
  if ((data === undefined) === (series === undefined) || (series !== undefined && test !== undefined))
    throw new UsageError(
      data === undefined && series === undefined ? "missing-option" : "bad-option",
      "backtest: expected data, with test if its last part is not a tenth, or series that are already split",
    );
  if (series !== undefined) return series;
  const { targets, horizon } = forecaster.layout;
  return data!.series.map((source) => {
    const spans = splitSeries(observedLength(source, targets), horizon, { validation: 0, test: test ?? 0.1 });
    return { source, prepared: forecaster.prepare(source), train: spans.train, test: spans.test };
  });
}

type Forecast = Pick<Parameters<ForecastScorer["add"]>[0], "point" | "quantiles">;

function baselinesFor(
  all: readonly BaselineSeries[],
  options: Pick<ForecastLayout, "context" | "horizon" | "season" | "transform">,
): Baseline[] {
  const rules = [naive, ...(options.season > 1 ? [seasonalNaive] : []), drift, exponentialSmoothing, linearMap];
  const plain = rules.map((rule) => rule(all, options));
  if (options.transform !== "log") return plain;
  // A model of logarithms is compared with baselines of logarithms, too.
  const logs = all.map((one) => ({ ...one, values: one.values.map(Math.log) }));
  const further = [exponentialSmoothing, linearMap].map((rule): Baseline => {
    const { name, predict } = rule(logs, options);
    return { name: `${name} of logarithms`, predict: (k, origin) => predict(k, origin).map(Math.exp) };
  });
  return [...plain, ...further];
}

/** Quantiles of the errors of a baseline at origins of the training part, by step; none for fewer than ten origins. */
function residuals(
  baseline: Baseline,
  k: number,
  { values, trainEnd }: BaselineSeries,
  { context, horizon }: { readonly context: number; readonly horizon: number },
  levels: readonly number[],
): { level: number; values: Float64Array }[] {
  const count = trainEnd - horizon - context + 1;
  if (levels.length === 0 || count < 10) return [];
  const stride = Math.max(1, Math.ceil(count / RESIDUAL_ORIGINS));
  const errors = Array.from({ length: horizon }, (): number[] => []);
  for (let origin = context; origin + horizon <= trainEnd; origin += stride)
    for (const [h, value] of baseline.predict(k, origin).entries()) errors[h]!.push(values[origin + h]! - value);
  const sorted = errors.map((one) => Float64Array.from(one).sort());
  return levels.map((level) => ({ level, values: Float64Array.from(sorted, (one) => quantileOf(one, level)) }));
}

/** Fills gaps with the value before, at the beginning with the first value. */
function filled(values: Float64Array): Float64Array {
  let last = values.find((value) => !Number.isNaN(value)) ?? 0;
  return values.map((value) => {
    last = Number.isNaN(value) ? last : value;
    return last;
  });
}

/** Mean absolute error of the one-step seasonal naive forecast on the training part; NaN without any error. */
function naiveError({ trainEnd }: BaselineSeries, values: Float64Array, season: number): number {
  let [sum, n] = [0, 0];
  for (let t = season; t < trainEnd; t++) {
    const error = Math.abs(values[t]! - values[t - season]!);
    if (Number.isNaN(error)) continue;
    sum += error;
    n += 1;
  }
  return n > 0 && sum > 0 ? sum / n : Number.NaN;
}
