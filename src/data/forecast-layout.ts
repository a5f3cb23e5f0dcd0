import { describe, expectOneOf, UsageError } from "../shared/errors.ts";
import { CALENDAR_ROUNDS, type CalendarRound } from "./calendar.ts";
import { SCALINGS, type ScalingKind, type SeriesScaling } from "./series-scaling.ts";
import type { SeriesColumns } from "./time-series.ts";
import type { TimeStep } from "./time-step.ts";

export const ANCHORS = ["none", "last", "season"] as const;
/** What predictions are differences to: nothing, the last value, or the value one season before. */
export type Anchor = (typeof ANCHORS)[number];

export const TRANSFORMS = ["none", "log"] as const;
/** What is done to targets before they are scaled. */
export type Transform = (typeof TRANSFORMS)[number];
export const inverseOf = (transform: Transform): ((value: number) => number) =>
  transform === "log" ? Math.exp : (value) => value;

export const DECODINGS = ["direct", "autoregressive"] as const;
/** How more than one step is predicted: all at once, or each from the one before. */
export type Decoding = (typeof DECODINGS)[number];

/** How series are prepared for a network (scaling, calendar, context), fitted on the training part and saved with the model as JSON. */
export interface ForecastLayout extends SeriesColumns {
  /** T: past steps that are read. */
  readonly context: number;
  /** H: steps that are predicted. */
  readonly horizon: number;
  /** Whether all steps are predicted at once or each from the one before. */
  readonly decoding: Decoding;
  /** What predictions are differences to. */
  readonly anchor: Anchor;
  /** Steps of one round; 1: none. */
  readonly season: number;
  /** Columns with values missing in what was learned from: a further input says whether there is one. */
  readonly indicators: readonly string[];
  /** Rounds of the calendar, as two inputs each. */
  readonly calendar: readonly CalendarRound[];
  /** By column what the series that were learned from are; absent: none. */
  readonly categories?: Readonly<Record<string, readonly string[]>> | undefined;
  /** From one row to the next; absent: series without times. */
  readonly step?: TimeStep | undefined;
  /** Of the calendar: "UTC", "Europe/Zurich". */
  readonly timeZone: string;
  /** "log": the network learns logarithms; what it says is taken back. */
  readonly transform: Transform;
  /** How each series is scaled. */
  readonly scaling: ScalingKind;
  /** By the id of each series. */
  readonly scales: Readonly<Record<string, SeriesScaling>>;
  /** Targets are counts, learned in their own units. */
  readonly counts: boolean;
  /** By target: how many times as wide as they were learned intervals are, as measured on what was not learned from. Absent: as learned. */
  readonly intervalWidths?: Readonly<Record<string, number>> | undefined;
}

/** Numbers per step. */
export interface ForecastWidths {
  /** D: targets. */
  readonly targets: number;
  /** C: all inputs of a past step. */
  readonly channels: number;
  /** K: inputs that are known in advance, including the calendar. */
  readonly known: number;
}

export function widthsOf({ targets, past, known, indicators, calendar }: ForecastLayout): ForecastWidths {
  const ahead = known.length + 2 * calendar.length;
  return {
    targets: targets.length,
    channels: targets.length + indicators.length + past.length + ahead,
    known: ahead,
  };
}

/** Number of values of each category for the network; the first one stands for values that did not occur in training. */
export const kindsOf = ({ categories = {} }: ForecastLayout): number[] =>
  Object.values(categories).map((values) => 1 + values.length);

const text = (value: unknown): boolean => typeof value === "string";
const whole = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1;
const listOf = (of: (one: unknown) => boolean) => (value: unknown) => Array.isArray(value) && value.every(of);
const oneOf = (names: readonly string[]) => (value: unknown) => names.includes(value as string);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const isScale = (value: unknown): boolean =>
  isObject(value) && Number.isFinite(value.center) && Number.isFinite(value.scale) && (value.scale as number) > 0;

const CHECKS: { readonly [K in keyof Required<ForecastLayout>]: (value: unknown) => boolean } = {
  targets: (value) => listOf(text)(value) && (value as unknown[]).length > 0,
  past: listOf(text),
  known: listOf(text),
  context: whole,
  horizon: whole,
  decoding: oneOf(DECODINGS),
  anchor: oneOf(ANCHORS),
  season: whole,
  indicators: listOf(text),
  calendar: listOf(oneOf(CALENDAR_ROUNDS)),
  categories: (value) => value === undefined || (isObject(value) && Object.values(value).every(listOf(text))),
  step: (value) =>
    value === undefined ||
    (isObject(value) && whole(value.count) && ["millisecond", "day", "month"].includes(value.unit as string)),
  timeZone: text,
  transform: oneOf(TRANSFORMS),
  scaling: oneOf(SCALINGS),
  scales: (value) =>
    isObject(value) && Object.values(value).every((one) => isObject(one) && Object.values(one).every(isScale)),
  counts: (value) => typeof value === "boolean",
  intervalWidths: (value) =>
    value === undefined ||
    (isObject(value) && Object.values(value).every((one) => Number.isFinite(one) && (one as number) >= 0)),
};

/** What a forecaster says of the numbers that it reads and predicts. */
interface ForecasterWidths extends ForecastWidths {
  readonly horizon: number;
  readonly linearSteps?: number | undefined;
  readonly categories?: readonly number[] | undefined;
}

/**
 * Checks the layout that a file holds beside a model.
 * @throws UsageError "bad-config"; "bad-run" for the layout of another model
 */
export function forecastLayoutFromConfig(value: unknown, model: ForecasterWidths): ForecastLayout {
  if (!isObject(value)) throw new UsageError("bad-config", `data: expected an object, got ${describe(value)}`);
  for (const [name, right] of Object.entries(CHECKS))
    if (!right(value[name]))
      throw new UsageError("bad-config", `data.${name}: expected what training writes, got ${describe(value[name])}`);
  for (const name of Object.keys(value)) expectOneOf("data", name, Object.keys(CHECKS));
  const layout = value as unknown as ForecastLayout;
  expectModelOf(layout, model);
  return layout;
}

function expectModelOf(layout: ForecastLayout, model: ForecasterWidths): void {
  const { channels, known, targets } = widthsOf(layout);
  const { linearSteps = layout.context, categories = [] } = model;
  const fits =
    layout.horizon === model.horizon && layout.context === linearSteps && kindsOf(layout).join() === categories.join();
  if (channels !== model.channels || known !== model.known || targets !== model.targets || !fits)
    throw new UsageError(
      "bad-run",
      `its data have ${channels} channels and ${targets} targets, its model ${model.channels} and ${model.targets}: these parts do not belong to one run`,
    );
}
