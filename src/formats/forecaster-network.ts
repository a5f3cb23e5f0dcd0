import { type ForecastLayout, kindsOf, widthsOf } from "../data/forecast-layout.ts";
import { medianPlace, type ParameterForm } from "../models/forecast-heads.ts";
import type { SequenceForecaster } from "../models/sequence-forecaster.ts";
import { sortingNetwork } from "../shared/sorting-network.ts";
import type { NamedTensor } from "../tensor/parameter-store.ts";
import type { CanonicalInput } from "./canonical.ts";
import { forecasterConventions } from "./forecaster-conventions.ts";
import { type DescribedModel, NetworkBuilder, type Weights } from "./network-builder.ts";
import { type SeriesUnits, seriesUnits } from "./series-units.ts";

/**
 * A forecaster as a network of layers, in the units of its series; where logarithms are learned, of logarithms. An output for each
 * parameter of the head, [B, H, D]: quantiles are in order, and intervals as wide as was measured in training.
 *
 * Inputs: `targets` [B, T, D]; `past` [B, T, I + P] (indicators, and what is known of the past only), `known` [B, T, K] and, of the
 * steps that are predicted, `future` [B, H, K]; of each category its number, `category.0` [B, 1]; `series` [B, 1] where several were learned
 * from. Step by step, sequences have any length, states go on from piece to piece, `known` is of the step after each, numbers of categories are
 * given for each step, outputs are [B, T, D], and `level` [B, D] is the last value where predictions are differences to it.
 *
 * @throws UsageError "bad-cell" for a cell of code that words cannot say
 */
export function networkOfForecaster(
  model: SequenceForecaster,
  trained: Weights,
  layout: ForecastLayout,
): DescribedModel {
  const { cell, autoregressive } = model.config;
  const { encoder, decoder } = model.parts;
  const network = new NetworkBuilder(trained);
  const units = seriesUnits(network, layout);
  const past = readPast(network, units, model, layout);
  const joined = (name: string, steps: readonly string[], count: number): string => {
    const all = [...steps, ...vectorsOf(network, model, name, count)];
    return all.length === 1 ? all[0]! : network.add(`${name}.joined`, { kind: "concatenate", axis: -1 }, all, {});
  };
  const { horizon, context } = layout;
  const read = joined("encoder", past.steps, context);
  const atOnce = !autoregressive && !decoder;
  const use = { cell, last: atOnce, independent: !autoregressive, givesStates: decoder !== undefined };
  let last = network.addStack("encoder", encoder, use, read);
  if (decoder) {
    const ahead = joined("decoder", [units.scaled(knownColumns(layout), "future")], horizon);
    last = network.addStack("decoder", decoder, { cell, last: false, independent: false, after: "encoder" }, ahead);
  }
  const inputs = [
    ...inputsOf(layout),
    ...kindsOf(layout).map((_, k) => ({
      ...{ name: `category.${k}`, shape: [autoregressive ? null : 1], type: "int" as const },
    })),
    ...units.inputs,
  ];
  const outputs = answers(network, units, model, layout, { last, base: past.base });
  return {
    network: network.finish({ name: "forecaster", inputs, outputs }),
    conventions: forecasterConventions(model.config, layout, units.inputs.length > 0),
  };
}

/** Names of inputs beside the targets: those of steps of the past, and which of them are known of the future too. */
const indicated = ({ indicators, past }: ForecastLayout) => ({
  name: "past",
  names: [...indicators.map(() => undefined), ...past],
});
const knownColumns = ({ known, calendar }: ForecastLayout) => ({
  name: "known",
  names: [...known, ...calendar.flatMap(() => [undefined, undefined])],
});

function inputsOf(layout: ForecastLayout): readonly CanonicalInput[] {
  const { context, horizon, decoding, anchor } = layout;
  const { targets: D, channels, known: K } = widthsOf(layout);
  const direct = decoding === "direct";
  const beside = channels - D - K;
  const numbers = (name: string, ...shape: readonly (number | null)[]): CanonicalInput => ({
    name,
    shape,
    type: "float",
  });
  const steps = direct ? context : null;
  return [
    numbers("targets", steps, D),
    ...(beside > 0 ? [numbers("past", steps, beside)] : []),
    ...(K > 0 ? [numbers("known", steps, K)] : []),
    ...(K > 0 && direct ? [numbers("future", horizon, K)] : []),
    ...(!direct && anchor === "last" ? [numbers("level", D)] : []),
  ];
}

/** What the encoder reads of each step, and what locations are added to, [B, H, D] or [B, 1, D]. */
function readPast(
  network: NetworkBuilder,
  units: SeriesUnits,
  { parts, config: { autoregressive } }: SequenceForecaster,
  layout: ForecastLayout,
): { readonly steps: readonly string[]; readonly base: string | undefined } {
  const { targets, context, horizon, anchor, season } = layout;
  const columns = { name: "targets", names: targets };
  const measured = units.scaled(columns, "targets");
  /** A map of the steps of each target, the same for all of them: [B, T, D] to [B, rows, D]. */
  const overTime = (name: string, rows: number, weight: (row: number, step: number) => number): string => {
    const turned = network.add(`${name}.turned`, { kind: "permute", order: [2, 1] }, measured, {});
    const form = { kind: "dense", inputSize: context, outputSize: rows, bias: false } as const;
    const mapped = network.add(name, { ...form, activation: { name: "identity" } }, turned, {
      weight: matrix(rows, context, weight),
    });
    return network.add(`${name}.back`, { kind: "permute", order: [2, 1] }, mapped, {});
  };
  const span = anchor === "season" ? season : 1;
  const level = autoregressive && anchor !== "none" ? units.scaled(columns, "level") : undefined;
  /** What is added to the targets of the past, so that they are differences. */
  const below =
    anchor === "none"
      ? undefined
      : level === undefined
        ? overTime("below", 1, (_, step) => (step >= context - span ? -1 / span : 0))
        : network.negative("below", targets.length, level);
  const off = below === undefined ? measured : network.combine("differences", "add", [measured, below]);
  const base =
    anchor === "none" || level !== undefined
      ? level
      : overTime("anchor", anchor === "season" ? horizon : 1, (h, step) =>
          Number(step === context - span + (h % span)),
        );
  const { indicators, past, known, calendar } = layout;
  const steps = [
    off,
    ...(indicators.length + past.length > 0 ? [units.scaled(indicated(layout), "past")] : []),
    ...(known.length + calendar.length > 0 ? [units.scaled(knownColumns(layout), "known")] : []),
  ];
  if (!parts.linear) return { steps, base };
  const mapped = fittedMap(network, layout, off);
  return { steps, base: base === undefined ? mapped : network.combine("base", "add", [mapped, base]) };
}

/** The linear map from each target to its H steps. */
function fittedMap(network: NetworkBuilder, layout: ForecastLayout, past: string): string {
  const { targets, context: T, horizon: H } = layout;
  const { weight, bias } = network.own("linear") as { readonly weight: NamedTensor; readonly bias: NamedTensor };
  const D = targets.length;
  const flat = network.add("linear.flat", { kind: "flatten" }, past, {});
  // Row h · D + d, column t · D + d: nothing of the other targets.
  const wide = matrix(H * D, T * D, (row, column) => {
    const [h, d, t] = [Math.floor(row / D), row % D, Math.floor(column / D)];
    return column % D === d ? Number(weight.data[(d * T + t) * H + h]) : 0;
  });
  const offset = Float64Array.from({ length: H * D }, (_, row) =>
    Number(bias.data[(row % D) * H + Math.floor(row / D)]),
  );
  const weights = { weight: wide, bias: { shape: [H * D], data: offset } };
  const ahead = network.addLinear("linear", weights, flat, weights);
  return network.add("linear.steps", { kind: "reshape", shape: [H, D] }, ahead, {});
}

/** The vectors of the categories at each step that a stack reads. */
function vectorsOf(
  network: NetworkBuilder,
  { parts: { categories }, config: { autoregressive } }: SequenceForecaster,
  stack: string,
  times: number,
): string[] {
  return Object.entries(categories?.parts ?? {}).map(([k, table]) => {
    const vector = `categories.${k}`;
    if (!network.has(vector)) network.addEmbedding(vector, table, `category.${k}`);
    if (autoregressive) return vector;
    const flat = `${vector}.flat`;
    if (!network.has(flat)) network.add(flat, { kind: "flatten" }, vector, {});
    return network.add(`${stack}.category.${k}`, { kind: "repeat", times }, flat, {});
  });
}

/** The outputs: what the head says, in the units of the series. */
function answers(
  network: NetworkBuilder,
  units: SeriesUnits,
  { head: { forms }, parts, config }: SequenceForecaster,
  { horizon, targets, intervalWidths = {} }: ForecastLayout,
  { last, base }: { readonly last: string; readonly base: string | undefined },
): { readonly name: string; readonly value: string }[] {
  const D = targets.length;
  const names = Object.keys(forms);
  const { autoregressive, levels } = config;
  const atOnce = !autoregressive && !parts.decoder;
  const raw = names.map((name, k) => {
    const steps = atOnce ? horizon : 1;
    const rows = Array.from({ length: steps * D }, (_, at) => (Math.floor(at / D) * names.length + k) * D + (at % D));
    const weights = pickedRows(network.own("head"), rows);
    const said = network.addLinear(names.length === 1 ? "head" : `head.${name}`, weights, last, weights);
    return atOnce ? network.add(`${name}.steps`, { kind: "reshape", shape: [horizon, D] }, said, {}) : said;
  });
  // What is measured of sampled futures says nothing of single steps.
  const factors = targets.map((name) => (autoregressive ? 1 : (intervalWidths[name] ?? 1)));
  const ordered = levels ? widened(network, sorted(network, raw), levels, factors) : raw;
  return names.map((name, k) => ({ name, value: inUnits(name, ordered[k]!, forms[name]!) }));

  function inUnits(name: string, value: string, form: ParameterForm): string {
    if (form.least === undefined)
      return units.placed(name, base === undefined ? value : network.combine(`${name}.based`, "add", [value, base]));
    const size = network.add(`${name}.size`, { kind: "activation", activation: { name: "softplus" } }, value, {});
    // Quantiles are the location and multiples of the scale.
    return units.sized(name, form, (form.power ?? 1) === 1 ? factors : factors.map(() => 1), size);
  }
}

/** Quantiles are learned one by one and may cross. */
function sorted(network: NetworkBuilder, values: readonly string[]): readonly string[] {
  const order = [...values];
  for (const [turn, [low, high]] of sortingNetwork(values.length).entries()) {
    const pair = [order[low]!, order[high]!];
    order[low] = network.combine(`order.${turn}.low`, "minimum", pair);
    order[high] = network.combine(`order.${turn}.high`, "maximum", pair);
  }
  return order;
}

/** Quantiles that are moved away from the median, or towards it. */
function widened(
  network: NetworkBuilder,
  values: readonly string[],
  levels: readonly number[],
  factors: readonly number[],
): readonly string[] {
  if (factors.every((factor) => factor === 1)) return values;
  const { low, high, share } = medianPlace(levels);
  const none = factors.map(() => 0);
  const times = (name: string, factor: number, value: string): string =>
    network.addAffine(name, { scale: factors.map(() => factor), offset: none }, value);
  const point =
    share === 0
      ? values[low]!
      : network.combine("median", "add", [
          times("median.low", 1 - share, values[low]!),
          times("median.high", share, values[high]!),
        ]);
  const below = network.negative("median.below", factors.length, point);
  return values.map((value, k) => {
    if (value === point) return value;
    const off = network.combine(`interval.${k}.off`, "add", [value, below]);
    const wide = network.addAffine(`interval.${k}.wide`, { scale: factors, offset: none }, off);
    return network.combine(`interval.${k}`, "add", [wide, point]);
  });
}

const matrix = (rows: number, columns: number, of: (row: number, column: number) => number): NamedTensor => ({
  shape: [rows, columns],
  data: Float64Array.from({ length: rows * columns }, (_, k) => of(Math.floor(k / columns), k % columns)),
});

/** Rows of a linear map. */
function pickedRows(weights: Readonly<Record<string, NamedTensor>>, rows: readonly number[]) {
  const [weight, bias] = [weights.weight!, weights.bias!];
  const columns = weight.shape[1]!;
  return {
    weight: matrix(rows.length, columns, (row, column) => Number(weight.data[rows[row]! * columns + column])),
    bias: { shape: [rows.length], data: Float64Array.from(rows, (row) => Number(bias.data[row])) },
  };
}
