import { choice, choices, integer, number, numbers, onOff, path, text, texts, type ValuesOf } from "./fields.ts";
import { recurrentFields } from "./model.ts";
import { machineField, trainingFields } from "./training.ts";

const { epochs: _, ...training } = trainingFields;

/** Where the columns of a table of series are. */
export const seriesFields = {
  target: texts({ about: "columns to forecast", unit: "column", required: true }),
  series: text({
    about: "column that says which series a row belongs to",
    ...{ unit: "column", otherwise: "all rows are one series" },
  }),
  time: texts({
    about: "column with the time, or columns with year, month, day, hour, minute, second",
    ...{ unit: "column", otherwise: "the one that holds dates; none: rows are equal steps" },
  }),
  timeZone: text({ about: "time zone of the times, such as Europe/Berlin", unit: "name", default: "UTC" }),
  resample: text({
    about: "take means over steps of this length: 15min, 1h, 1d, 1w, 1mo",
    ...{ unit: "step", otherwise: "the steps of the file" },
  }),
  past: texts({ about: "covariates known for the past only", unit: "column", otherwise: "none" }),
  known: texts({ about: "covariates known in advance", unit: "column", otherwise: "none" }),
  category: texts({
    about: "static categories: columns with text that is the same in all rows of a series",
    ...{ unit: "column", otherwise: "none" },
  }),
  delimiter: text({
    about: "delimiter of cells",
    ...{ unit: "character", otherwise: "a tab in .tsv files, else the one of , ; tab | that fits" },
  }),
  decimal: choice([".", ","], {
    about: "what decimals of numbers begin with",
    unit: "character",
    otherwise: "a point",
  }),
  header: onOff({ about: "the first row has column names, although columns are given by number" }),
} as const;

const part = (about: string) =>
  number({
    about: `${about}: a share of each series, or from 1 on a number of steps; 0: none`,
    ...{ unit: "part", min: 0, default: 0.1 },
  });

/** All that the training of a forecaster is made of: flags of `train forecast`, keys of its config files, `training` in a run's config.json. */
export const forecastFields = {
  file: path({
    about: "table of series (CSV, TSV, JSON lines, gzip or not; Parquet), one row per step",
    ...{ unit: "file", positional: true, required: true },
  }),
  ...seriesFields,
  horizon: integer({ about: "steps to forecast", unit: "steps", min: 1, required: true }),
  context: integer({
    about: "number of past steps to read",
    ...{ unit: "steps", min: 1, otherwise: "twice the horizon or two seasons, less for short series" },
  }),
  season: integer({
    about: "steps per season",
    ...{ unit: "steps", min: 1, otherwise: "24 hours, 7 days, 12 months by the times; else none" },
  }),
  validation: part("validation part, after the training part"),
  test: part("test part, after the validation part"),
  head: choice(["point", "quantiles", "gaussian", "student-t", "negative-binomial"], {
    about: "what is predicted of each step",
    ...{ unit: "kind", otherwise: "quantiles; student-t with --decoding autoregressive" },
  }),
  pointLoss: choice(["squared", "absolute"], {
    about: "loss of point forecasts",
    ...{ unit: "error", default: "squared", needs: { key: "head", values: ["point"] } },
  }),
  quantiles: numbers({
    about: "probabilities of the learned quantiles, ascending",
    ...{ unit: "level", above: 0, below: 1, otherwise: "0.1 0.5 0.9" },
  }),
  calibrate: onOff({
    about: "have intervals hold on the validation part what they say: one factor for their width",
    ...{ off: "do not calibrate intervals on the validation part", default: true },
  }),
  decoding: choice(["direct", "autoregressive"], {
    about: "predict all steps at once, or each from the one before",
    ...{ unit: "how", default: "direct" },
  }),
  anchor: choice(["none", "last", "season"], {
    about: "what predictions are differences to: nothing, the last value, the value one season before",
    ...{ unit: "kind", otherwise: "what fits the training part best by itself; none for counts" },
  }),
  transform: choice(["none", "log"], {
    about: "transformation of targets: none, or logarithms",
    ...{ unit: "kind", otherwise: "log where swings grow with the level" },
  }),
  scaling: choice(["standard", "robust", "mean", "none"], {
    about:
      "scaling of each series: by mean and standard deviation, by median and interquartile range, by its mean size, or none",
    ...{ unit: "rule", otherwise: "standard; mean for counts" },
  }),
  calendar: choices(["minute", "hour", "weekday", "monthday", "yearday", "none"], {
    about: "calendar features to use as inputs",
    ...{ unit: "round", otherwise: "those that fit the times" },
  }),
  linear: onOff({
    about:
      "fit a linear map of each target's past first, where there is enough to fit it to; the network learns what it leaves",
    ...{ off: "do not fit a linear map first", default: true },
  }),
  ...recurrentFields,
  hiddenSize: integer({ about: "units per recurrent layer", unit: "units", min: 1, default: 64 }),
  dropout: number({
    about: "dropout rate between layers and before the output",
    ...{ unit: "share", min: 0, below: 1, default: 0 },
  }),
  batchSize: integer({ about: "windows per update", unit: "count", min: 1, default: 32 }),
  epochs: integer({
    about: "number of passes over all windows",
    ...{ unit: "count", min: 1, otherwise: "for about 2,000 updates, from 5 to 50" },
  }),
  ...training,
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  machine: machineField,
} as const;

export type ForecastSettings = ValuesOf<typeof forecastFields>;
