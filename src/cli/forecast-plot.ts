import type { TimeSeries } from "../data/time-series.ts";
import type { SeriesForecast } from "../run/forecaster.ts";
import { titleOf } from "./forecast-figure.ts";
import { letterOf, type PlottedCurve, plot } from "./plot.ts";

export interface ForecastPlotOptions {
  readonly width: number;
  readonly color: boolean;
  /** Steps of the past that are shown. */
  readonly past: number;
}

/** The last steps of a series and what is forecast of it, with the ends of the interval. */
export function forecastPlot(series: TimeSeries, forecast: SeriesForecast, options: ForecastPlotOptions): string {
  const { origin, targets } = forecast;
  return Object.entries(targets)
    .map(([name, { point, quantiles }]) => {
      const first = Math.max(0, origin - options.past);
      const known = Array.from(
        series.values[name]!.subarray(first, origin),
        (value, k) => [first + k + 1, value] as const,
      );
      const ahead = (values: Float64Array) => Array.from(values, (value, h) => [origin + h + 1, value] as const);
      const ends = quantiles.length > 1 ? [quantiles[0]!, quantiles.at(-1)!] : [];
      const curves: PlottedCurve[] = [
        { name: "known", points: known },
        ...ends.map(({ level, values }) => ({ name: `quantile ${level}`, points: ahead(values) })),
        { name: "forecast", points: ahead(point) },
      ];
      const legend = curves.map((curve, k) => `${options.color ? "" : `${letterOf(k)} `}${curve.name}`).join(", ");
      return `${titleOf(forecast.id, name)}: ${legend}\n${plot(curves, { width: options.width, height: 13, color: options.color })}`;
    })
    .join("\n\n");
}
