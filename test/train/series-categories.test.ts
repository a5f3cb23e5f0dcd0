import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { saveRun } from "../../src/checkpoint/run-folder.ts";
import { type ReadTimeSeriesOptions, readTimeSeries } from "../../src/data/read-time-series.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { loadForecaster } from "../../src/run/load-forecaster.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { type TrainForecasterOptions, trainForecaster } from "../../src/train/train-forecaster.ts";
import { machineAndFolder } from "../support/machine-and-folder.ts";

const { machine, folder } = await machineAndFolder("wasm");

/** Numbers that stay on their side, or change it at each step: of one number alone nobody can tell which. */
function swing(seed: number, sign: 1 | -1): number[] {
  let last = 0;
  return Array.from(new RandomStream(seed, "swing").normal(240), (noise) => {
    last = sign * 0.95 * last + 0.3 * noise;
    return last;
  });
}
const kinds = { steady: 1, jumping: -1 } as const;
const setOf = (length = 240, more: object = {}) =>
  timeSeriesSet({
    ...{ targets: ["y"], categories: ["kind"], ...more },
    series: Object.entries(kinds).map(([kind, sign], k) => {
      const y = swing(k, sign).slice(0, length);
      return { id: kind, values: { y, week: y.map((_, n) => n % 7) }, categories: { kind } };
    }),
  });
const train = (options: Partial<TrainForecasterOptions>) =>
  trainForecaster({
    ...{ machine, data: setOf(), horizon: 1, context: 1, anchor: "none", head: "point", linear: false },
    ...{ model: { hiddenSize: 8 }, learningRate: 0.02, epochs: 8 },
    ...options,
  });
const withoutKinds = () => ({ ...setOf(), categories: undefined });

describe("what a whole series is", () => {
  test("says what its past does not; unknown kinds are the zero vector; a saved run says the same", async () => {
    const loss = async (data = setOf()) => {
      const training = await train({ data });
      let best = Number.POSITIVE_INFINITY;
      await training.trainer.run({
        epoch({ validationLoss }) {
          best = Math.min(best, validationLoss!);
        },
      });
      return { ...training, best };
    };
    const blind = await loss(withoutKinds());
    blind.trainer.close();
    const { best, forecaster, trainer } = await loss();
    expect(best).toBeLessThan(0.4 * blind.best);
    expect(forecaster.layout.categories).toEqual({ kind: ["jumping", "steady"] });
    const ahead = async (kind: string, of = forecaster) => {
      const { series, ...set } = setOf();
      const [found] = await of.forecast({ ...set, series: [{ ...series[0]!, categories: { kind } }] });
      return found!.targets.y!.point[0]!;
    };
    const last = setOf().series[0]!.values.y!.at(-1)!;
    expect(Math.sign(await ahead("steady"))).toBe(Math.sign(last));
    expect(Math.sign(await ahead("jumping"))).toBe(-Math.sign(last));
    const unknown = await ahead("never seen");
    expect(await ahead("")).toBe(unknown);
    const weights = await forecaster.parameters.read("categories.0.weight");
    expect([...weights.slice(0, 2)]).toEqual([0, 0]);
    await expect(forecaster.forecast(unsaid())).rejects.toThrow(/expected the category "kind"/);

    await saveRun(join(folder, "run"), {
      ...{ config: forecaster.config, tokenizer: undefined },
      parameters: forecaster.parameters,
    });
    const loaded = await loadForecaster(join(folder, "run"), { machine });
    for (const kind of ["steady", "jumping", "never seen"]) expect(await ahead(kind, loaded)).toBe(await ahead(kind));
    loaded.parameters.close();
    trainer.close();
    const file = join(folder, "run", "config.json");
    writeFileSync(file, readFileSync(file, "utf8").replace('"jumping"', '"jumping", "another"'));
    await expect(loadForecaster(join(folder, "run"), { machine })).rejects.toThrow(/do not belong to one run/);
  });

  test.each<[string, Partial<TrainForecasterOptions>, number]>([
    ["drawn step by step", { decoding: "autoregressive", head: "gaussian", context: 2, horizon: 3 }, 6],
    ["with what is known of the future", { data: setOf(240, { known: ["week"] }), context: 3, horizon: 2 }, 2],
  ])("%s", async (_, options, horizon) => {
    const { trainer, forecaster } = await train({ epochs: 1, ...options });
    await trainer.run();
    const { series, ...set } = setOf(200, { known: options.data?.known });
    const known = {
      ...series[0]!,
      values: { ...series[0]!.values, y: series[0]!.values.y!.map((v, n) => (n < 190 ? v : Number.NaN)) },
    };
    const of = (kind: string) =>
      forecaster.forecast({ ...set, series: [{ ...known, categories: { kind } }] }, { horizon });
    const [[steady], [jumping]] = [await of("steady"), await of("jumping")];
    expect(steady!.targets.y!.point.length).toBe(horizon);
    expect(steady!.targets.y!.point.every(Number.isFinite)).toBe(true);
    expect(steady!.targets.y!.point).not.toEqual(jumping!.targets.y!.point);
    trainer.close();
  });
});

/** The same series, which do not say what they are. */
const unsaid = () => ({ series: setOf().series.map((one) => ({ ...one, categories: undefined })) });

describe("columns of categories", () => {
  const read = (content: string, options: Partial<ReadTimeSeriesOptions> = {}) => {
    const file = join(folder, "t.csv");
    writeFileSync(file, content);
    return readTimeSeries(file, { targets: ["y"], series: "shop", categories: ["region", "shop"], ...options });
  };

  test("are text, in any row of a series, and stay with it on equal steps", async () => {
    const rows =
      "day,shop,region,y\n2024-01-01,a,,1\n2024-01-01,b,south,2\n2024-01-03,a, north ,3\n2024-01-02,b,south,4\n";
    for (const options of [{}, { time: "day" }, { time: "day", resample: "1d" }]) {
      const { categories, series } = await read(rows, options);
      expect(categories).toEqual(["region", "shop"]);
      expect(series.map((one) => one.categories)).toEqual([
        { region: "north", shop: "a" },
        { region: "south", shop: "b" },
      ]);
    }
  });

  test("that change within a series are refused, with the line", async () => {
    await expect(read("shop,region,y\na,north,1\nb,south,1\na,south,2\n")).rejects.toThrow(
      /t\.csv, line 4, column "region": expected "north" as in the rows before of the same series, got "south"/,
    );
    await expect(read("shop,region,y\na,north,1\nb,south,1\n", { series: undefined })).rejects.toThrow(/--series/);
    await expect(read("shop,y\na,1\n")).rejects.toThrow(/region/);
    expect(() => timeSeriesSet({ targets: ["y"], categories: ["kind"], series: [{ values: { y: [1, 2] } }] })).toThrow(
      /expected a text for the category "kind", got nothing/,
    );
  });
});
