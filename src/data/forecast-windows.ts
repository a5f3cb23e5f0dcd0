import { expectInteger } from "../shared/errors.ts";
import type { Batch, BatchSource } from "./batch-source.ts";
import { type ForecastWindow, type PreparedSeries, windowInputs } from "./forecast-inputs.ts";
import type { ForecastLayout } from "./forecast-layout.ts";
import { shuffle } from "./shuffle.ts";

/** Steps whose targets may be predicted: `from` to before `to`. The steps before them are looked at only. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/**
 * All windows whose predicted steps lie within the span of their series, and in which something is to be predicted.
 * @param stride steps between two windows; default 1
 */
export function windowsOf(
  series: readonly PreparedSeries[],
  spans: readonly Span[],
  { context, horizon, targets }: ForecastLayout,
  stride = 1,
): ForecastWindow[] {
  const windows: ForecastWindow[] = [];
  for (const [k, one] of series.entries()) {
    const { from, to } = spans[k]!;
    for (let origin = Math.max(from, context); origin + horizon <= to; origin += stride) {
      const { present } = one;
      const [begin, end] = [origin * targets.length, (origin + horizon) * targets.length];
      if (present.subarray(begin, end).includes(1)) windows.push({ series: one, origin });
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
  const order = (epoch: number): Uint32Array =>
    seed === undefined ? Uint32Array.from(windows, (_, k) => k) : shuffle(windows.length, seed, epoch);
  let known = { epoch: 0, order: order(0) };
  return {
    batchesPerEpoch: Math.ceil(windows.length / B),
    identity: { windows: windows.length, batchSize: B, seed: seed ?? null, context: layout.context },
    batch(epoch, index): Batch {
      if (known.epoch !== epoch) known = { epoch, order: order(epoch) };
      const chosen = Array.from(known.order.subarray(index * B, (index + 1) * B), (k) => windows[k]!);
      const inputs = windowInputs(chosen, layout, { learn: true });
      const weight = inputs.mask?.reduce((sum, one) => sum + one, 0) ?? inputs.y!.length;
      return { inputs, rows: chosen.length, steps: layout.context, weight };
    },
  };
}
