import { choice, choices, integer, number, numbers, onOff, path, text, texts, type ValuesOf } from "./fields.ts";
import { recurrentFields } from "./model.ts";
import { machineField, trainingFields } from "./training.ts";

const { tensorboard: _, epochs: __, ...training } = trainingFields;

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
  timeZone: text({ about: "whose clocks times are of, such as Europe/Berlin", unit: "name", default: "UTC" }),
  resample: text({
    about: "take means over steps of this length: 15min, 1h, 1d, 1w, 1mo",
    ...{ unit: "step", otherwise: "the steps of the file" },
  }),
  past: texts({ about: "columns that help and are known up to now only", unit: "column", otherwise: "none" }),
  known: texts({ about: "columns that help and are known beforehand", unit: "column", otherwise: "none" }),
  category: texts({
    about: "columns with text that is the same in all rows of a series and says what it is",
    ...{ unit: "column", otherwise: "none" },
  }),
  delimiter: text({
    about: "what stands between the cells of a row",
    ...{ unit: "character", otherwise: "a tab in .tsv files, else the one of , ; tab | that fits" },
  }),
  header: onOff({ about: "the first row names the columns, although they are given by number" }),
} as const;

const part = (about: string) =>
  number({
    about: `${about}: a share of each series, or from 1 on a number of steps; 0 keeps none`,
    ...{ unit: "part", min: 0, default: 0.1 },
  });

/** All that the training of a forecaster is made of: flags of `train forecast`, keys of its config files, `training` in a run's config.json. */
export const forecastFields = {
  file: path({
    about: "table of series (CSV, TSV, JSON lines, gzip or not; Parquet), one row a step",
    ...{ unit: "file", positional: true, required: true },
  }),
  ...seriesFields,
  horizon: integer({ about: "steps to forecast", unit: "steps", min: 1, required: true }),
  context: integer({
    about: "steps to look back at",
    ...{ unit: "steps", min: 1, otherwise: "twice the horizon or two seasons, less for short series" },
  }),
  season: integer({
    about: "steps of one round",
    ...{ unit: "steps", min: 1, otherwise: "24 hours, 7 days, 12 months by the times; else none" },
  }),
  validation: part("what is measured on after each epoch, behind what is learned from"),
  test: part("what is measured on once at the end, behind that"),
  head: choice(["point", "quantiles", "gaussian", "student-t", "negative-binomial"], {
    about: "what is said of each step",
    ...{ unit: "kind", otherwise: "quantiles; student-t with --decoding autoregressive" },
  }),
  pointLoss: choice(["squared", "absolute"], {
    about: "which error a point makes small",
    ...{ unit: "error", default: "squared" },
  }),
  quantiles: numbers({
    about: "probabilities of the quantiles that are learned, ascending",
    ...{ unit: "level", above: 0, below: 1, otherwise: "0.1 0.5 0.9" },
  }),
  calibrate: onOff({
    about: "have intervals hold on the validation part what they say: one factor for their width",
    ...{ off: "intervals as they were learned", default: true },
  }),
  decoding: choice(["direct", "autoregressive"], {
    about: "predict all steps at once, or each from the one before",
    ...{ unit: "how", default: "direct" },
  }),
  anchor: choice(["none", "last", "season"], {
    about: "what predictions are differences to: nothing, the last value, the season before",
    ...{ unit: "kind", otherwise: "what fits the training part best by itself; none for counts" },
  }),
  transform: choice(["none", "log"], {
    about: "what is done to targets first: nothing, or take logarithms",
    ...{ unit: "kind", otherwise: "log where swings grow with the level" },
  }),
  scaling: choice(["standard", "robust", "mean", "none"], {
    about: "how each series is scaled: by mean and deviation, by median and middle half, by its mean size, or not",
    ...{ unit: "rule", otherwise: "standard; mean for counts" },
  }),
  calendar: choices(["minute", "hour", "weekday", "monthday", "yearday", "none"], {
    about: "rounds of the calendar that are inputs",
    ...{ unit: "round", otherwise: "those that fit the times" },
  }),
  linear: onOff({
    about:
      "fit a linear map of each target's past first, where there is enough to fit it to; the network learns what it leaves",
    ...{ off: "no linear map beside the network", default: true },
  }),
  ...recurrentFields,
  hiddenSize: integer({ about: "units of each recurrent layer", unit: "units", min: 1, default: 64 }),
  dropout: number({
    about: "share of the values between layers and before the output that is dropped in training",
    ...{ unit: "share", min: 0, below: 1, default: 0 },
  }),
  batchSize: integer({ about: "windows of an update", unit: "count", min: 1, default: 32 }),
  epochs: integer({
    about: "how often all windows are learned from",
    ...{ unit: "count", min: 1, otherwise: "for about 2,000 updates, from 5 to 50" },
  }),
  ...training,
  baselines: onOff({ about: "baselines beside the model", off: "no baselines", default: true }),
  machine: machineField,
} as const;

export type ForecastSettings = ValuesOf<typeof forecastFields>;
