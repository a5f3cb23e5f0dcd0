import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import type { Batch, BatchSource } from "./batch-source.ts";
import { type ForecastWindow, type PreparedSeries, presentAhead, windowInputs } from "./forecast-inputs.ts";
import { type ForecastLayout, widthsOf } from "./forecast-layout.ts";
import { perEpoch } from "./per-epoch.ts";
import { shuffle } from "./shuffle.ts";

/** Steps whose targets may be predicted: `from` to before `to`. The steps before them are looked at only. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * Checks windows that a caller made: beyond the ends of a series a network would read NaN and predict NaN, which no interval contains or excludes.
 *
 * @param ahead steps from the origin on that the series must have
 * @throws UsageError "bad-option", "not-an-integer", "out-of-range", "series-too-short"
 */
export function expectWindows(windows: readonly ForecastWindow[], { context }: ForecastLayout, ahead: number): void {
  if (!Array.isArray(windows))
    throw new UsageError("bad-option", `windows: expected a list of { series, origin }, got ${describe(windows)}`);
  for (const [k, window] of windows.entries()) {
    const { series, origin } = (window ?? {}) as Partial<ForecastWindow>;
    const what = `window ${k} of ${windows.length}`;
    if (series?.present === undefined)
      throw new UsageError(
        "bad-option",
        `${what}: expected a series that the forecaster has prepared (forecaster.prepare(series)), got ${describe(series ?? window)}`,
      );
    const most = series.length - ahead;
    expectInteger(`${what}, origin`, origin, { min: 0 });
    const told = `${what}: origin ${origin} of a series of ${series.length} steps`;
    if (origin! < context)
      throw new UsageError(
        "series-too-short",
        `${told}: expected at least ${context}, as so many steps before it are read`,
      );
    if (origin! > most)
      throw new UsageError(
        "out-of-range",
        `${told}: expected at most ${most}, ${ahead === 0 ? "the step behind its last one" : `as ${ahead} steps from it on must be known (forecaster.latestWindow(series) is the window behind the last one)`}`,
      );
  }
}

/** Of how many steps from the origin on the network reads what is known beforehand, when `horizon` are predicted. */
export function stepsReadAhead(layout: ForecastLayout, horizon: number): number {
  if (widthsOf(layout).known === 0) return 0;
  return layout.decoding === "direct" ? layout.horizon : horizon;
}

/**
 * All windows whose predicted steps lie within the span of their series, and in which something is to be predicted.
 * @param stride steps between two windows; default 1
 */
export function windowsOf(
  series: readonly PreparedSeries[],
  spans: readonly Span[],
  layout: ForecastLayout,
  stride = 1,
): ForecastWindow[] {
  const { context, horizon } = layout;
  const windows: ForecastWindow[] = [];
  for (const [k, one] of series.entries()) {
    const { from, to } = spans[k]!;
    for (let origin = Math.max(from, context); origin + horizon <= to; origin += stride) {
      const window = { series: one, origin };
      if (presentAhead(window, layout).includes(1)) windows.push(window);
    }
  }
  return windows;
}

export interface WindowBatchesOptions {
  readonly windows: readonly ForecastWindow[];
  readonly layout: ForecastLayout;
  /** B; the last batch of an epoch may be smaller. */
  readonly batchSize: number;
  /** Of the order, another one in each epoch. Undefined: as they come. */
  readonly seed?: number | undefined;
}

/** Windows to learn from, or to measure on. */
export function windowBatches({ windows, layout, batchSize, seed }: WindowBatchesOptions): BatchSource {
  const B = expectInteger("batchSize", batchSize, { min: 1 });
  const order = perEpoch((epoch) =>
    seed === undefined ? Uint32Array.from(windows.keys()) : shuffle(windows.length, seed, epoch),
  );
  return {
    batchesPerEpoch: Math.ceil(windows.length / B),
    identity: { windows: windows.length, batchSize: B, seed: seed ?? null, context: layout.context },
    batch(epoch, index): Batch {
      const chosen = Array.from(order(epoch).subarray(index * B, (index + 1) * B), (k) => windows[k]!);
      const inputs = windowInputs(chosen, layout, { learn: true });
      const weight = inputs.mask?.reduce((sum, one) => sum + one, 0) ?? inputs.y!.length;
      return { inputs, rows: chosen.length, steps: layout.context, weight };
    },
  };
}
