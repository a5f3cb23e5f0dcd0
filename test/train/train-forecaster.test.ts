import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { windowInputs } from "../../src/data/forecast-inputs.ts";
import { type TimeSeriesSetOptions, timeSeriesSet } from "../../src/data/time-series-set.ts";
import { ForecastPlans } from "../../src/run/forecast-plans.ts";
import { loadClassifier } from "../../src/run/load-classifier.ts";
import { loadForecaster } from "../../src/run/load-forecaster.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../src/train/train-forecaster.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

const { machine, folder } = await machineAndFolder("wasm");

const noise = new RandomStream(1, "noise").normal(400);
/** A day of eight steps and a drift. */
const wave = (n: number): number => 50 + 10 * Math.sin((2 * Math.PI * n) / 8) + 0.05 * n + noise[n]!;
const setOf = (y: ArrayLike<number>, more: Partial<TimeSeriesSetOptions> = {}, columns = {}) =>
  timeSeriesSet({
    ...{ targets: ["y"], step: "3h", ...more },
    series: [{ start: Date.UTC(2024, 0, 1), values: { y, ...columns } }],
  });
const waves = (length: number, of = wave) => Array.from({ length }, (_, n) => of(n));
const small = { hiddenSize: 8 };
const train = (options: Partial<TrainForecasterOptions>) =>
  trainForecaster({
    ...{ machine, data: setOf(waves(200)), horizon: 4, model: small, learningRate: 0.02 },
    ...options,
  });

describe("trainForecaster", () => {
  test("leaves nothing open when it fails behind its evaluator", async () => {
    const { usedBytes } = machine.memory;
    await expect(train({ recompute: 0 })).rejects.toThrow(/recompute: expected a whole number of at least 1/);
    expect(machine.memory.usedBytes).toBe(usedBytes);
  });

  test("learns a wave in its units; a saved run says the same", async () => {
    const { trainer, forecaster } = await train({ epochs: 15, anchor: "last", linear: false });
    const losses: number[] = [];
    await trainer.run({ epoch: ({ validationLoss }) => losses.push(validationLoss!) });
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]!);
    const [found] = await forecaster.forecast(setOf(waves(200)));
    expect(found!.origin).toBe(200);
    expect([...found!.times!]).toEqual([0, 1, 2, 3].map((h) => Date.UTC(2024, 0, 1) + (200 + h) * 3 * 3_600_000));
    const { point, quantiles } = found!.targets.y!;
    for (const [h, value] of point.entries()) expect(Math.abs(value - wave(200 + h))).toBeLessThan(6);
    expect(quantiles.map(({ level }) => level)).toEqual([0.1, 0.5, 0.9]);
    for (let h = 0; h < 4; h++) {
      const [low, middle, high] = quantiles.map(({ values }) => values[h]!);
      expect(low! <= middle! && middle! <= high!).toBe(true);
    }
    await saveRun(join(folder, "run"), {
      ...{ config: forecaster.config, tokenizer: undefined, parameters: forecaster.parameters },
    });
    trainer.close();
    const loaded = await loadForecaster(join(folder, "run"), { machine });
    expect(await loaded.forecast(setOf(waves(200)))).toEqual([found]);
    await expect(loadClassifier(join(folder, "run"), { machine })).rejects.toThrow(
      /of a forecaster; .* or loadForecaster in a program/,
    );
    const config = JSON.parse(readFileSync(join(folder, "run/config.json"), "utf8"));
    writeFileSync(
      join(folder, "run/config.json"),
      JSON.stringify({ ...config, data: { ...config.data, season: "x" } }),
    );
    await expect(loadForecaster(join(folder, "run"), { machine })).rejects.toMatchObject({ code: "bad-config" });
  });

  test.each(["point", "gaussian", "student-t"] as const)(
    "head %s is moved into the units of the series",
    async (head) => {
      const { trainer, forecaster } = await train({ head, epochs: 12, anchor: "none" });
      await trainer.run();
      const [found] = await forecaster.forecast(setOf(waves(200)));
      const { point, quantiles } = found!.targets.y!;
      for (const [h, value] of point.entries()) expect(Math.abs(value - wave(200 + h))).toBeLessThan(8);
      expect(quantiles).toHaveLength(head === "point" ? 0 : 3);
      if (head !== "point") {
        const wide = (await forecaster.forecast(setOf(waves(200)), { levels: [0.01, 0.99] }))[0]!.targets.y!.quantiles;
        expect(wide[1]!.values[0]! - wide[0]!.values[0]!).toBeGreaterThan(
          quantiles[2]!.values[0]! - quantiles[0]!.values[0]!,
        );
      } else
        await expect(forecaster.forecast(setOf(waves(200)), { levels: [0.5] })).rejects.toThrow(/knows no quantiles/);
      trainer.close();
    },
  );

  test("each step from the one before: paths, any horizon, the same draws for the same seed", async () => {
    const { trainer, forecaster } = await train({ decoding: "autoregressive", context: 16, epochs: 15 });
    await trainer.run();
    const set = setOf(waves(200));
    const [found] = await forecaster.forecast(set, { samples: 50, horizon: 12, seed: 3 });
    const { point, paths, quantiles } = found!.targets.y!;
    expect([paths!.length, point.length, found!.times!.length]).toEqual([50, 12, 12]);
    for (const [h, value] of point.entries()) expect(Math.abs(value - wave(200 + h))).toBeLessThan(8);
    expect(quantiles[2]!.values[5]).toBeGreaterThan(quantiles[0]!.values[5]!);
    expect(await forecaster.forecast(set, { samples: 50, horizon: 12, seed: 3 })).toEqual([found]);
    expect(await forecaster.forecast(set, { samples: 50, horizon: 12, seed: 4 })).not.toEqual([found]);
    trainer.close();
  });

  test.each<[string, Partial<TrainForecasterOptions>]>([
    ["the series", { anchor: "none" }],
    ["differences to the last value", { anchor: "last" }],
    ["logarithms and the calendar", { anchor: "last", transform: "log", calendar: ["hour"] }],
    ["gaps that are told", { data: setOf(waves(200).map((value, n) => (n % 17 === 3 ? Number.NaN : value))) }],
    ["two layers of a GRU", { model: { ...small, numLayers: 2, cell: "gru" } }],
  ])("step by step: what was said, taken for what came, is what training reads of it (%s)", async (_, options) => {
    const horizon = 5;
    const { trainer, model, forecaster } = await train({
      ...{ decoding: "autoregressive", head: "point", context: 12, horizon, epochs: 1, ...options },
    });
    await trainer.run();
    // A gap just before the forecast, and one that is looked back at.
    const past = waves(60).map((value, n) => (n === 58 || n === 51 ? Number.NaN : value));
    const said = (await forecaster.forecast(setOf(past)))[0]!.targets.y!.point;
    const came = forecaster.prepare(setOf([...past, ...said]).series[0]!);
    const { layout } = forecaster;
    const taught = windowInputs([{ series: came, origin: 60 }], layout, { learn: true });
    const { y, mask, ...inputs } = taught;
    expect(mask).toBeUndefined();
    const plans = new ForecastPlans(model, machine, forecaster.parameters);
    const { prediction } = await plans.run(inputs, 1);
    const found = Array.from(prediction.value!).slice(-horizon);
    for (const [h, value] of found.entries()) expect(value).toBeCloseTo(y![h]!, 5);
    plans.close();
    trainer.close();
  });

  test("counts: whole quantiles of several series of different size", async () => {
    const counts = (size: number) => waves(120, (n) => Math.round(size * (1 + Math.sin((2 * Math.PI * n) / 6)) + 1));
    const data = timeSeriesSet({
      targets: ["y"],
      series: [4, 400].map((size) => ({ id: `of ${size}`, values: { y: counts(size) } })),
    });
    const { trainer, forecaster } = await train({ data, head: "negative-binomial", context: 12, epochs: 40 });
    await trainer.run();
    const found = await forecaster.forecast(data);
    for (const [k, { targets }] of found.entries()) {
      const { point, quantiles } = targets.y!;
      expect(quantiles.every(({ values }) => values.every((v) => Number.isInteger(v) && v >= 0))).toBe(true);
      const truth = waves(124, (n) => Math.round([4, 400][k]! * (1 + Math.sin((2 * Math.PI * n) / 6)) + 1)).slice(120);
      for (const [h, value] of point.entries())
        expect(Math.abs(value - truth[h]!)).toBeLessThan(0.5 * [4, 400][k]! + 1);
    }
    trainer.close();
  });

  test("what is known of the future is used", async () => {
    // A step is high exactly when it was announced, which nothing in the past tells.
    const announced = Array.from(new RandomStream(2, "announced").uniform(220), (u) => (u < 0.3 ? 1 : 0));
    const y = announced.map((p, n) => (n < 212 ? 20 * p + noise[n]! : Number.NaN));
    const data = setOf(y, { known: ["p"] }, { p: announced });
    const { trainer, forecaster } = await train({ data, epochs: 12, calendar: [], anchor: "none" });
    await trainer.run();
    const [found] = await forecaster.forecast(data);
    expect(found!.origin).toBe(212);
    for (const [h, value] of found!.targets.y!.point.entries())
      expect(Math.abs(value - 20 * announced[212 + h]!)).toBeLessThan(6);
    const cut = setOf(y.slice(0, 213), { known: ["p"] }, { p: announced.slice(0, 213) });
    // 213 steps of three hours from the first of January on.
    await expect(forecaster.forecast(cut)).rejects.toMatchObject({
      code: "missing-future",
      message: expect.stringContaining("step 2 of them, 2024-01-27 15:00, has none"),
    });
    trainer.close();
  });

  test("nothing behind the training part reaches what is learned", async () => {
    const y = waves(200);
    const changed = y.map((value, n) => (n < 160 ? value : n % 3 === 0 ? Number.NaN : 1e6 * n));
    const learn = async (values: number[]) => {
      const options = { data: setOf([...values], { past: ["q"] }, { q: values }), validation: 20, test: 20, epochs: 2 };
      const { trainer, forecaster } = await train(options);
      const layout = forecaster.layout;
      await trainer.run();
      const weights = [...(await forecaster.parameters.toTensors()).values()].map(({ data }) => [...data]);
      trainer.close();
      return { layout, weights };
    };
    const [one, other] = [await learn(y), await learn(changed)];
    expect(other.layout).toEqual(one.layout);
    expect(other.weights).toEqual(one.weights);
    // The test would see it: what is changed before the split does reach it.
    const early = await learn(y.with(150, 60));
    expect(early.layout).not.toEqual(one.layout);
    expect(early.weights).not.toEqual(one.weights);
  });

  test("predictions are differences to what fits the training part best by itself", async () => {
    const anchorOf = async (of: (n: number) => number, more: Partial<TrainForecasterOptions> = {}) => {
      const { trainer, forecaster } = await train({ data: setOf(waves(200, of)), ...more });
      trainer.close();
      return forecaster.layout.anchor;
    };
    expect(await anchorOf(wave)).toBe("season");
    expect(await anchorOf(wave, { decoding: "autoregressive" })).not.toBe("season");
    expect(await anchorOf((n) => n + noise[n]!)).toBe("last");
    expect(await anchorOf((n) => noise[n]!)).toBe("none");
  });

  test("what is left out fits the data: no season without times, no logarithms of counts, about 2,000 updates", async () => {
    const opened = async (options: Partial<TrainForecasterOptions>) => {
      const { trainer, forecaster } = await train(options);
      for await (const event of trainer) {
        trainer.close();
        return { layout: forecaster.layout, epochs: event.type === "start" ? event.epochs : undefined };
      }
      throw new Error("no event");
    };
    const plain = timeSeriesSet({ targets: ["y"], series: [{ values: { y: waves(200) } }] });
    expect((await opened({ data: plain })).layout).toMatchObject({ season: 1, calendar: [] });
    const counts = waves(200, (n) => Math.round(Math.exp(3 + 0.01 * n + 0.3 * Math.sin(n / 2))));
    expect((await opened({ data: setOf(counts) })).layout).toMatchObject({ transform: "log" });
    expect((await opened({ data: setOf(counts), head: "negative-binomial" })).layout).toMatchObject({
      ...{ transform: "none", anchor: "none", scaling: "mean", counts: true },
    });
    // 143, 4,457 and 22,457 windows in batches of 32.
    for (const [length, epochs] of [
      [200, 50],
      [5000, 15],
      [25_000, 5],
    ] as const) {
      const found = await opened({ data: setOf(waves(length, (n) => Math.sin(n))), context: 40, linear: false });
      expect(found.epochs).toBe(epochs);
    }
  });

  test("missing values and a constant series do no harm", async () => {
    const holes = waves(200, (n) => (n % 7 === 3 ? Number.NaN : wave(n)));
    const { trainer, forecaster } = await train({ data: setOf(holes), epochs: 2 });
    expect(forecaster.layout.indicators).toEqual(["y"]);
    await trainer.run();
    expect((await forecaster.forecast(setOf(holes)))[0]!.targets.y!.point.every(Number.isFinite)).toBe(true);
    trainer.close();
    const flat = setOf(waves(100, () => 7));
    const still = await train({ data: flat, head: "gaussian", epochs: 3 });
    await still.trainer.run();
    for (const value of (await still.forecaster.forecast(flat))[0]!.targets.y!.point) expect(value).toBeCloseTo(7, 0);
    still.trainer.close();
  });

  test.each<[string, Partial<TrainForecasterOptions>, string, RegExp]>([
    ["a series shorter than the window", { context: 300 }, "series-too-short", /at least 304 steps/],
    ["a validation part shorter than the horizon", { validation: 2 }, "out-of-range", /at least the horizon \(4\)/],
    ["halves of counts", { head: "negative-binomial" }, "not-a-count", /"y" has \d+\.\d+ at step 1/],
    ["counts from the last value", { head: "negative-binomial", anchor: "last" }, "bad-option", /anchor none/],
    ["a season longer than the context", { anchor: "season", season: 40, context: 20 }, "bad-option", /2 to 20/],
    ["quantiles step by step", { head: "quantiles", decoding: "autoregressive" }, "bad-option", /single quantiles/],
    ["levels in disorder", { levels: [0.9, 0.1] }, "bad-option", /ascending/],
    ["levels of another head", { head: "gaussian", levels: [0.5] }, "bad-option", /the head "quantiles" beside it/],
    ["a loss of points of another head", { pointLoss: "squared" }, "bad-option", /the head "point" beside it/],
    ["a projection that the cell has not", { model: { projectionSize: 2 } }, "bad-option", /"lstm" has no projection/],
    ["no horizon", { horizon: 0 }, "out-of-range", /horizon/],
  ])("refuses %s", async (_, options, code, message) => {
    const failed = train(options);
    await expect(failed).rejects.toMatchObject({ code });
    await expect(failed).rejects.toThrow(message);
  });

  test("cycles of the calendar are a list of known names", async () => {
    await expect(train({ calendar: true as unknown as [] })).rejects.toThrow(
      'calendar: expected a list of cycles, such as ["hour", "weekday"] ([] for none; left out, those that fit), got true',
    );
    await expect(train({ calendar: ["hours" as "hour"] })).rejects.toThrow(
      /got the string "hours"; did you mean "hour"/,
    );
  });

  test("refuses windows that would be NaN, and steps of another length", async () => {
    const { trainer, forecaster } = await train({ epochs: 1, context: 8, calendar: [] });
    const source = setOf(waves(40)).series[0]!;
    const series = forecaster.prepare(source);
    const at = (origin: number) => forecaster.predict([{ series, origin }]);
    for (const origin of [8, 40]) expect((await at(origin))[0]!.y!.point.every(Number.isFinite)).toBe(true);
    await expect(at(7)).rejects.toThrow("window 0 of 1: origin 7 of a series of 40 steps: expected at least 8");
    await expect(at(41)).rejects.toThrow("expected at most 40, the step behind its last one");
    await expect(at(Number.NaN)).rejects.toThrow("window 0 of 1, origin: expected a whole number");
    await expect(forecaster.predict({ series, origin: 9 } as never)).rejects.toThrow("windows: expected a list");
    await expect(forecaster.predict([{ series: source, origin: 9 }] as never)).rejects.toThrow(
      "expected a series that the forecaster has prepared (forecaster.prepare(series)), got an object",
    );
    await expect(forecaster.calibrate([{ series, origin: 37 }])).rejects.toThrow(
      "expected at most 36, as 4 steps from it on must be known",
    );
    expect(() => forecaster.prepare(setOf(waves(40), { step: "1h" }).series[0]!)).toThrow(
      "the series: expected steps of 3h, which the model was trained with, got 1h",
    );
    trainer.close();
  });

  test("a calendar is known behind the end of the window of the next steps", async () => {
    const { trainer, forecaster } = await train({ epochs: 1, context: 8, calendar: ["hour"] });
    const source = setOf(waves(40)).series[0]!;
    const series = forecaster.prepare(source);
    await expect(forecaster.predict([{ series, origin: 37 }])).rejects.toThrow(
      "expected at most 36, as 4 steps from it on must be known (forecaster.latestWindow(series)",
    );
    const [found] = await forecaster.predict([forecaster.latestWindow(source)]);
    expect(found!.y!.point.every(Number.isFinite)).toBe(true);
    trainer.close();
  });

  test("what is known beforehand must be known of all steps that are predicted", async () => {
    const k = waves(204, (n) => n % 3);
    const data = setOf(waves(204), { known: ["k"] }, { k });
    for (const decoding of ["direct", "autoregressive"] as const) {
      const { trainer, forecaster } = await train({ data, epochs: 1, context: 8, decoding, anchor: "last" });
      const series = forecaster.prepare(data.series[0]!);
      const [found] = await forecaster.predict([{ series, origin: 200 }], { samples: 3 });
      expect(found!.y!.point.every(Number.isFinite)).toBe(true);
      await expect(forecaster.predict([{ series, origin: 201 }])).rejects.toThrow(
        "expected at most 200, as 4 steps from it on must be known",
      );
      trainer.close();
    }
  });

  test("steps of days and months may be of another time zone, where they are of other lengths", async () => {
    for (const [step, start] of [
      ["1d", Date.UTC(2024, 2, 30)],
      ["1mo", Date.UTC(2023, 2, 1)],
    ] as const) {
      const set = (timeZone: string) =>
        timeSeriesSet({ ...{ targets: ["y"], step, timeZone }, series: [{ start, values: { y: waves(60) } }] });
      const options = { data: set("America/New_York"), horizon: 1, context: 8, epochs: 1, calendar: [] };
      const { trainer, forecaster } = await train(options);
      for (const zone of ["UTC", "Europe/Berlin", "Asia/Tokyo"])
        expect(forecaster.prepare(set(zone).series[0]!).length).toBe(60);
      trainer.close();
    }
  });

  test("refuses to forecast further or from less than it was trained for", async () => {
    const { trainer, forecaster } = await train({});
    await expect(forecaster.forecast(setOf(waves(200)), { horizon: 5 })).rejects.toThrow(/4 steps at once, got 5/);
    await expect(forecaster.forecast(setOf(waves(9)))).rejects.toMatchObject({ code: "series-too-short" });
    await expect(forecaster.forecast(setOf(waves(200)), { levels: [0.3] })).rejects.toMatchObject({
      code: "unknown-quantile",
    });
    trainer.close();
  });
});

describe("logarithms", () => {
  // Swings of a tenth of a level that triples: even on a logarithmic scale.
  const growing = (n: number): number =>
    Math.exp(3 + 0.006 * n + 0.2 * Math.sin((2 * Math.PI * n) / 8) + noise[n]! / 50);

  test("are learned where swings grow with the level, and taken back", async () => {
    const { trainer, forecaster } = await train({ data: setOf(waves(200, growing)), epochs: 15 });
    expect(forecaster.layout.transform).toBe("log");
    await trainer.run();
    const { point, quantiles } = (await forecaster.forecast(setOf(waves(200, growing))))[0]!.targets.y!;
    for (const [h, value] of point.entries()) expect(Math.abs(value / growing(200 + h) - 1)).toBeLessThan(0.15);
    expect(quantiles[0]!.values[0]).toBeLessThan(quantiles[2]!.values[0]!);
    trainer.close();
  });

  test("are drawn from step by step as well", async () => {
    const { trainer, forecaster } = await train({
      ...{ data: setOf(waves(200, growing)), epochs: 15, decoding: "autoregressive" },
    });
    await trainer.run();
    const { point } = (await forecaster.forecast(setOf(waves(200, growing)), { samples: 40 }))[0]!.targets.y!;
    for (const [h, value] of point.entries()) expect(Math.abs(value / growing(200 + h) - 1)).toBeLessThan(0.25);
    trainer.close();
  });

  test("are not where swings stay the same, and cannot be of numbers that are not above 0", async () => {
    const { trainer, forecaster } = await train({});
    expect(forecaster.layout.transform).toBe("none");
    trainer.close();
    await expect(train({ data: setOf(waves(200, (n) => n % 5)), transform: "log" })).rejects.toThrow(
      /above 0, column "y" has 0 at step 1/,
    );
  });
});
