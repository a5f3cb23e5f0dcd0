import { type PreparedSeries, windowInputs } from "../data/forecast-inputs.ts";
import type { TimeSeries } from "../data/time-series.ts";
import { add, exp, mul, variable } from "../math/expression.ts";
import { declareForecastInputs, type InputArrays } from "../run/forecast-plans.ts";
import type { Forecaster } from "../run/forecaster.ts";
import { expectInteger, expectOneOf, UsageError } from "../shared/errors.ts";
import { expectOptions } from "../shared/options.ts";
import { mapValues } from "../shared/records.ts";
import { add as addUp } from "../tensor/arithmetic.ts";
import type { Tensor } from "../tensor/graph.ts";
import { pointwise, reshape, slice, sumAll } from "../tensor/operations.ts";
import {
  asksForGradients,
  layerInput,
  type ReadTrace,
  type ReadTraceOptions,
  readTrace,
  readTraceNames,
  traceLayers,
} from "./read-trace.ts";
import type { Objective, Trace } from "./trace.ts";
import { joined } from "./traced-array.ts";

/** Options of `traceForecaster`. */
export interface TraceForecasterOptions extends ReadTraceOptions {
  /**
   * Whether to return ∂L/∂value too: L is the point forecast of one step, in the unit of its target, as `forecaster.forecast` gives it.
   * Values that are held are held in L too. Default false.
   */
  readonly gradients?: boolean | undefined;
  /** The predicted step for L: 0 (default) is the first one. The only one where each step is predicted from the one before. */
  readonly step?: number | undefined;
  /** The target for L. Default: the first one. */
  readonly target?: string | undefined;
}

/**
 * Traces a forecaster on the context at the end of a series, and on the future steps if a second stack reads what is known of them.
 * Tokens are the distances to the first predicted step: −1 is the last known step, 0 the first predicted one.
 * @example
 * ```ts
 * const { gradients } = await traceForecaster(forecaster, series, { gradients: true, step: 6 });
 * normsOverTime(gradients.h_l0); // the steps on which the forecast of the seventh depends
 * ```
 * @throws UsageError "series-too-short", "unknown-column", "missing-future", "unknown-choice", "out-of-range", "bad-option"; FailureError
 *   "trace-too-large"; the reason of `signal`
 */
export async function traceForecaster(
  forecaster: Forecaster,
  series: TimeSeries,
  options: TraceForecasterOptions = {},
): Promise<ReadTrace> {
  expectOptions("traceForecaster", options, { ...readTraceNames, gradients: 1, step: 1, target: 1 });
  const { model: network, parameters, layout } = forecaster;
  const { encoder, decoder } = network.parts;
  // Where each step comes from the one before, the last one of the past is read with what is known of the first one to come.
  const direct = layout.decoding === "direct";
  const window = forecaster.latestWindow(series, direct ? 0 : 1);
  const arrays = windowInputs([window], direct ? layout : { ...layout, horizon: 1 }, { learn: !direct });
  const objective = objectiveOf(forecaster, window.series, arrays, options);
  const inputOf = (stack: "x" | "future") =>
    layerInput(
      parameters,
      (graph) => {
        const { categories, ...steps } = declareForecastInputs(graph, network, arrays, 1);
        return network.embed(steps[stack]!, categories);
      },
      arrays,
      options,
    );
  const x = { data: await inputOf("x") };
  const tokens = Array.from({ length: layout.context }, (_, t) => `−${layout.context - t}`);
  if (!decoder) return readTrace(await traceLayers(encoder, parameters, x, options, objective), tokens);
  const past = await traceLayers(encoder, parameters, x, options);
  const missing = unknownOf(series, window.origin, layout);
  if (missing !== undefined) {
    if (!objective) return readTrace(past, tokens);
    throw new UsageError(
      "missing-future",
      `gradients: expected ${layout.horizon} values of ${JSON.stringify(missing)} after the last step of the series, without which nothing is forecast`,
    );
  }
  const future = { data: await inputOf("future"), initial: past.final };
  const ahead = await traceLayers(decoder, parameters, future, options, objective);
  // By the chain rule: the gradient of the state between both stacks is the objective of the first one.
  const before = objective
    ? await traceLayers(encoder, parameters, x, options, stateObjective(ahead.initialGradients))
    : past;
  const numbered = Array.from({ length: layout.horizon }, (_, h) => String(h));
  return readTrace(followedBy(before, ahead), [...tokens, ...numbered]);
}

/** L from the output of the last stack; undefined if no gradients are requested. */
function objectiveOf(
  { model: network, layout, distribution }: Forecaster,
  { center, scale }: PreparedSeries,
  arrays: InputArrays,
  { gradients, step, target }: TraceForecasterOptions,
): Objective | undefined {
  if (!asksForGradients(gradients, { step, target })) return undefined;
  const direct = layout.decoding === "direct";
  const h = expectInteger("step", step ?? 0, { min: 0, max: direct ? layout.horizon - 1 : 0 });
  const d = target === undefined ? 0 : layout.targets.indexOf(expectOneOf("target", target, layout.targets));
  const { pointOf } = distribution;
  // Counts are learned in their own units.
  const measured = layout.counts ? pointOf : add(center[d]!, mul(scale[d]!, pointOf));
  return (layers) => {
    const { graph } = layers.output;
    const { channels, targets } = network.config;
    const given = (name: string, width: number): Tensor | undefined => {
      const data = arrays[name];
      return data && graph.constant([data.length / width, 1, width], data);
    };
    const inputs = { x: given("x", channels)!, base: given("base", targets), scale: given("scale", targets) };
    const predicted = Object.entries(network.answer(layers, inputs)).map(([name, all]) => {
      const at = direct ? h : all.shape[0]! - 1;
      return [name, reshape(slice(slice(all, 0, at, at + 1), 2, d, d + 1), [])] as const;
    });
    return pointwise(Object.fromEntries(predicted), layout.transform === "log" ? exp(measured) : measured);
  };
}

/** L of layers with these gradients of their final state: Σ state · gradient. */
const stateObjective =
  (gradients: Readonly<Record<string, ArrayLike<number>>>): Objective =>
  ({ final }) =>
    Object.entries(final)
      .map(([name, state]) => {
        const gradient = state.graph.constant(state.shape, gradients[name]!);
        return sumAll({ state, gradient }, mul(variable("state"), variable("gradient")));
      })
      .reduce((a, b) => addUp(a, b));

/** A column known in advance whose values for the future steps are missing. */
const unknownOf = ({ values }: TimeSeries, origin: number, { known, horizon }: Forecaster["layout"]) =>
  known.find((name) => {
    const ahead = values[name]!.slice(origin, origin + horizon);
    return ahead.length < horizon || ahead.some(Number.isNaN);
  });

/** Joins two traces, the second of which continued from the state of the first. */
const followedBy = (first: Trace, then: Trace): Trace => ({
  ...then,
  ...{ values: joinedArrays(first.values, then.values), gradients: joinedArrays(first.gradients, then.gradients) },
  initialGradients: first.initialGradients,
  output: joined(first.output, then.output),
});

const joinedArrays = (first: Trace["values"], then: Trace["values"]): Trace["values"] =>
  mapValues(first, (one, key) => joined(one, then[key]!));
