import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { quantileOf } from "../../src/data/series-scaling.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { backtest } from "../../src/run/backtest.ts";
import { drift, naive, seasonalNaive } from "../../src/run/baselines/copies.ts";
import { exponentialSmoothing } from "../../src/run/baselines/exponential-smoothing.ts";
import { solve } from "../../src/run/baselines/least-squares.ts";
import { linearMap } from "../../src/run/baselines/linear-map.ts";
import { ForecastScorer } from "../../src/run/forecast-scores.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { trainForecaster } from "../../src/train/train-forecaster.ts";

const options = { context: 6, horizon: 4, season: 3 };
const series = (length: number, of: (n: number) => number) => [
  { values: Float64Array.from({ length }, (_, n) => of(n)), trainEnd: length - 10 },
];
/** From, to and including, every so manieth. */
const range = (from: number, to: number, stride = 1): number[] =>
  Array.from({ length: Math.floor((to - from) / stride) + 1 }, (_, k) => from + k * stride);
const close = (found: Float64Array, wanted: readonly number[], digits = 6) => {
  for (const [h, value] of wanted.entries()) expect(found[h]).toBeCloseTo(value, digits);
};

describe("simple methods", () => {
  test("copies and a straight line", () => {
    const all = series(30, (n) => n * n + 3);
    close(naive(all, options).predict(0, 5), [19, 19, 19, 19]);
    close(seasonalNaive(all, options).predict(0, 5), [7, 12, 19, 7]);
    close(drift(all, options).predict(0, 5), [23, 27, 31, 35]);
    close(drift(all, options).predict(0, 1), [3, 3, 3, 3]);
  });

  test("exponential smoothing goes on with a level, a trend, straight or damped, and a season", () => {
    close(
      exponentialSmoothing(
        series(40, () => 7),
        options,
      ).predict(0, 35),
      [7, 7, 7, 7],
    );
    const season = exponentialSmoothing(
      series(60, (n) => [1, 5, 9][n % 3]!),
      options,
    ).predict(0, 51);
    close(season, [1, 5, 9, 1], 3);
    // What a season and a straight line make up begins with them, and goes on with them.
    for (const [season, off] of [
      [1, [0]],
      [3, [1, 5, 9]],
      [4, [-2, 0, 7, 3]],
    ] as const) {
      const line = series(40, (n) => 100 - 3 * n + off[n % season]!);
      close(exponentialSmoothing(line, { ...options, season }).predict(0, 35), [...line[0]!.values.subarray(35, 39)]);
    }
    const [first, second, third, fourth] = exponentialSmoothing(
      series(60, (n) => 100 * (1 - 0.9 ** n)),
      { ...options, season: 1 },
    ).predict(0, 20);
    expect((fourth! - third!) / (second! - first!)).toBeLessThan(0.95);
    // A random level: the best weight of a new value is that of an exponential moving average, not the last value alone.
    const noise = new RandomStream(4, "level").normal(400);
    const level = exponentialSmoothing(
      series(400, (n) => noise[n]!),
      { ...options, season: 1 },
    ).predict(0, 395);
    expect(Math.abs(level[0]!)).toBeLessThan(0.5);
  });

  test("the linear map finds a recurrence, and sees nothing behind its training part", () => {
    const wave = (n: number): number => Math.sin(n) + 0.5 * Math.cos(2.3 * n);
    close(linearMap(series(200, wave), options).predict(0, 195), [195, 196, 197, 198].map(wave), 2);
    const changed = series(200, (n) => (n < 190 ? wave(n) : 1e6));
    const map = linearMap(changed, options).predict(0, 100);
    expect([...map]).toEqual([...linearMap(series(200, wave), options).predict(0, 100)]);
  });

  test("linear equations", () => {
    const [a, x] = [
      [
        [4, 1, 0],
        [1, 3, 1],
        [0, 1, 5],
      ],
      [1, -2, 3],
    ];
    const b = a.map((row) => row.reduce((sum, v, k) => sum + v * x[k]!, 0));
    close(solve(Float64Array.from(a.flat()), Float64Array.from(b), 3, 1), x, 12);
  });
});

test("scores by hand", () => {
  const scorer = new ForecastScorer();
  scorer.add({
    ...{ truth: [10, Number.NaN, 30], point: [12, 5, 30], naiveError: 4, scale: 2 },
    quantiles: [
      { level: 0.1, values: [11, 0, 25] },
      { level: 0.9, values: [13, 0, 35] },
    ],
  });
  const { smape, ...rest } = scorer.scores();
  expect(rest).toEqual({
    ...{ values: 2, mae: 1, rmse: Math.SQRT2, mase: 0.25, scaledMse: 0.5, scaledMae: 0.5 },
    // (0.9·1 + 0.1·3) for the first value, (0.1·5 + 0.1·5) for the second, over four quantiles.
    ...{ pinball: expect.closeTo(2.2 / 4, 12), coverage: 0.5, nominal: 0.8 },
  });
  expect(smape).toBeCloseTo((100 * (2 / 11)) / 2, 12);
});

describe("backtest", () => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await openMachine("wasm");
  });
  afterAll(() => machine.close());

  test("a network that learned a pattern beats copying; each origin knows only what came before it", async () => {
    const noise = new RandomStream(9, "noise").normal(300);
    const y = Array.from({ length: 300 }, (_, n) => 10 * Math.sin((2 * Math.PI * n) / 12) + noise[n]! / 2);
    const setOf = (values: readonly number[]) => timeSeriesSet({ targets: ["y"], series: [{ values: { y: values } }] });
    const { trainer, forecaster, series } = await trainForecaster({
      ...{ machine, data: setOf(y), horizon: 3, context: 12, season: 12, test: 30, epochs: 12, learningRate: 0.01 },
      model: { hiddenSize: 12 },
    });
    await trainer.run();
    const spans = { train: series[0]!.spans.train, test: series[0]!.spans.test };
    const run = (values: readonly number[], to = 300) => {
      const source = setOf(values).series[0]!;
      const test = { from: spans.test.from, to };
      return backtest(forecaster, { series: [{ source, prepared: forecaster.prepare(source), ...spans, test }] });
    };
    const whole = await run(y);
    expect(whole).toMatchObject({ origins: 28, stride: 1 });
    const mae = Object.fromEntries(whole.rows.map(({ name, scores }) => [name, scores.y!.mae]));
    expect(mae["this model"]).toBeLessThan(mae["naive (last value)"]! / 2);
    expect(whole.rows.every(({ scores }) => scores.y!.coverage! > 0.4)).toBe(true);
    // What comes after the last step that is compared changes no figure.
    const cut = await run(y, 290);
    expect(await run([...y.slice(0, 290), ...y.slice(290).map(() => 1e6)], 290)).toEqual(cut);
    expect(cut.origins).toBe(18);
    // Series as they are, with how much of them is predicted.
    const before = { source: setOf(y).series[0]!, train: { from: 0, to: 270 }, test: { from: 270, to: 300 } };
    const bySeries = await backtest(forecaster, {
      series: [{ ...before, prepared: forecaster.prepare(before.source) }],
    });
    expect(await backtest(forecaster, { data: setOf(y), test: 30 })).toEqual(bySeries);
    expect(await backtest(forecaster, { data: setOf(y) })).toEqual(bySeries);
    await expect(backtest(forecaster, { data: setOf(y), test: 2 })).rejects.toMatchObject({ code: "out-of-range" });
    await expect(backtest(forecaster, {})).rejects.toMatchObject({ code: "missing-option" });
    await expect(backtest(forecaster, { series: [], test: 30 })).rejects.toMatchObject({ code: "bad-option" });
    await expect(run(y, 271)).rejects.toMatchObject({ code: "series-too-short" });
    trainer.close();
  });

  test("simple methods are scored as by hand: intervals from their errors in training, gaps filled but not compared", async () => {
    const noise = new RandomStream(8, "noise").normal(300);
    const y = Array.from(noise, (value, n) => ([5, 20, 100, 275].includes(n) ? Number.NaN : value + (n % 4)));
    const data = timeSeriesSet({ targets: ["y"], series: [{ values: { y } }] });
    const [horizon, context, season] = [3, 11, 4];
    const sizes = { horizon, context, season, model: { hiddenSize: 1 } };
    const { trainer, forecaster } = await trainForecaster({ machine, data, ...sizes, test: 30, validation: 0 });
    const { rows, origins } = await backtest(forecaster, { data, test: 30, stride: 4 });
    trainer.close();
    expect(origins).toBe(7);
    const filled = y.map((value, n) => (Number.isNaN(value) ? y[n - 1]! : value));
    const errors = (from: number, to: number, stride: number, h: number) =>
      range(from, to, stride).map((origin) => filled[origin + h]! - filled[origin - 1]!);
    const there = y.slice(0, 270).filter((value) => !Number.isNaN(value));
    const mean = (all: readonly number[]) => all.reduce((sum, value) => sum + value, 0) / all.length;
    const seasons = range(season, 269).map((n) => Math.abs(y[n]! - y[n - season]!));
    const scorer = new ForecastScorer();
    for (const origin of range(270, 297, 4))
      scorer.add({
        truth: y.slice(origin, origin + horizon),
        point: new Array(horizon).fill(filled[origin - 1]),
        // 257 origins of the training part are more than 200: every second one.
        quantiles: [0.1, 0.5, 0.9].map((level) => ({
          level,
          values: [0, 1, 2].map(
            (h) =>
              filled[origin - 1]! +
              quantileOf(
                errors(context, 267, 2, h).sort((a, b) => a - b),
                level,
              ),
          ),
        })),
        naiveError: mean(seasons.filter((value) => !Number.isNaN(value))),
        scale: Math.sqrt(mean(there.map((value) => (value - mean(there)) ** 2))),
      });
    const found = rows.find(({ name }) => name === "naive (last value)")!.scores.y!;
    for (const [name, value] of Object.entries(scorer.scores()))
      expect(found[name as keyof typeof found], name).toBeCloseTo(value!, 9);
  });
});
