import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { sequenceForecaster } from "../../src/models/sequence-forecaster.ts";
import { linearMap } from "../../src/run/baselines/linear-map.ts";
import { loadForecaster } from "../../src/run/load-forecaster.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../src/train/train-forecaster.ts";

let machine: Machine;
const folder = mkdtempSync(join(tmpdir(), "longshort-linear-"));
beforeAll(async () => {
  machine = await openMachine("wasm");
});
afterAll(() => {
  machine.close();
  rmSync(folder, { recursive: true, force: true });
});

const noise = new RandomStream(3, "noise").normal(400);
const wave = (n: number): number => 40 + 8 * Math.sin(n) + 3 * Math.cos(2.3 * n) + noise[n]!;
const drift = (n: number): number => 5 * Math.sin(n / 3) + 0.2 * n + noise[n + 150]!;
const values = (of: (n: number) => number, length = 200) => Float64Array.from({ length }, (_, n) => of(n));
const setOf = (...columns: Float64Array[]) =>
  timeSeriesSet({
    targets: columns.map((_, k) => `y${k}`),
    series: [{ values: Object.fromEntries(columns.map((column, k) => [`y${k}`, column])) }],
  });
const [context, horizon] = [8, 3];
const train = (options: Partial<TrainForecasterOptions> = {}) =>
  trainForecaster({
    ...{ machine, data: setOf(values(wave)), context, horizon, epochs: 1, model: { hiddenSize: 4 } },
    ...{ validation: 0, anchor: "last", head: "point", ...options },
  });
const has = ({ forecaster }: Awaited<ReturnType<typeof train>>): boolean =>
  forecaster.parameters.names.includes("linear.weight");

describe("a linear map beside the network", () => {
  test.each(["last", "none"] as const)(
    "begins as the baseline of that name, each target for itself (anchor %s)",
    async (anchor) => {
      const columns = [values(wave), values(drift)];
      // Rate 0: of the head only its first bias is added.
      const { trainer, forecaster } = await train({ data: setOf(...columns), anchor, learningRate: 0 });
      const bias = forecaster.parameters.shape("head.bias");
      forecaster.parameters.write("head.bias", new Float64Array(bias[0]!));
      const [found] = await forecaster.forecast(setOf(...columns));
      for (const [k, column] of columns.entries()) {
        const all = [{ values: column, trainEnd: 200 }];
        const map = linearMap(all, { context, horizon, season: 1 }).predict(0, 200);
        const { point } = found!.targets[`y${k}`]!;
        // Without an anchor the map need not keep levels, which the baseline's does.
        const near = anchor === "last" ? 0.02 : 1.5;
        for (const [h, value] of point.entries()) expect(Math.abs(value - map[h]!)).toBeLessThan(near);
      }
      trainer.close();
    },
  );

  test("is not learned from then on, the rest is; a saved run says the same", async () => {
    const data = setOf(values(wave));
    const training = await train({ epochs: 3, learningRate: 0.02, head: "quantiles" });
    const { trainer, forecaster } = training;
    const { parameters } = forecaster;
    const read = async () => [await parameters.read("linear.weight"), await parameters.read("linear.bias")];
    const [before, head] = [await read(), await parameters.read("head.weight")];
    expect(before[0]!.some((w) => Math.abs(w) > 0.01)).toBe(true);
    expect([...head].every((w) => w === 0)).toBe(true);
    await trainer.run();
    expect(await read()).toEqual(before);
    expect((await parameters.read("head.weight")).some((w) => w !== 0)).toBe(true);
    const found = await forecaster.forecast(data);
    await saveRun(folder, { config: forecaster.config, tokenizer: undefined, parameters });
    trainer.close();
    expect(await (await loadForecaster(folder, { machine })).forecast(data)).toEqual(found);
  });

  test("windows that lack a value are left out", async () => {
    const holes = values(wave).map((value, n) => (n % 40 === 20 ? Number.NaN : value));
    const training = await train({ data: setOf(holes) });
    const weights = await training.forecaster.parameters.read("linear.weight");
    expect(weights.every(Number.isFinite)).toBe(true);
    // Were the values before the gaps taken for the missing ones, these would be learned as well.
    const filled = holes.map((value, n) => (Number.isNaN(value) ? holes[n - 1]! : value));
    const other = await train({ data: setOf(filled) });
    expect(await other.forecaster.parameters.read("linear.weight")).not.toEqual(weights);
    for (const { trainer } of [training, other]) trainer.close();
  });

  test("only where it can be fitted, and where it is wished", async () => {
    const trainings = await Promise.all([
      train(),
      train({ linear: false }),
      train({ decoding: "autoregressive", head: "gaussian" }),
      train({ data: setOf(values((n) => n % 5)), head: "negative-binomial", anchor: "none" }),
      // 90 windows for 9 numbers each are enough, 89 are not.
      train({ data: setOf(values(wave, 100)) }),
      train({ data: setOf(values(wave, 99)) }),
    ]);
    expect(trainings.map(has)).toEqual([true, false, false, false, true, false]);
    for (const { trainer } of trainings) trainer.close();
    const network = { channels: 1, targets: 1, horizon: 2, linearSteps: 3 };
    expect(() => sequenceForecaster({ ...network, autoregressive: true })).toThrow(
      /linearSteps: expected 0 where each/,
    );
    expect(() => sequenceForecaster({ ...network, head: "negative-binomial" })).toThrow(/expected 0 for counts, got 3/);
  });
});
