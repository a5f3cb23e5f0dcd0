import type { Machine } from "../compute/machine.ts";
import { type ForecastWindow, type PreparedSeries, prepareSeries, windowInputs } from "../data/forecast-inputs.ts";
import { type ForecastLayout, inverseOf } from "../data/forecast-layout.ts";
import { expectWindows, stepsReadAhead } from "../data/forecast-windows.ts";
import { quantileOf } from "../data/series-scaling.ts";
import { columnName, observedLength, type TimeSeries, type TimeSeriesSet } from "../data/time-series.ts";
import { after } from "../data/time-step.ts";
import { localTime, type TimeZone, timeZone } from "../data/time-zone.ts";
import { expectLevels } from "../models/forecast-heads.ts";
import type { SequenceForecaster } from "../models/sequence-forecaster.ts";
import { takeTurns } from "../platform/turns.ts";
import { Closing } from "../shared/closing.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import { expectOptions, type OptionNames } from "../shared/options.ts";
import { mapValues } from "../shared/records.ts";
import type { Abortable } from "../shared/signal.ts";
import type { ParameterStore } from "../tensor/parameter-store.ts";
import { type Distribution, distributionOf } from "./forecast-distribution.ts";
import { ForecastPlans } from "./forecast-plans.ts";
import { type Measured, widthFactors, withWidths } from "./forecast-widths.ts";
import { samplePaths } from "./sample-paths.ts";

/** The forecast of one column, in its units; H numbers each. */
export interface TargetForecast {
  /**
   * Point forecasts: the median of quantiles, the mean of a distribution (the median for logarithms and for sampled futures), or the
   * point itself.
   */
  readonly point: Float64Array;
  /** Quantiles by level; none for point forecasts. */
  readonly quantiles: readonly { readonly level: number; readonly values: Float64Array }[];
  /** Sampled futures, for autoregressive models. */
  readonly paths?: readonly Float64Array[] | undefined;
}

/** The forecast of one series. */
export interface SeriesForecast {
  readonly id: string;
  /** Number of known steps: the index of the first predicted step. */
  readonly origin: number;
  /** Time of each step in milliseconds since 1970 UTC, if the series has times. */
  readonly times: Float64Array | undefined;
  /** Forecasts by column. */
  readonly targets: Readonly<Record<string, TargetForecast>>;
}

/** Options of `Forecaster.forecast`. */
export interface ForecastOptions extends Abortable {
  /** H: steps to forecast. Default: as trained; more only for autoregressive models. */
  readonly horizon?: number | undefined;
  /** Probabilities of the quantiles. Default: the trained ones, of distributions 0.1, 0.5 and 0.9. */
  readonly levels?: readonly number[] | undefined;
  /** Number of sampled futures per series, for autoregressive models. Default 200. */
  readonly samples?: number | undefined;
  /** Seed of the samples. Default 0. */
  readonly seed?: number | undefined;
  /**
   * Number of recent origins whose forecasts decide how wide the intervals are: for each forecast, the latest ones of its series whose
   * last step was known by then. The widths then follow a series whose errors grow or shrink; origins in the training part would make
   * them too narrow. Default: the widths measured in training, which also apply where there are fewer than 50 values.
   */
  readonly recent?: number | undefined;
}

/** What a `Forecaster` is made of. */
export interface ForecasterOptions {
  readonly model: SequenceForecaster;
  readonly layout: ForecastLayout;
  readonly machine: Machine;
  readonly parameters: ParameterStore;
}

/** For `expectOptions`. */
const forecastNames: OptionNames<ForecastOptions> = {
  ...{ horizon: 1, levels: 1, samples: 1, seed: 1, recent: 1, signal: 1 },
};

/** Windows computed together; does not change results. */
const ROWS = 64;
/** Windows that suffice to calibrate intervals; fewer where each takes many samples. */
const [CALIBRATED, CALIBRATED_PATHS] = [1000, 30];

/** A trained forecaster: time series in, their next steps out. Each call uses the current weights. */
export class Forecaster extends Closing {
  readonly model: SequenceForecaster;
  readonly parameters: ParameterStore;
  readonly timeZone: TimeZone;
  readonly distribution: Distribution;
  private readonly plans: ForecastPlans;
  #layout: ForecastLayout;

  constructor(options: ForecasterOptions) {
    super();
    expectOptions("Forecaster", options, {
      model: "required",
      layout: "required",
      machine: "required",
      parameters: "required",
    });
    const { model, layout, machine, parameters } = options;
    this.model = model;
    this.#layout = layout;
    this.parameters = parameters;
    this.timeZone = timeZone(layout.timeZone);
    this.distribution = distributionOf(model.config);
    this.plans = new ForecastPlans(model, machine, parameters);
  }

  get layout(): ForecastLayout {
    return this.#layout;
  }

  /** What a run saves of it (`saveRun`, `packRun`, `openRun`). */
  get config(): { readonly model: SequenceForecaster["config"]; readonly data: ForecastLayout } {
    return { model: this.model.config, data: this.layout };
  }

  /**
   * Forecasts the next steps of each series, starting after the last row with a target. Covariates known in advance (`known`) are in
   * rows after it, without targets.
   * @throws UsageError "series-too-short", "missing-future", "unknown-column", "bad-step", "unknown-quantile", "out-of-range", "bad-option"; the
   *   reason of `signal`
   */
  async forecast(set: Pick<TimeSeriesSet, "series">, options: ForecastOptions = {}): Promise<SeriesForecast[]> {
    expectOptions("Forecaster.forecast", options, forecastNames);
    const horizon = this.horizonOf(options.horizon);
    if (!Array.isArray(set?.series))
      throw new UsageError(
        "bad-option",
        `expected series, as readTimeSeries or timeSeriesSet gives them, got ${describe(set)}`,
      );
    const all = set.series.map((series) => this.latest(series, horizon));
    const found = await this.predict(
      all.map(({ window }) => window),
      options,
    );
    return all.map(({ ahead, window: { origin } }, k) => ({
      ...{ id: ahead.id, origin, targets: found[k]! },
      times: ahead.times?.slice(origin, origin + horizon),
    }));
  }

  /**
   * The window that the next steps of a series are predicted from; it ends with the last row that has a target.
   * @param ahead steps behind it of which what is known beforehand must be there
   * @throws UsageError "series-too-short", "missing-future", "unknown-column"
   */
  latestWindow(series: TimeSeries, ahead = 0): ForecastWindow {
    expectInteger("ahead", ahead, { min: 0 });
    return this.latest(series, ahead).window;
  }

  private latest(series: TimeSeries, needed: number): { readonly ahead: TimeSeries; readonly window: ForecastWindow } {
    const origin = observedLength(series, this.layout.targets);
    const ahead = this.extended(series, origin, Math.max(needed, this.layout.horizon), needed);
    const { context } = this.layout;
    if (origin < context)
      throw new UsageError(
        "series-too-short",
        `${series.id === "" ? "the series" : `series ${JSON.stringify(series.id)}`}: expected at least ${context} steps to look back at, got ${origin}`,
      );
    return { ahead, window: { series: this.prepare(ahead), origin } };
  }

  /**
   * Prepares a series for the network. A series whose `id` was in the training part is scaled as there, any other by its own values.
   * @throws UsageError "unknown-column", "bad-step" (steps of another length), "not-positive" (transform log), "bad-option"
   */
  prepare(series: TimeSeries): PreparedSeries {
    return prepareSeries(series, this.layout, this.timeZone);
  }

  /**
   * Predicts from windows of prepared series, by column; the windows of many series are computed together.
   * @throws UsageError "series-too-short", "out-of-range" (an origin behind the end of its series), "unknown-quantile", "bad-option"; the
   *   reason of `signal`
   */
  async predict(
    windows: readonly ForecastWindow[],
    options: ForecastOptions = {},
  ): Promise<Readonly<Record<string, TargetForecast>>[]> {
    expectOptions("Forecaster.predict", options, forecastNames);
    expectWindows(windows, this.layout, stepsReadAhead(this.layout, this.horizonOf(options.horizon)));
    const found = await this.predictAsLearned(windows, options);
    const { intervalWidths, transform } = this.layout;
    const recent = options.recent === undefined ? undefined : await this.recentWidths(windows, options.recent, options);
    if (intervalWidths === undefined && recent === undefined) return found;
    return found.map((targets, k) => withWidths(targets, { ...intervalWidths, ...recent?.[k] }, transform));
  }

  /**
   * Calibrates the intervals on windows that were not trained on, so that they hold the share of values that they state: from then on
   * all quantiles of a column are moved away from the point, or towards it, by one factor (`IntervalWidth.factor`). It is valid for the
   * current weights. If there are many windows, some are used, evenly spread.
   *
   * @returns factors by column; undefined where intervals stay as learned: for points and counts, and for fewer than 50 values
   * @throws UsageError "series-too-short", "out-of-range" (steps that are not known), "bad-option"; the reason of `signal`; the intervals are
   *   as before then
   */
  async calibrate(
    windows: readonly ForecastWindow[],
    options: Abortable = {},
  ): Promise<Readonly<Record<string, number>> | undefined> {
    expectOptions("Forecaster.calibrate", options, { signal: 1 });
    expectWindows(windows, this.layout, this.layout.horizon);
    const { intervalWidths: _, ...layout } = this.layout;
    const { decoding } = layout;
    if (!this.movesIntervals) {
      this.#layout = layout;
      return undefined;
    }
    const most = decoding === "direct" ? CALIBRATED : CALIBRATED_PATHS;
    const stride = Math.max(1, Math.ceil(windows.length / most));
    const chosen = windows.filter((_, k) => k % stride === 0);
    const found = await this.predictAsLearned(chosen, { samples: 50, ...options });
    const measured = chosen.map((window, k) => ({ window, found: found[k]! }));
    const intervalWidths = widthFactors(measured, layout, stride);
    const moved = Object.keys(intervalWidths).length > 0;
    this.#layout = moved ? { ...layout, intervalWidths } : layout;
    return moved ? intervalWidths : undefined;
  }

  /** Whether intervals may be moved: points have none, and those of counts are whole numbers. */
  private get movesIntervals(): boolean {
    return this.distribution.quantile !== undefined && !this.layout.counts;
  }

  /** For each window the factors by column from forecasts at `count` earlier origins, all of whose steps were known when it begins. */
  private async recentWidths(
    windows: readonly ForecastWindow[],
    count: number,
    { signal }: Abortable,
  ): Promise<Readonly<Record<string, number>>[]> {
    const { layout } = this;
    const { context, horizon, decoding } = layout;
    expectInteger("recent", count, { min: 1 });
    if (!this.movesIntervals)
      throw new UsageError(
        "bad-option",
        `recent: expected a model whose intervals can be moved, this one predicts ${layout.counts ? "counts" : "points"}`,
      );
    const stride = decoding === "direct" ? 1 : Math.ceil(count / CALIBRATED_PATHS);
    // Windows overlap: each origin of a series is forecast once.
    const before = new Map<PreparedSeries, Map<number, Measured | undefined>>();
    const wanted = windows.map(({ series, origin }) => {
      const own = before.get(series) ?? new Map<number, Measured | undefined>();
      before.set(series, own);
      const origins: number[] = [];
      for (let at = origin - horizon; at > origin - horizon - count && at >= context; at -= stride) origins.push(at);
      for (const at of origins) own.set(at, undefined);
      return { own, origins };
    });
    for (const [series, own] of before) {
      const earlier = Array.from(own.keys(), (origin) => ({ series, origin }));
      const found = await this.predictAsLearned(earlier, { samples: 50, signal });
      for (const [k, window] of earlier.entries()) own.set(window.origin, { window, found: found[k]! });
    }
    return wanted.map(({ own, origins }) => {
      const measured = origins.map((origin) => own.get(origin)!);
      return widthFactors(measured, layout, stride);
    });
  }

  private async predictAsLearned(
    windows: readonly ForecastWindow[],
    options: ForecastOptions,
  ): Promise<Readonly<Record<string, TargetForecast>>[]> {
    const horizon = this.horizonOf(options.horizon);
    const levels = this.levelsOf(options.levels);
    const found: Readonly<Record<string, TargetForecast>>[] = [];
    const turns = takeTurns(options.signal);
    if (this.layout.decoding === "autoregressive") {
      const samples = this.distribution.quantile ? expectInteger("samples", options.samples ?? 200, { min: 1 }) : 1;
      const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
      const { plans, layout, distribution } = this;
      for (const [k, window] of windows.entries()) {
        const paths = await samplePaths(window, k, { plans, layout, distribution, horizon, samples, seed, turns });
        const inUnits = paths.map((path) => path.map(inverseOf(layout.transform)));
        found.push(ofPaths(inUnits, levels, layout.targets, horizon));
      }
      return found;
    }
    for (let start = 0; start < windows.length; start += ROWS) {
      await turns();
      found.push(...(await this.predictDirectly(windows.slice(start, start + ROWS), levels, horizon)));
    }
    return found;
  }

  /** Frees the plans, and the parameters if they were loaded with it; those that were given stay. */
  close(): void {
    this.plans.close();
  }

  private async predictDirectly(windows: readonly ForecastWindow[], levels: readonly number[], horizon: number) {
    const { targets } = this.layout;
    const { distribution } = this;
    const [B, D] = [windows.length, targets.length];
    const { prediction } = await this.plans.run(windowInputs(windows, this.layout, { learn: false }), B);
    return windows.map(({ series }, b) =>
      Object.fromEntries(
        targets.map((name, d): [string, TargetForecast] => {
          const steps = Array.from({ length: horizon }, (_, h) => {
            const at = (h * B + b) * D + d;
            const parameters = mapValues(prediction, (all) => all[at]!);
            return distribution.moved(parameters, series.center[d]!, series.scale[d]!);
          });
          const inUnits = inverseOf(this.layout.transform);
          const point = Float64Array.from(steps, (parameters) => inUnits(distribution.point(parameters)));
          const quantiles = levels.map((level) => ({
            level,
            values: Float64Array.from(steps, (parameters) => inUnits(distribution.quantile!(parameters, level))),
          }));
          return [name, { point, quantiles }];
        }),
      ),
    );
  }

  private horizonOf(asked: number | undefined): number {
    const { horizon, decoding } = this.layout;
    if (asked !== undefined && asked > horizon && decoding === "direct")
      throw new UsageError(
        "out-of-range",
        `horizon: the model was trained to predict ${horizon} steps at once, got ${asked}; train with a longer --horizon, or with --decoding autoregressive, which has no limit`,
      );
    return expectInteger("horizon", asked ?? horizon, { min: 1 });
  }

  private levelsOf(asked: readonly number[] | undefined): readonly number[] {
    if (!this.distribution.quantile) {
      if (asked === undefined) return [];
      throw new UsageError(
        "unknown-quantile",
        "quantiles: this model predicts points and knows no quantiles; train it with --head quantiles, or with a distribution",
      );
    }
    return expectLevels(asked ?? this.model.config.levels ?? [0.1, 0.5, 0.9]);
  }

  /** The series with room for `room` steps behind `origin`, of which `needed` are predicted. */
  private extended(series: TimeSeries, origin: number, room: number, needed: number): TimeSeries {
    const { known, step } = this.layout;
    const length = origin + room;
    const values = mapValues(series.values, (all) => {
      const more = new Float64Array(length).fill(Number.NaN);
      more.set(all.subarray(0, length));
      return more;
    });
    const { times } = series;
    const first = times?.[0];
    const moments =
      times && first !== undefined && step
        ? Float64Array.from({ length }, (_, k) => times[k] ?? after(first, k, step, this.timeZone))
        : undefined;
    for (const name of known) {
      const ahead = values[name]?.subarray(origin, origin + needed);
      const missing = ahead?.findIndex(Number.isNaN) ?? -1;
      const moment = moments?.[origin + missing];
      if (missing >= 0)
        throw new UsageError(
          "missing-future",
          `${columnName(series.id, name)}: expected its values for the ${needed} steps that are predicted, in rows behind the last one with a target; step ${missing + 1} of them${moment === undefined ? "" : `, ${localTime(moment, this.timeZone)},`} has none`,
        );
    }
    return { id: series.id, length, times: moments, values, categories: series.categories };
  }
}

/** Medians and quantiles of sampled paths. */
function ofPaths(
  paths: readonly Float64Array[],
  levels: readonly number[],
  targets: readonly string[],
  horizon: number,
): Readonly<Record<string, TargetForecast>> {
  const D = targets.length;
  return Object.fromEntries(
    targets.map((name, d): [string, TargetForecast] => {
      const own = paths.map((path) => Float64Array.from({ length: horizon }, (_, h) => path[h * D + d]!));
      const sorted = Array.from({ length: horizon }, (_, h) => Float64Array.from(own, (path) => path[h]!).sort());
      const quantiles = levels.map((level) => ({
        level,
        values: Float64Array.from(sorted, (values) => quantileOf(values, level)),
      }));
      return [name, { point: Float64Array.from(sorted, (values) => quantileOf(values, 0.5)), quantiles, paths: own }];
    }),
  );
}
