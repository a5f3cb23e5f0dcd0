import { UsageError } from "../shared/errors.ts";
import { calendarFeatures } from "./calendar.ts";
import { type ForecastLayout, kindsOf, widthsOf } from "./forecast-layout.ts";
import { fitScaling } from "./series-scaling.ts";
import { columnName, columnsOf, interleaved, type TimeSeries } from "./time-series.ts";
import { after, commonStep, formatStep } from "./time-step.ts";
import type { TimeZone } from "./time-zone.ts";

/** A series as a network reads it (`Forecaster.prepare`). */
export interface PreparedSeries {
  readonly id: string;
  /** N */
  readonly length: number;
  /** Scaled targets [N, D]; where a value is missing the one before it, at the beginning 0, which is the center. */
  readonly targets: Float64Array;
  /** 1 where there is a value of a target [N, D]. */
  readonly present: Uint8Array;
  /** Indicators and what is known of the past only, scaled [N, I + P]. */
  readonly past: Float64Array;
  /** What is known beforehand, scaled, and the calendar [N, K]. */
  readonly known: Float64Array;
  /** Of each category which one it is; 0: one that did not occur in training. */
  readonly categories: readonly number[];
  /** Of each target: value = center + scale · scaled. */
  readonly center: readonly number[];
  readonly scale: readonly number[];
}

/**
 * A series that the layout does not know (its id did not occur in training) is scaled by itself.
 * @throws UsageError "unknown-column"; "not-positive"; "bad-step" for steps of another length; "bad-option" where the layout has a calendar and the series no times
 */
export function prepareSeries(given: TimeSeries, layout: ForecastLayout, zone: TimeZone): PreparedSeries {
  const { length: N, times } = given;
  const { targets, past, known, indicators, calendar, categories = {} } = layout;
  for (const name of columnsOf(layout))
    if (!Object.hasOwn(given.values, name))
      throw new UsageError(
        "unknown-column",
        `series: expected the column ${JSON.stringify(name)}, which it was trained with`,
      );
  for (const name of Object.keys(categories))
    if (given.categories?.[name] === undefined)
      throw new UsageError(
        "unknown-column",
        `series: expected the category ${JSON.stringify(name)}, which it was trained with`,
      );
  const series = layout.transform === "log" ? logarithms(given, targets) : given;
  if (calendar.length > 0 && times === undefined)
    throw new UsageError("bad-option", "series: expected times, because the model was trained with a calendar");
  expectStep(given, layout, zone);
  const scaling = Object.hasOwn(layout.scales, series.id)
    ? layout.scales[series.id]!
    : fitScaling(layout.scaling, series, columnsOf(layout));
  const columns = Object.fromEntries(
    columnsOf(layout).map((name) => [name, scaled(series.values[name]!, scaling[name]!)]),
  );
  const present = new Uint8Array(N * targets.length);
  for (const [d, name] of targets.entries())
    for (let n = 0; n < N; n++) present[n * targets.length + d] = Number.isNaN(series.values[name]![n]!) ? 0 : 1;
  const there = indicators.map((name) => Float64Array.from(series.values[name]!, (v) => (Number.isNaN(v) ? 0 : 1)));
  const round = Array.from({ length: 2 * calendar.length }, () => new Float64Array(N));
  if (calendar.length > 0)
    for (let n = 0; n < N; n++)
      for (const [k, value] of calendarFeatures(times![n]!, calendar, zone).entries()) round[k]![n] = value;
  return {
    ...{ id: series.id, length: N, present },
    targets: interleaved(targets.map((name) => columns[name]!)),
    past: interleaved([...there, ...past.map((name) => columns[name]!)]),
    known: interleaved([...known.map((name) => columns[name]!), ...round]),
    categories: Object.entries(categories).map(([name, values]) => 1 + values.indexOf(given.categories![name]!)),
    center: targets.map((name) => scaling[name]!.center),
    scale: targets.map((name) => scaling[name]!.scale),
  };
}

/** How far steps may be apart from those of training: a day has 23 to 25 hours, a month of another time zone three days more. */
const OTHER_STEP = 0.15;

/** Refuses a series whose steps are longer or shorter than those that were learned from. @throws UsageError "bad-step" */
function expectStep({ id, times }: TimeSeries, { step }: ForecastLayout, zone: TimeZone): void {
  if (step === undefined || times === undefined || times.length < 2) return;
  const [first, second] = [times[0]!, times[1]!];
  const learned = after(first, 1, step, zone) - first;
  if (Math.abs((second - first) / learned - 1) <= OTHER_STEP) return;
  const came = commonStep([times.subarray(0, 2)], zone);
  throw new UsageError(
    "bad-step",
    `${id === "" ? "the series" : `series ${JSON.stringify(id)}`}: expected steps of ${formatStep(step)}, which the model was trained with, got ${came ? formatStep(came) : `${second - first} ms`}; means over such steps are taken with resample (--resample ${formatStep(step)})`,
  );
}

/** A series with logarithms of its targets. @throws UsageError "not-positive" */
export function logarithms(series: TimeSeries, targets: readonly string[]): TimeSeries {
  const logs = targets.map((name) => {
    const values = series.values[name]!;
    const at = values.findIndex((value) => value <= 0);
    if (at >= 0)
      throw new UsageError(
        "not-positive",
        `transform log: expected numbers above 0, ${columnName(series.id, name)} has ${values[at]} at step ${at + 1}`,
      );
    return [name, values.map(Math.log)] as const;
  });
  return { ...series, values: { ...series.values, ...Object.fromEntries(logs) } };
}

/** Scaled, and the last value where one is missing. */
function scaled(values: Float64Array, { center, scale }: { center: number; scale: number }): Float64Array {
  let last = 0;
  return values.map((value) => {
    last = Number.isNaN(value) ? last : (value - center) / scale;
    return last;
  });
}

/** A place in a series to predict from. */
export interface ForecastWindow {
  readonly series: PreparedSeries;
  /** The first step that is predicted: the T steps before it are read, the H steps from it on are predicted. */
  readonly origin: number;
}

/**
 * Inputs of a network for B windows, time first: `x` [S, B, C]; `future` [H, B, K] where something is known of it (direct); `base` [H, B, D], what predictions
 * are added to, where there is an anchor; and for learning `y` [H, B, D] and, where values are missing, `mask` [H, B, D]. Directly S = T: the past. Each from the one before, `x` holds at
 * step s the target of that step and what is known of the next one, whose target is to be predicted: S = T + H − 1, to go on from S = T − 1.
 * Counts: `scale` [1, B, D], their mean size, and `y` in their own units. Of each category `category.0` [B], and so on.
 */
export function windowInputs(
  windows: readonly ForecastWindow[],
  layout: ForecastLayout,
  { learn }: { readonly learn: boolean },
): Record<string, Float64Array> {
  const { context: T, horizon: H, anchor, season, decoding, counts } = layout;
  const { targets: D, channels: C, known: K } = widthsOf(layout);
  const B = windows.length;
  const direct = decoding === "direct";
  const E = C - D - K;
  const S = direct ? T : learn ? T + H - 1 : T - 1;
  const inputs: Record<string, Float64Array> = { x: new Float64Array(S * B * C) };
  const ahead = direct ? H : 1;
  if (direct && K > 0) inputs.future = new Float64Array(H * B * K);
  if (anchor !== "none") inputs.base = new Float64Array(ahead * B * D);
  if (learn) inputs.y = new Float64Array(H * B * D);
  if (learn && windows.some((one) => presentAhead(one, layout).includes(0))) inputs.mask = new Float64Array(H * B * D);
  if (counts) inputs.scale = new Float64Array(B * D);
  const { x, future, base, y, mask, scale } = inputs;
  for (const [b, { series, origin }] of windows.entries()) {
    const first = origin - T;
    const level = levelOf(series, origin, layout);
    for (let s = 0; s < S; s++) {
      const [n, row] = [first + s, (s * B + b) * C];
      for (let d = 0; d < D; d++) x![row + d] = series.targets[n * D + d]! - level[d]!;
      for (let e = 0; e < E; e++) x![row + D + e] = series.past[n * E + e]!;
      const known = direct ? n : n + 1;
      for (let k = 0; k < K; k++) x![row + D + E + k] = series.known[known * K + k]!;
    }
    for (let h = 0; h < ahead && base; h++) {
      const n = anchor === "season" ? origin - season + (h % season) : origin - 1;
      for (let d = 0; d < D; d++) base[(h * B + b) * D + d] = series.targets[n * D + d]!;
    }
    for (let h = 0; h < H; h++) {
      const n = origin + h;
      for (let k = 0; k < K && future; k++) future[(h * B + b) * K + k] = series.known[n * K + k]!;
      for (let d = 0; d < D && y; d++) {
        const value = series.targets[n * D + d]!;
        y[(h * B + b) * D + d] = counts ? Math.round(series.center[d]! + series.scale[d]! * value) : value;
        if (mask) mask[(h * B + b) * D + d] = series.present[n * D + d]!;
      }
    }
    for (let d = 0; d < D && scale; d++) scale[b * D + d] = series.scale[d]!;
  }
  for (const [k] of kindsOf(layout).entries())
    inputs[`category.${k}`] = Float64Array.from(windows, ({ series }) => series.categories[k]!);
  return inputs;
}

/** [H, D]: 1 where a value that is to be predicted is there. */
export const presentAhead = ({ series, origin }: ForecastWindow, { horizon, targets }: ForecastLayout): Uint8Array =>
  series.present.subarray(origin * targets.length, (origin + horizon) * targets.length);

/** What is taken off the targets of the past: the last one, or the mean of the last season. */
export function levelOf({ targets }: PreparedSeries, origin: number, layout: ForecastLayout): number[] {
  const D = layout.targets.length;
  const span = layout.anchor === "season" ? layout.season : layout.anchor === "last" ? 1 : 0;
  return layout.targets.map((_, d) => {
    let sum = 0;
    for (let n = origin - span; n < origin; n++) sum += targets[n * D + d]! / span;
    return sum;
  });
}
