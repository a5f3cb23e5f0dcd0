import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parseCell } from "../../src/cells/parse-cell.ts";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { openMachine } from "../../src/compute/open.ts";
import { calendarFeatures } from "../../src/data/calendar.ts";
import type { ForecastLayout } from "../../src/data/forecast-layout.ts";
import type { TimeSeries } from "../../src/data/time-series.ts";
import { type TimeSeriesSetOptions, timeSeriesSet } from "../../src/data/time-series-set.ts";
import { timeZone } from "../../src/data/time-zone.ts";
import { convertModel, type Target } from "../../src/formats/convert.ts";
import { open } from "../../src/formats/open.ts";
import type { ModelArray } from "../../src/formats/plans.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { withoutStates } from "../../src/formats/runnable.ts";
import { distributionOf } from "../../src/run/forecast-distribution.ts";
import { Forecaster } from "../../src/run/forecaster.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { mapValues } from "../../src/shared/records.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../src/train/train-forecaster.ts";
import { difference } from "../support/difference.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../support/onnxruntime.ts";

const { machine, folder } = await machineAndFolder("reference");
const wasm = await openMachine("wasm");
afterAll(() => wasm.close());

const [LENGTH, T, H] = [60, 6, 4];
const shops = ["north", "south", "west"];
/** Positive numbers of another size in every column and series. */
const column = (series: number, name: string): number[] =>
  Array.from(new RandomStream(series, name).normal(LENGTH + H), (noise, n) => {
    const size = 20 * 7 ** series + name.length;
    return size * (1 + 0.3 * Math.sin(n / 2) + 0.1 * Math.tanh(noise));
  });

interface Variant extends Partial<Omit<TrainForecasterOptions, "machine" | "data">> {
  readonly columns: Pick<TimeSeriesSetOptions, "targets" | "past" | "known" | "categories" | "step">;
  readonly series: number;
  /** Columns in which some values are missing. */
  readonly gaps?: readonly string[];
  readonly widths?: Readonly<Record<string, number>>;
  readonly to?: readonly Target[];
}

function setOf({ columns, series, gaps = [], head }: Variant) {
  const { targets, past = [], known = [], categories = [], step } = columns;
  return timeSeriesSet({
    ...columns,
    series: Array.from({ length: series }, (_, k) => {
      const values = [...targets, ...past, ...known].map((name) => {
        const all = column(k, name).map((value) => (head === "negative-binomial" ? Math.round(value) : value));
        for (const at of gaps.includes(name) ? [3, 17, LENGTH - 4, LENGTH - 3] : []) all[at] = Number.NaN;
        return [name, all.map((value, n) => (n >= LENGTH && !known.includes(name) ? Number.NaN : value))] as const;
      });
      return {
        ...{ id: series === 1 ? "" : `s${k}`, values: Object.fromEntries(values) },
        ...(step && { start: new Date(Date.UTC(2024, 0, 1 + k)) }),
        categories: Object.fromEntries(categories.map((name) => [name, shops[k]!])),
      };
    }),
  });
}

const inWords = parseCell(`
  state m, c
  c = c[t-1] + W_c x * sigmoid(W_k x + U_k m[t-1])
  m = tanh(c) * W_o x
`);
const layersOf: readonly Target[] = ["onnx", "keras", "keras-h5", "tfjs"];
const one: Variant = { columns: { targets: ["y"] }, series: 1 };
const variants: Readonly<Record<string, Variant>> = {
  "quantiles of one series, differences to the last value, a linear map, intervals that were measured": {
    ...{ ...one, head: "quantiles", levels: [0.05, 0.2, 0.5, 0.9], anchor: "last", transform: "none" },
    ...{ widths: { y: 1.7 }, to: layersOf },
  },
  "quantiles without a median of the logarithms of two targets of three series, differences to a season": {
    ...{ columns: { targets: ["y", "zz"] }, series: 3, head: "quantiles", levels: [0.1, 0.4, 0.8], season: 3 },
    ...{ anchor: "season", transform: "log", widths: { y: 0.6, zz: 1.2 }, to: layersOf },
  },
  "points beside what is known, two layers of another cell behind two others": {
    ...{ columns: { targets: ["y"], known: ["price"], step: "1h" }, series: 2, head: "point", anchor: "none" },
    ...{ calendar: ["hour", "weekday"], model: { cell: "gru", numLayers: 2 }, linear: false, transform: "none" },
    to: ["onnx", "keras"],
  },
  "quantiles of one series beside what is known": {
    ...{ columns: { targets: ["y"], known: ["price"] }, series: 1, head: "quantiles", anchor: "none", to: layersOf },
  },
  "a normal distribution, with categories, a measured past and gaps": {
    ...{ columns: { targets: ["y"], past: ["rain"], categories: ["shop"] }, series: 3, gaps: ["y", "rain"] },
    ...{ head: "gaussian", transform: "none", widths: { y: 1.4 }, to: layersOf },
  },
  "Student's t-distribution of two targets, categories before and behind, a projection": {
    ...{ columns: { targets: ["y", "zz"], known: ["price"], categories: ["shop"] }, series: 2, head: "student-t" },
    ...{ transform: "log", scaling: "robust", widths: { zz: 1.3 }, linear: true },
    model: { cell: { name: "lstm", options: { projection: true } }, projectionSize: 3 },
  },
  "counts of several series": { ...one, series: 2, head: "negative-binomial", to: layersOf },
  "points, equations of one's own behind others whose states they begin with": {
    ...{ columns: { targets: ["y"], known: ["price"], step: "1h" }, series: 1, head: "point", anchor: "none" },
    model: { cell: inWords, numLayers: 2 },
  },
  "counts of one series in their own units, an exotic cell": {
    ...{ ...one, head: "negative-binomial", scaling: "none", model: { cell: "min-gru" } },
  },
};

/** A forecaster with weights of its own, also where training begins with zeros, as the folder of a run and as itself. */
async function saved(name: string, variant: Variant) {
  const { columns, series, gaps, widths, to, model, ...options } = variant;
  const data = setOf(variant);
  const { forecaster: begun } = await trainForecaster({
    ...{ machine, data, horizon: H, context: T, ...options, model: { hiddenSize: 5, dropout: 0.2, ...model } },
  });
  const { parameters } = begun;
  const weights = new Map(
    [...(await parameters.toTensors())].map(([key, { shape, data }]) => {
      const drawn = new RandomStream(5, key).normal(data.length);
      const none = key.startsWith("categories.") ? shape[1]! : 0;
      return [key, { shape, data: Float64Array.from(drawn, (value, k) => (k < none ? 0 : 0.4 * value)) }];
    }),
  );
  parameters.loadTensors(weights);
  const layout: ForecastLayout = { ...begun.layout, ...(widths && { intervalWidths: widths }) };
  const forecaster = new Forecaster({ model: begun.model, layout, machine, parameters });
  const path = join(folder, name);
  await saveRun(path, { config: { model: begun.model.config, data: layout }, parameters });
  return { path, forecaster, data };
}

/** The numbers of a window of a series as the conventions of its network have them: those that were measured. */
function window(
  { layout }: Forecaster,
  { series }: { series: readonly TimeSeries[] },
  k: number,
  from: number,
  to: number,
) {
  const { targets, past, known, indicators, calendar, categories = {}, transform, scales } = layout;
  const { values, times, id, categories: own = {} } = series[k]!;
  const filled = (name: string): number[] => {
    let last = Number.NaN;
    return Array.from(values[name]!, (value) => {
      last = Number.isNaN(value) ? last : value;
      return last;
    });
  };
  const numbers = (name: string) => filled(name).map(transform === "log" && targets.includes(name) ? Math.log : Number);
  const there = (name: string) => Array.from(values[name]!, (value) => Number(!Number.isNaN(value)));
  const rows = (columns: readonly (readonly number[])[], begin: number, end: number): ModelArray => ({
    shape: [1, end - begin, columns.length],
    data: Float64Array.from({ length: (end - begin) * columns.length }, (_, at) => {
      return columns[at % columns.length]![begin + Math.floor(at / columns.length)]!;
    }),
  });
  const moments = times && Array.from(times, (time) => calendarFeatures(time, calendar, timeZone("UTC")));
  const ahead = [
    ...known.map(numbers),
    ...calendar.flatMap((_, c) => [0, 1].map((p) => moments!.map((m) => m[2 * c + p]!))),
  ];
  const beside = [...indicators.map(there), ...past.map(numbers)];
  const int = (number: number): ModelArray => ({ shape: [1, 1], data: Int32Array.of(number) });
  return {
    targets: rows(targets.map(numbers), from, to),
    ...(beside.length > 0 && { past: rows(beside, from, to) }),
    ...(ahead.length > 0 && { known: rows(ahead, from, to), future: rows(ahead, to, to + H) }),
    ...Object.fromEntries(
      Object.entries(categories).map(([name, all], c) => [`category.${c}`, int(1 + all.indexOf(own[name]!))]),
    ),
    ...(Object.keys(scales).length > 1 && { series: int(1 + Object.keys(scales).indexOf(id)) }),
  };
}

const LEVELS = [0.1, 0.5, 0.95];

/** What the forecaster says beside what the outputs of a network mean, of each column. */
async function compare(
  { forecaster, data }: Pick<Awaited<ReturnType<typeof saved>>, "forecaster" | "data">,
  k: number,
  outputs: Readonly<Record<string, { readonly data: unknown }>>,
  tolerance = 2e-6,
): Promise<void> {
  const { config } = forecaster.model;
  const distribution = distributionOf(config);
  const levels = config.head === "point" ? undefined : (config.levels ?? LEVELS);
  const { series, ...set } = data;
  const [said] = await forecaster.forecast({ ...set, series: [series[k]!] }, levels && { levels });
  const { targets, transform } = forecaster.layout;
  const inUnits = transform === "log" ? Math.exp : Number;
  for (const [d, name] of targets.entries()) {
    const { point, quantiles } = said!.targets[name]!;
    const steps = Array.from({ length: H }, (_, h) =>
      mapValues(outputs, ({ data }) => Number((data as Float32Array)[h * targets.length + d])),
    );
    const points = steps.map((parameters) => inUnits(distribution.point(parameters)));
    expect(difference(points, point), `point of ${name}`).toBeLessThanOrEqual(tolerance);
    for (const { level, values } of quantiles) {
      const own = steps.map((parameters) => inUnits(distribution.quantile!(parameters, level)));
      expect(difference(own, values), `${level} of ${name}`).toBeLessThanOrEqual(tolerance);
    }
  }
}

describe.each(Object.entries(variants))("a trained forecaster: %s", (name, variant) => {
  test("its run opens as a network that forecasts the same, each series of it", async () => {
    const run = await saved(name, variant);
    using model = await open(run.path, { machine });
    for (const k of run.data.series.keys())
      await compare(run, k, await model.run(window(run.forecaster, run.data, k, LENGTH - T, LENGTH)));
    using fast = await open(run.path, { machine: wasm });
    for (const k of run.data.series.keys())
      await compare(run, k, await fast.run(window(run.forecaster, run.data, k, LENGTH - T, LENGTH)), 2e-5);
    await fast.quantize();
    const of8Bits = await fast.run(window(run.forecaster, run.data, 0, LENGTH - T, LENGTH));
    await compare(run, 0, of8Bits, 0.03);
  });

  test("read back of other formats it forecasts the same", async () => {
    const run = await saved(name, variant);
    const file = await readModel(run.path);
    const inputs = Object.values(window(run.forecaster, run.data, 0, LENGTH - T, LENGTH));
    for (const to of variant.to ?? (["onnx"] as const)) {
      const { bytes, files } = convertModel(file, { to });
      using model = await open(bytes, { machine, files: Object.fromEntries(files) });
      const results = await model.run(
        Object.fromEntries(withoutStates(model).inputs.map((port, k) => [port.name, inputs[k]!])),
      );
      using own = await open(run.path, { machine });
      const outputs = withoutStates(model).outputs.map((port) => port.name);
      const named = own.outputs.map((port, k) => [port.name, results[outputs[k]!]!] as const);
      await compare(run, 0, Object.fromEntries(named), 1e-5);
    }
  });

  test.runIf(onnxRuntime)(`ONNX Runtime forecasts the same, of a batch${withoutOnnxRuntime}`, async () => {
    const run = await saved(name, variant);
    const { bytes } = convertModel(await readModel(run.path), { to: "onnx" });
    const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const each = run.data.series.map((_, k) => window(run.forecaster, run.data, k, LENGTH - T, LENGTH));
    const batch = mapValues(each[0]! as Readonly<Record<string, ModelArray>>, ({ shape }, input) => {
      const all = each.flatMap((one) => Array.from((one as Readonly<Record<string, ModelArray>>)[input]!.data, Number));
      const [type, data] =
        shape.length === 2 ? ["int64", BigInt64Array.from(all, BigInt)] : ["float32", Float32Array.from(all)];
      return new onnxRuntime!.Tensor(type as string, data as Float32Array, [each.length, ...shape.slice(1)]);
    });
    const results = await session.run(batch);
    for (const k of each.keys()) {
      const own = mapValues(results, ({ data }) => {
        const all = Array.from(data as Float32Array);
        const width = all.length / each.length;
        return { data: all.slice(k * width, (k + 1) * width) };
      });
      await compare(run, k, own, 2e-5);
    }
    await session.release();
  });
});

const stepByStep: Variant = {
  ...{ columns: { targets: ["y"], known: ["price"], categories: ["shop"] }, series: 2, gaps: ["y"] },
  ...{ decoding: "autoregressive", anchor: "last", head: "point", transform: "none", model: { numLayers: 2 } },
};

test.each(["run", "onnx"] as const)("step by step its states go on, and its points are fed back (%s)", async (of) => {
  const { path, forecaster, data } = await saved(`step by step ${of}`, stepByStep);
  using model = await open(of === "run" ? path : convertModel(await readModel(path), { to: "onnx" }).bytes, {
    machine,
  });
  for (const k of data.series.keys()) {
    const { series, ...set } = data;
    const [said] = await forecaster.forecast({ ...set, series: [series[k]!] });
    using session = await model.openSession();
    const windowOf = (from: number, to: number): Readonly<Record<string, ModelArray>> =>
      window(forecaster, data, k, from, to);
    const at = (from: number, to: number) => {
      const { targets, past, known: _, future: _ahead, "category.0": shop, ...others } = windowOf(from, to);
      // What is known is of the step after each.
      const { known } = windowOf(from + 1, to + 1);
      const category = {
        shape: [1, to - from],
        data: new Int32Array(to - from).fill(Number(shop!.data[0])),
      };
      return { ...others, targets: targets!, past: past!, known: known!, "category.0": category };
    };
    const level = { shape: [1, 1], data: at(LENGTH - 1, LENGTH).targets.data };
    await session.next({ ...at(LENGTH - T, LENGTH - 1), level });
    const found: number[] = [];
    for (let h = 0; h < H; h++) {
      const step = at(LENGTH - 1 + h, LENGTH + h);
      const fed =
        h === 0
          ? step
          : { ...step, targets: { shape: [1, 1, 1], data: [found.at(-1)!] }, past: { shape: [1, 1, 1], data: [1] } };
      const { value } = await session.next({ ...fed, level });
      found.push(Number(value!.data[0]));
    }
    expect(difference(found, said!.targets.y!.point)).toBeLessThanOrEqual(2e-6);
  }
});

test("of a series that was not learned from the numbers are given and answered scaled", async () => {
  const variant = { ...variants["a normal distribution, with categories, a measured past and gaps"]!, gaps: [] };
  const { path, forecaster, data } = await saved("another", variant);
  using model = await open(path, { machine });
  const { center, scale } = forecaster.layout.scales.s1!.y!;
  const rain = forecaster.layout.scales.s1!.rain!;
  const given = window(forecaster, data, 1, LENGTH - T, LENGTH);
  const known = await model.run(given);
  const moved = ({ shape, data }: ModelArray, of: { center: number; scale: number }) => ({
    ...{ shape, data: Float64Array.from(data, (value) => (Number(value) - of.center) / of.scale) },
  });
  const scaled = await model.run({
    ...{ ...given, targets: moved(given.targets, { center, scale }), past: moved(given.past!, rain) },
    series: { shape: [1, 1], data: Int32Array.of(0) },
  });
  const back = Array.from(scaled.location!.data, (value) => center + scale * Number(value));
  expect(difference(back, Array.from(known.location!.data, Number))).toBeLessThanOrEqual(2e-6);
  const sizes = Array.from(scaled.scale!.data, (value) => scale * Number(value));
  expect(difference(sizes, Array.from(known.scale!.data, Number))).toBeLessThanOrEqual(2e-6);
});

test("what a network does not hold of a forecaster is said", async () => {
  const { path } = await saved("said", { ...stepByStep, columns: { ...stepByStep.columns, step: "1d" } });
  const { conventions } = await readModel(path);
  const said = conventions.join("\n");
  for (const part of [
    /targets are "y", from at least 6 steps before/,
    /past is, of the same steps, for each of "y" 1 where it has a value/,
    /known is of the step after each: "price", then sine and cosine of 2π .* of the week, in whole days.*\(UTC\)/,
    /category\.0 is "shop": 0 for one that did not occur in training, then from 1 on "north", "south"/,
    /series is a number from 1 on/,
    /level is the last value/,
    /dropout is left out/,
  ])
    expect(said).toMatch(part);
});

test("the layout of another model, and one that is no layout, are the file's mistake", async () => {
  const { path } = await saved("broken", one);
  const config = join(path, "config.json");
  const said = JSON.parse(readFileSync(config, "utf8"));
  writeFileSync(config, JSON.stringify({ ...said, data: { ...said.data, horizon: 9 } }));
  await expect(open(path, { machine })).rejects.toMatchObject({ name: "FailureError", code: "bad-run" });
  writeFileSync(config, JSON.stringify({ ...said, data: { ...said.data, horizon: "9" } }));
  await expect(open(path, { machine })).rejects.toMatchObject({
    ...{ name: "FailureError", code: "bad-config" },
    message: expect.stringContaining("config.json: data.horizon"),
  });
});
