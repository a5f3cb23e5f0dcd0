import type { ForecastWindow } from "../data/forecast-inputs.ts";
import { type ForecastLayout, inverseOf, type Transform } from "../data/forecast-layout.ts";
import { mapValues } from "../shared/records.ts";
import type { TargetForecast } from "./forecaster.ts";
import { IntervalWidth, widened } from "./interval-width.ts";

type Forecasts = Readonly<Record<string, TargetForecast>>;

/** An uncalibrated forecast, and the window whose steps it predicts. */
export interface Measured {
  readonly window: ForecastWindow;
  readonly found: Forecasts;
}

/**
 * The factor by column by which intervals must be widened, from forecasts of known values. Columns with too few values are left out.
 * @param stride steps between the windows: from nearer ones each value is forecast several times
 */
export function widthFactors(
  measured: readonly Measured[],
  { targets, transform, horizon }: ForecastLayout,
  stride: number,
): Readonly<Record<string, number>> {
  const inUnits = inverseOf(transform);
  const repeated = Math.max(1, Math.floor(horizon / stride));
  const factors = targets.flatMap((name, d) => {
    const width = new IntervalWidth();
    for (const { window, found } of measured) {
      const { series, origin } = window;
      const { point, quantiles } = found[name]!;
      for (let h = 0; h < horizon; h++) {
        const at = (origin + h) * targets.length + d;
        if (series.present[at] === 0) continue;
        const truth = inUnits(series.center[d]! + series.scale[d]! * series.targets[at]!);
        const said = quantiles.map(({ level, values }) => ({ level, value: values[h]! }));
        width.add({ point: point[h]!, quantiles: said }, truth, transform);
      }
    }
    const factor = width.factor(repeated);
    return factor === undefined ? [] : [[name, factor] as const];
  });
  return Object.fromEntries(factors);
}

/** Forecasts whose quantiles are moved by the factors of their columns. */
export function withWidths(
  targets: Forecasts,
  factors: Readonly<Record<string, number>>,
  transform: Transform,
): Forecasts {
  return mapValues(targets, ({ point, quantiles, ...rest }, name) => {
    const factor = factors[name] ?? 1;
    const moved = quantiles.map(({ level, values }) => ({
      level,
      values: values.map((value, h) => widened(point[h]!, value, factor, transform)),
    }));
    return { point, quantiles: moved, ...rest };
  });
}
