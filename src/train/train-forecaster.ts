import type { Machine } from "../compute/machine.ts";
import type { Batch } from "../data/batch-source.ts";
import { type ForecastWindow, type PreparedSeries, prepareSeries } from "../data/forecast-inputs.ts";
import { type ForecastLayout, kindsOf, widthsOf } from "../data/forecast-layout.ts";
import { type ForecastSpans, splitSeries } from "../data/forecast-split.ts";
import { windowBatches, windowsOf } from "../data/forecast-windows.ts";
import { columnName, observedLength, part, type TimeSeries, type TimeSeriesSet } from "../data/time-series.ts";
import type { HeadName, PointLoss } from "../models/forecast-heads.ts";
import {
  type SequenceForecaster,
  type SequenceForecasterOptions,
  sequenceForecaster,
} from "../models/sequence-forecaster.ts";
import { declareForecastInputs } from "../run/forecast-plans.ts";
import { Forecaster } from "../run/forecaster.ts";
import { checkOptions } from "../schema/check.ts";
import { describe, expectInteger, UsageError } from "../shared/errors.ts";
import type { Abortable } from "../shared/signal.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import { openEvaluator } from "./evaluator.ts";
import { type ForecastLayoutOptions, fitForecastLayout } from "./fit-forecast-layout.ts";
import { fitLinear, fitsLinear } from "./fit-linear.ts";
import { type TrainingOptions, trainingOptions } from "./trainer-options.ts";
import { openTraining, type Training } from "./training.ts";

/** What the network is made of; what it reads and predicts comes from the data. */
export type ForecasterModelOptions = Pick<
  SequenceForecasterOptions,
  "cell" | "hiddenSize" | "projectionSize" | "numLayers" | "initialize" | "dropout"
>;

/** Options of `trainForecaster`. */
export interface TrainForecasterOptions extends TrainingOptions, ForecastLayoutOptions {
  readonly machine: Machine;
  /** Series from `readTimeSeries` or `timeSeriesSet`. */
  readonly data: TimeSeriesSet;
  /**
   * Steps for validation, after the training part: a share of each series (at least H steps), or a number of steps. Default 0.1; 0:
   * none.
   */
  readonly validation?: number | undefined;
  /** Steps after the validation part that are not used, as a share or number. Default 0. */
  readonly test?: number | undefined;
  /** What is predicted of each value. Default "quantiles", for autoregressive models "student-t". */
  readonly head?: HeadName | undefined;
  /** For the head "point": the loss. Default "squared". */
  readonly pointLoss?: PointLoss | undefined;
  /** For the head "quantiles": their probabilities, ascending. Default 0.1, 0.5, 0.9. */
  readonly levels?: readonly number[] | undefined;
  /** Options of the network. */
  readonly model?: ForecasterModelOptions | undefined;
  /**
   * Whether a linear map of each target's past is fitted first, by least squares, and the network learns the remainder. Default true,
   * if all steps are predicted at once, the head is not for counts, and there are at least ten windows per step of context.
   */
  readonly linear?: boolean | undefined;
  /** B: windows per update. Default 32. */
  readonly batchSize?: number | undefined;
  /** Default: about 2,000 updates, at least 5 and at most 50 epochs. */
  readonly epochs?: number | undefined;
}

/** Further facts in the start event of a forecaster's training. */
export interface ForecasterFacts {
  readonly series: number;
  /** Series that are too short to train on. */
  readonly skippedSeries: number;
  readonly trainWindows: number;
  readonly validationWindows: number;
  readonly batchSize: number;
}

/** A series, as the network reads it, and how it was cut. */
export interface SplitSeries {
  readonly prepared: PreparedSeries;
  readonly source: TimeSeries;
  readonly spans: ForecastSpans;
}

/** What `trainForecaster` gives. */
export interface ForecasterTraining extends Training<ForecasterFacts, SequenceForecaster> {
  /** The forecaster with the current weights; closed with the trainer, as are the weights. */
  readonly forecaster: Forecaster;
  readonly series: readonly SplitSeries[];
  /**
   * Calibrates the intervals on the validation part (`Forecaster.calibrate`). Call it once the final weights are in place.
   * @param of another forecaster of this training, such as one with weights that were saved on the way; default `forecaster`
   */
  calibrate(of?: Forecaster, options?: Abortable): ReturnType<Forecaster["calibrate"]>;
}

/**
 * Trains a forecaster of time series. Scaling, calendar features and inputs for gaps are fitted on the training part only. Nothing runs
 * until the trainer is iterated or `run` is called.
 * @example
 * ```ts no-run
 * const data = await readTimeSeries("sales.csv", { targets: ["sales"], time: "day" });
 * const { trainer, forecaster, calibrate } = await trainForecaster({ machine, data, horizon: 14 });
 * await trainer.run({ epoch: ({ epoch, validationLoss }) => console.log(epoch, validationLoss) });
 * await calibrate(); // intervals that hold what they say
 * const [{ targets }] = await forecaster.forecast(data);
 * ```
 * @throws UsageError for wrong options, "series-too-short", "not-a-count"; FailureError "out-of-memory" before anything is allocated;
 *   while training "diverged"
 */
export async function trainForecaster(options: TrainForecasterOptions): Promise<ForecasterTraining> {
  checkOptions("trainForecaster", options, {
    ...trainingOptions,
    machine: "required",
    data: "required",
    validation: 1,
    test: 1,
    head: 1,
    pointLoss: 1,
    levels: 1,
    linear: 1,
    model: { cell: 1, hiddenSize: 1, projectionSize: 1, numLayers: 1, initialize: 1, dropout: 1 },
    batchSize: 1,
    horizon: "required",
    context: 1,
    season: 1,
    decoding: 1,
    anchor: 1,
    transform: 1,
    scaling: 1,
    calendar: 1,
  });
  const { machine, data, batchSize = 32, validation = 0.1, test = 0 } = options;
  if (typeof data !== "object" || data === null || !Array.isArray(data.series) || data.series.length === 0)
    throw new UsageError("bad-option", `data: expected series, as readTimeSeries gives them, got ${describe(data)}`);
  const seed = expectInteger("seed", options.seed ?? 0, { min: 0 });
  const head = options.head ?? (options.decoding === "autoregressive" ? "student-t" : "quantiles");
  if (head === "quantiles" && options.decoding === "autoregressive")
    throw new UsageError(
      "bad-option",
      "head quantiles: single quantiles cannot be drawn from step by step; expected point, gaussian, student-t or negative-binomial with decoding autoregressive",
    );
  const counts = head === "negative-binomial";
  const horizon = expectInteger("horizon", options.horizon, { min: 1 });
  const spans = data.series.map((series) =>
    splitSeries(observedLength(series, data.targets), horizon, { validation, test }),
  );
  const layout = fitForecastLayout(
    data,
    data.series.map((series, k) => part(series, 0, spans[k]!.train.to)),
    options,
    counts,
  );
  if (counts) expectCounts(data);
  const prepared = data.series.map((series) => prepareSeries(series, layout, data.timeZone));
  const windows = (of: keyof ForecastSpans): ForecastWindow[] =>
    windowsOf(
      prepared,
      spans.map((one) => one[of]),
      layout,
    );
  const [train, measured] = [windows("train"), windows("validation")];
  if (train.length === 0) throw tooShort(layout, spans);
  const { targets, channels, known } = widthsOf(layout);
  const beside = (options.linear ?? true) && fitsLinear(train.length, layout);
  const model = sequenceForecaster({
    ...{ channels, targets, known, horizon, autoregressive: layout.decoding === "autoregressive" },
    ...{ head, pointLoss: options.pointLoss, levels: options.levels },
    categories: layout.categories && kindsOf(layout),
    linearSteps: beside ? layout.context : undefined,
    ...options.model,
  });
  const batches = windowBatches({ windows: train, layout, batchSize, seed });
  const epochs = options.epochs ?? Math.min(50, Math.max(5, Math.ceil(2000 / batches.batchesPerEpoch)));
  const seen = new Set(train.map(({ series }) => series));
  const { runner: forecaster, ...training } = await openTraining<ForecasterFacts, SequenceForecaster, Forecaster>(
    {
      ...options,
      ...{ model, batches, epochs },
      facts: {
        ...{ series: prepared.length, skippedSeries: prepared.length - seen.size },
        ...{ trainWindows: train.length, validationWindows: measured.length, batchSize },
      },
    },
    async (parameters) => {
      if (beside)
        for (const [name, data] of Object.entries(fitLinear(train, layout))) parameters.write(`linear.${name}`, data);
      const loss = (graph: Graph, { inputs, rows }: Batch): Tensor => {
        const given = (name: string): Tensor | undefined => inputs[name] && graph.input(name, [horizon, rows, targets]);
        return model.loss(declareForecastInputs(graph, model, inputs, rows), given("y")!, { mask: given("mask") });
      };
      return {
        runner: new Forecaster({ model, layout, machine, parameters }),
        evaluator:
          measured.length === 0
            ? undefined
            : await openEvaluator({
                ...{ machine, parameters },
                batches: windowBatches({ windows: measured, layout, batchSize: 256 }),
                record: (graph, batch) => ({ metrics: { loss: loss(graph, batch) } }),
              }),
        record: (graph, batch) => ({ loss: loss(graph, batch) }),
      };
    },
  );
  const series = prepared.map((one, k) => ({ prepared: one, source: data.series[k]!, spans: spans[k]! }));
  const calibrate: ForecasterTraining["calibrate"] = (of = forecaster, options) => of.calibrate(measured, options);
  return { ...training, forecaster, series, calibrate };
}

function tooShort({ context, horizon }: ForecastLayout, spans: readonly ForecastSpans[]): UsageError {
  const longest = spans.reduce((most, { train }) => Math.max(most, train.to), 0);
  return new UsageError(
    "series-too-short",
    `expected a series of at least ${context + horizon} steps to learn from (context ${context} + horizon ${horizon}), the longest has ${longest} before its validation and test part; lower the context, the horizon, or these parts`,
  );
}

function expectCounts({ series, targets }: TimeSeriesSet): void {
  for (const { id, values } of series)
    for (const name of targets) {
      const at = values[name]!.findIndex((value) => value < 0 || (!Number.isNaN(value) && value % 1 !== 0));
      const value = values[name]![at];
      if (at >= 0)
        throw new UsageError(
          "not-a-count",
          `head negative-binomial: expected whole numbers of at least 0, ${columnName(id, name)} has ${value} at step ${at + 1}`,
        );
    }
}
