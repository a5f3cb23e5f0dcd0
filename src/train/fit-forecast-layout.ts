import { CALENDAR_ROUNDS, type CalendarRound, defaultRounds } from "../data/calendar.ts";
import { logarithms } from "../data/forecast-inputs.ts";
import {
  ANCHORS,
  type Anchor,
  DECODINGS,
  type Decoding,
  type ForecastLayout,
  TRANSFORMS,
  type Transform,
} from "../data/forecast-layout.ts";
import { fitScaling, SCALINGS, type ScalingKind } from "../data/series-scaling.ts";
import { columnsOf, type TimeSeries, type TimeSeriesSet } from "../data/time-series.ts";
import { defaultSeason } from "../data/time-step.ts";
import { describe, expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { defaultAnchor } from "./default-anchor.ts";
import { defaultTransform } from "./default-transform.ts";

export interface ForecastLayoutOptions {
  /** H: number of steps to predict. */
  readonly horizon: number;
  /** T: number of past steps to read. Default: twice the horizon or two seasons, whichever is more, and less for short series. */
  readonly context?: number | undefined;
  /** Steps per season. Default by the time step: 24 for hours, 7 for days, 12 for months; 1 (none) without times. */
  readonly season?: number | undefined;
  /** Whether all steps are predicted at once ("direct", default), or each from the one before ("autoregressive"). */
  readonly decoding?: Decoding | undefined;
  /** What predictions are differences to. Default: the one whose own forecast has the least error on the training part; "none" for counts. */
  readonly anchor?: Anchor | undefined;
  /** "log": the logarithms of the targets are learned. Default: if their variation grows with their level; never for counts. */
  readonly transform?: Transform | undefined;
  /** How each column of each series is scaled, fitted on the training part. Default "standard"; "mean" for counts. */
  readonly scaling?: ScalingKind | undefined;
  /** Cycles of the calendar that are inputs; `[]` for none. Default: those that are longer than the time step and that the training part covers at least twice. */
  readonly calendar?: readonly CalendarRound[] | undefined;
}

/**
 * Chooses how series are prepared for the network, and fits it to their training part alone.
 *
 * @param measured the training part of each series
 * @param counts whether targets are counts
 * @throws UsageError "bad-option", "out-of-range", "not-an-integer", "unknown-choice"
 */
export function fitForecastLayout(
  { targets, past, known, categories, step, timeZone }: TimeSeriesSet,
  measured: readonly TimeSeries[],
  options: ForecastLayoutOptions,
  counts: boolean,
): ForecastLayout {
  const horizon = expectInteger("horizon", options.horizon, { min: 1 });
  const season = expectInteger("season", options.season ?? (step ? defaultSeason(step) : 1), { min: 1 });
  const decoding = expectOneOf("decoding", options.decoding ?? "direct", DECODINGS);
  const fittingTransform = counts ? "none" : defaultTransform(measured, { targets, season });
  const transform = expectOneOf("transform", options.transform ?? fittingTransform, TRANSFORMS);
  const train = transform === "log" ? measured.map((series) => logarithms(series, targets)) : measured;
  const longest = train.reduce((most, { length }) => Math.max(most, length), 0);
  const roomyContext = Math.min(Math.max(2 * horizon, 2 * season), Math.floor((longest - horizon) / 2));
  const context = expectInteger("context", options.context ?? Math.max(roomyContext, 2), {
    min: decoding === "direct" ? 1 : 2,
  });
  const seasonal = season > 1 && season <= context && decoding === "direct";
  const fittingAnchor = counts ? "none" : defaultAnchor(train, { targets, horizon, season, seasonal });
  const anchor = expectOneOf("anchor", options.anchor ?? fittingAnchor, ANCHORS);
  const scaling = expectOneOf("scaling", options.scaling ?? (counts ? "mean" : "standard"), SCALINGS);
  const calendar = options.calendar ?? (step ? defaultRounds(train, step) : []);
  if (!Array.isArray(calendar))
    throw new UsageError(
      "bad-option",
      `calendar: expected a list of cycles, such as ["hour", "weekday"] ([] for none; left out, those that fit), got ${describe(calendar)}`,
    );
  for (const round of calendar) expectOneOf("calendar", round, CALENDAR_ROUNDS);
  if (calendar.length > 0 && !step)
    throw new UsageError("bad-option", "calendar: the series have no times; name their column (time, --time)");
  if (counts && (anchor !== "none" || transform !== "none" || !["mean", "none"].includes(scaling)))
    throw new UsageError(
      "bad-option",
      `counts (head negative-binomial) are learned in their own units: expected anchor none, transform none and scaling mean or none, got ${anchor}, ${transform} and ${scaling}`,
    );
  if (anchor === "season" && (season < 2 || season > context))
    throw new UsageError(
      "bad-option",
      `anchor season: expected a season of 2 to ${context} steps (context), it is ${season}`,
    );
  if (decoding === "autoregressive" && (past.length > 0 || anchor === "season"))
    throw new UsageError(
      "bad-option",
      past.length > 0
        ? `decoding autoregressive: ${past.map((name) => JSON.stringify(name)).join(", ")} would have to be known of the future too; make them targets, or predict directly`
        : "decoding autoregressive: expected anchor none or last, got season",
    );
  const columns = columnsOf({ targets, past, known });
  const lacking = (name: string): boolean => train.some(({ values }) => values[name]!.some(Number.isNaN));
  return {
    ...{ targets, past, known, context, horizon, decoding, anchor, season, calendar, transform, scaling, counts },
    indicators: [...targets, ...past].filter(lacking),
    ...(categories && { categories: Object.fromEntries(categories.map((name) => [name, valuesOf(train, name)])) }),
    ...(step && { step }),
    timeZone: timeZone.name,
    scales: Object.fromEntries(train.map((series) => [series.id, fitScaling(scaling, series, columns)])),
  };
}

/** The values of a category in the training part, sorted. */
const valuesOf = (series: readonly TimeSeries[], name: string): string[] =>
  [...new Set(series.flatMap(({ length, categories }) => (length > 0 ? [categories?.[name] ?? ""] : [])))]
    .filter((value) => value !== "")
    .sort();
