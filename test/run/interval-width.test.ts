import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { PreparedSeries } from "../../src/data/forecast-inputs.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { backtest } from "../../src/run/backtest.ts";
import { widthFactors, withWidths } from "../../src/run/forecast-widths.ts";
import { IntervalWidth, widened } from "../../src/run/interval-width.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { trainForecaster } from "../../src/train/train-forecaster.ts";

const levels = [0.1, 0.5, 0.9];
const said = (low: number, point: number, high: number) => ({
  point,
  quantiles: [low, point, high].map((value, k) => ({ level: levels[k]!, value })),
});

describe("how wide intervals must be", () => {
  test("a factor that holds what is said: of 1,000 values, of which a tenth of the right number was within", () => {
    const width = new IntervalWidth();
    // Errors 0.001 … 1 on both sides, intervals of ± 0.1 and ± 0.2.
    for (let k = 1; k <= 1000; k++) width.add(said(9.9, 10, 10.2), 10 + (k % 2 ? -k / 1000 : k / 500), "none");
    // Within one standard error of 0.8: 0.8 − √(0.16 / 1000); the rank is ⌈1001 × that⌉.
    const rank = Math.ceil(1001 * (0.8 - Math.sqrt(0.16 / 1000)));
    expect(width.factor(1)).toBeCloseTo(rank / 100, 9);
  });

  test("what chance explains is left alone, and so are too few values", () => {
    const of = (inside: number, n: number, repeated: number) => {
      const width = new IntervalWidth();
      for (let k = 0; k < n; k++) width.add(said(-1, 0, 1), k < inside * n ? 0.5 : 3, "none");
      return width.factor(repeated);
    };
    expect(of(0.75, 1000, 1)).toBe(3);
    expect(of(0.75, 1000, 100)).toBe(1);
    expect(of(0.95, 1000, 1)).toBe(0.5);
    expect(of(0.5, 49, 1)).toBeUndefined();
  });

  test("intervals without width say nothing", () => {
    const width = new IntervalWidth();
    for (let k = 0; k < 60; k++) width.add(said(0, 0, 0), 1, "none");
    expect(width.factor(1)).toBeUndefined();
  });

  test("logarithms are widened as logarithms: what is above 0 stays there", () => {
    expect(widened(10, 5, 2, "none")).toBe(0);
    expect(widened(10, 5, 2, "log")).toBeCloseTo(2.5, 12);
    expect(widened(10, 5, 1, "log")).toBe(5);
  });
});

test("a level by itself is no interval", () => {
  const width = new IntervalWidth();
  for (let k = 0; k < 60; k++) width.add({ point: 1, quantiles: [{ level: 0.9, value: 2 }] }, 10 + k, "none");
  expect(width.factor(1)).toBeUndefined();
});

describe("the factors of a forecast's columns", () => {
  const [length, horizon] = [80, 2];
  const truth = { y: (n: number) => 20 + 3 * Math.sin(1.7 * n), z: (n: number) => (n < 10 ? 5 + n : Number.NaN) };
  const forecast = (point: number, low: number, high: number) => ({
    point: new Float64Array(horizon).fill(point),
    quantiles: [
      { level: 0.1, values: new Float64Array(horizon).fill(low) },
      { level: 0.9, values: new Float64Array(horizon).fill(high) },
    ],
  });
  const found = { y: forecast(20, 19, 21.5), z: forecast(1, 0, 2) };
  const [center, scale] = [
    [17, -4],
    [2, 0.5],
  ];
  const origins = Array.from({ length: 38 }, (_, k) => 4 + 2 * k);
  /** Of windows whose values are y and z after `learned`, which is what a network reads. */
  const factors = (transform: "none" | "log", learned: (value: number) => number) => {
    const both = Array.from({ length }, (_, n) => [truth.y(n), truth.z(n)]).flat();
    const series: PreparedSeries = {
      ...{ id: "", length, center, scale, categories: [] },
      ...{ past: new Float64Array(0), known: new Float64Array(0) },
      targets: Float64Array.from(both, (v, k) => (learned(v) - center[k % 2]!) / scale[k % 2]!),
      present: Uint8Array.from(both, (v) => (Number.isNaN(v) ? 0 : 1)),
    };
    const measured = origins.map((origin) => ({ window: { series, origin }, found }));
    return widthFactors(measured, { targets: ["y", "z"], transform, horizon } as never, horizon);
  };
  const byHand = (transform: "none" | "log"): number => {
    const width = new IntervalWidth();
    const quantiles = found.y.quantiles.map(({ level, values }) => ({ level, value: values[0]! }));
    for (const origin of origins)
      for (let h = 0; h < horizon; h++) width.add({ point: 20, quantiles }, truth.y(origin + h), transform);
    return width.factor(1)!;
  };

  test("are measured on the values in their units; a column with too few has none", () => {
    expect(factors("none", (v) => v)).toEqual({ y: expect.closeTo(byHand("none"), 12) });
    expect(factors("log", Math.log)).toEqual({ y: expect.closeTo(byHand("log"), 9) });
    expect(byHand("none")).toBeGreaterThan(1.2);
  });

  test("move their own column alone", () => {
    const moved = withWidths(found, { y: 2 }, "none");
    expect(moved.z).toEqual(found.z);
    expect(moved.y!.point).toEqual(found.y.point);
    expect(moved.y!.quantiles.map(({ values }) => values[1])).toEqual([18, 23]);
  });
});

describe("Forecaster.calibrate", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine("wasm");
  });
  afterAll(() => machine.close());

  test.each(["quantiles", "gaussian", "autoregressive"])(
    "%s: intervals that were far too narrow are widened",
    async (kind) => {
      // Calm where it is learned from, ten times as wild behind; one value is missing.
      const noise = new RandomStream(1, "noise").normal(140);
      const wild = (n: number): number => (n === 120 ? Number.NaN : 50 + noise[n]! * (n < 90 ? 0.2 : 2));
      const y = Float64Array.from({ length: 140 }, (_, n) => wild(n));
      const data = timeSeriesSet({ targets: ["y"], series: [{ values: { y } }] });
      const { trainer, forecaster, calibrate } = await trainForecaster({
        ...{ machine, data, horizon: 4, context: 4, validation: 40, test: 10, epochs: 3, model: { hiddenSize: 4 } },
        ...(kind === "autoregressive" ? { decoding: kind } : { head: kind as "gaussian" }),
        anchor: "none",
      });
      await trainer.run();
      const width = async () => {
        const { point, quantiles } = (await forecaster.forecast(data, { samples: 20 }))[0]!.targets.y!;
        return { point: point[0]!, low: quantiles[0]!.values[0]!, high: quantiles.at(-1)!.values[0]! };
      };
      const before = await width();
      const factor = (await calibrate())!.y!;
      expect(factor).toBeGreaterThan(2);
      expect(forecaster.config.data.intervalWidths).toEqual({ y: factor });
      const after = await width();
      expect(after.point).toBe(before.point);
      expect((after.high - after.point) / (before.high - before.point)).toBeCloseTo(factor, 9);
      expect((after.point - after.low) / (before.point - before.low)).toBeCloseTo(factor, 9);
      trainer.close();
    },
  );

  test("points and counts stay as they are", async () => {
    const data = timeSeriesSet({
      targets: ["y"],
      series: [{ values: { y: Array.from({ length: 90 }, (_, n) => n % 5) } }],
    });
    for (const head of ["point", "negative-binomial"] as const) {
      const { trainer, forecaster, calibrate } = await trainForecaster({
        ...{ machine, data, horizon: 2, context: 4, validation: 40, epochs: 1, model: { hiddenSize: 4 }, head },
      });
      await trainer.run();
      expect(await calibrate()).toBeUndefined();
      expect(forecaster.layout.intervalWidths).toBeUndefined();
      trainer.close();
    }
  });
});

describe("intervals that follow what came of the forecasts before", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine("wasm");
  });
  afterAll(() => machine.close());

  // Calm until 300, where the training and the validation part end, then five times as wild.
  const noise = new RandomStream(5, "noise").normal(500);
  const y = Float64Array.from({ length: 500 }, (_, n) => 50 + noise[n]! * (n < 300 ? 1 : 5));
  const of = (values: Float64Array) => timeSeriesSet({ targets: ["y"], series: [{ values: { y: values } }] });
  const trained = () =>
    trainForecaster({
      ...{ machine, data: of(y), horizon: 3, context: 4, validation: 60, test: 200, epochs: 4, anchor: "none" },
      model: { hiddenSize: 4 },
    });

  test("a series that grows wilder behind the validation part", async () => {
    const { trainer, forecaster, calibrate, series } = await trained();
    await trainer.run();
    await calibrate();
    const parts = series.map(({ source, prepared, spans }) => ({
      ...{ source, prepared, train: spans.train, test: spans.test },
    }));
    const covered = async (recent?: number) => {
      const { rows } = await backtest(forecaster, { series: parts, baselines: false, recent });
      return rows[0]!.scores.y!.coverage!;
    };
    expect(await covered()).toBeLessThan(0.4);
    const followed = await covered(40);
    expect(followed).toBeGreaterThan(0.65);
    expect(followed).toBeLessThan(0.9);
    trainer.close();
  });

  test("nothing that is not known at the origin changes an interval, what is known does", async () => {
    const { trainer, forecaster } = await trained();
    await trainer.run();
    const at = async (values: Float64Array) => {
      const series = forecaster.prepare(of(values).series[0]!);
      return (await forecaster.predict([{ series, origin: 400 }], { recent: 40 }))[0]!.y!;
    };
    const said = await at(y);
    expect(await at(y.map((value, n) => (n < 400 ? value : 1e6)))).toEqual(said);
    expect((await at(y.map((value, n) => (n < 390 ? value : 9 * value)))).quantiles).not.toEqual(said.quantiles);
    trainer.close();
  });

  test("points and counts have nothing to follow", async () => {
    const data = timeSeriesSet({
      targets: ["y"],
      series: [{ values: { y: Array.from({ length: 90 }, (_, n) => n % 5) } }],
    });
    for (const head of ["point", "negative-binomial"] as const) {
      const { trainer, forecaster } = await trainForecaster({
        ...{ machine, data, horizon: 2, context: 4, epochs: 1, model: { hiddenSize: 4 }, head },
      });
      await expect(forecaster.forecast(data, { recent: 20 })).rejects.toThrow(
        /recent: expected a model whose intervals/,
      );
      await expect(forecaster.forecast(data, { recent: 0 })).rejects.toMatchObject({ code: "out-of-range" });
      trainer.close();
    }
  });
});
