import { type CalendarRound, usualRounds } from "../data/calendar.ts";
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
import { usualSeason } from "../data/time-step.ts";
import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { usualAnchor } from "./usual-anchor.ts";
import { usualTransform } from "./usual-transform.ts";

export interface ForecastLayoutOptions {
  /** H: steps that are predicted. */
  readonly horizon: number;
  /** T: steps that are looked back at. Default: twice the horizon or two seasons, whichever is more, and less for short series. */
  readonly context?: number | undefined;
  /** Steps of one round; default what is usual for the step: 24 hours, 7 days, 12 months; 1 (none) without times. */
  readonly season?: number | undefined;
  /** Whether all steps are predicted at once (default), or each from the one before. */
  readonly decoding?: Decoding | undefined;
  /** What predictions are differences to. Default: what by itself is the least wrong about the training part (`usualAnchor`); "none" for counts. */
  readonly anchor?: Anchor | undefined;
  /** Whether logarithms of the targets are learned; default where swings grow with the level (`usualTransform`), never for counts. */
  readonly transform?: Transform | undefined;
  /** Of each column of each series, as measured on what is learned from. Default "standard"; "mean" for counts. */
  readonly scaling?: ScalingKind | undefined;
  /** Rounds of the calendar that are inputs; default those that fit the step and that the training part has gone through twice. */
  readonly calendar?: readonly CalendarRound[] | undefined;
}

/**
 * What series are to the network, measured on the part that is learned from alone.
 *
 * @param measured that part of each series @param counts whether targets are counts
 * @throws UsageError "bad-option", "out-of-range", "not-an-integer", "unknown-choice"
 */
export function planForecast(
  { targets, past, known, categories, step, timeZone }: TimeSeriesSet,
  measured: readonly TimeSeries[],
  options: ForecastLayoutOptions,
  counts: boolean,
): ForecastLayout {
  const horizon = expectInteger("horizon", options.horizon, { min: 1 });
  const season = expectInteger("season", options.season ?? (step ? usualSeason(step) : 1), { min: 1 });
  const decoding = expectOneOf("decoding", options.decoding ?? "direct", DECODINGS);
  const usualOne = counts ? "none" : usualTransform(measured, { targets, season });
  const transform = expectOneOf("transform", options.transform ?? usualOne, TRANSFORMS);
  const train = transform === "log" ? measured.map((series) => logarithms(series, targets)) : measured;
  const longest = train.reduce((most, { length }) => Math.max(most, length), 0);
  const fitting = Math.min(Math.max(2 * horizon, 2 * season), Math.floor((longest - horizon) / 2));
  const context = expectInteger("context", options.context ?? Math.max(fitting, 2), {
    min: decoding === "direct" ? 1 : 2,
  });
  const seasonal = season > 1 && season <= context && decoding === "direct";
  const usual = usualAnchor(train, { targets, horizon, season, seasonal });
  const anchor = expectOneOf("anchor", options.anchor ?? (counts ? "none" : usual), ANCHORS);
  const scaling = expectOneOf("scaling", options.scaling ?? (counts ? "mean" : "standard"), SCALINGS);
  const calendar = options.calendar ?? (step ? usualRounds(train, step) : []);
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
    ...(categories && { categories: Object.fromEntries(categories.map((name) => [name, kindsIn(train, name)])) }),
    ...(step && { step }),
    timeZone: timeZone.name,
    scales: Object.fromEntries(train.map((series) => [series.id, fitScaling(scaling, series, columns)])),
  };
}

/** What series that are learned from are, in an order that does not depend on theirs. */
const kindsIn = (series: readonly TimeSeries[], name: string): string[] =>
  [...new Set(series.flatMap(({ length, categories }) => (length > 0 ? [categories?.[name] ?? ""] : [])))]
    .filter((value) => value !== "")
    .sort();
