import { describe, expect, test } from "vitest";
import { prepareSeries, windowInputs } from "../../src/data/forecast-inputs.ts";
import type { ForecastLayout } from "../../src/data/forecast-layout.ts";
import { windowBatches, windowsOf } from "../../src/data/forecast-windows.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { timeZone } from "../../src/data/time-zone.ts";

const zone = timeZone("UTC");
const layout: ForecastLayout = {
  ...{ targets: ["y"], past: ["p"], known: ["k"], context: 3, horizon: 2, season: 2 },
  ...{
    decoding: "direct",
    anchor: "none",
    indicators: [],
    calendar: [],
    timeZone: "UTC",
    transform: "none",
    scaling: "none",
  },
  ...{ scales: {}, counts: false },
};
/** y counts from 0, p from 100, k from 1000. */
const ramp = (length: number, y: (n: number) => number = (n) => n) => {
  const { series } = timeSeriesSet({
    ...{ targets: ["y"], past: ["p"], known: ["k"] },
    series: [
      {
        values: Object.fromEntries(
          [y, (n: number) => 100 + n, (n: number) => 1000 + n].map((of, c) => [
            ["y", "p", "k"][c]!,
            Array.from({ length }, (_, n) => of(n)),
          ]),
        ),
      },
    ],
  });
  return series[0]!;
};
const inputsAt = (origin: number, more: Partial<ForecastLayout> = {}, learn = true, series = ramp(8)) => {
  const own = { ...layout, ...more };
  const arrays = windowInputs([{ series: prepareSeries(series, own, zone), origin }], own, { learn });
  return Object.fromEntries(Object.entries(arrays).map(([name, data]) => [name, [...data]]));
};

describe("inputs of a window", () => {
  test("directly: the past with all that is known of it, the future with what is known beforehand", () =>
    expect(inputsAt(4)).toEqual({
      x: [1, 101, 1001, 2, 102, 1002, 3, 103, 1003],
      future: [1004, 1005],
      y: [4, 5],
    }));

  test("differences to the last value, and to the season before", () => {
    expect(inputsAt(4, { anchor: "last" })).toMatchObject({
      x: [-2, 101, 1001, -1, 102, 1002, 0, 103, 1003],
      base: [3, 3],
      y: [4, 5],
    });
    // The mean of the last season is taken off; what is added is the season itself.
    expect(inputsAt(4, { anchor: "season", horizon: 3, past: [], known: [] })).toEqual({
      x: [-1.5, -0.5, 0.5],
      base: [2, 3, 2],
      y: [4, 5, 6],
    });
  });

  test("each from the one before: a target beside what is known of the next step", () => {
    const more = { decoding: "autoregressive", past: [], anchor: "last" } as const;
    expect(inputsAt(4, more)).toEqual({ x: [-2, 1002, -1, 1003, 0, 1004, 1, 1005], base: [3], y: [4, 5] });
    expect(inputsAt(4, more, false)).toEqual({ x: [-2, 1002, -1, 1003], base: [3] });
  });

  test("missing values: the last one and a sign that it is none; what is missing in the future does not count", () => {
    const holes = ramp(8, (n) => (n === 2 || n === 5 ? Number.NaN : n));
    expect(inputsAt(4, { indicators: ["y"], past: [], known: [] }, true, holes)).toEqual({
      x: [1, 1, 1, 0, 3, 1],
      y: [4, 4],
      mask: [1, 0],
    });
  });

  test("scaled by what its series has in the layout, or by itself", () => {
    const scales = { "": { y: { center: 1, scale: 2 }, p: { center: 0, scale: 1 }, k: { center: 1000, scale: 1 } } };
    expect(inputsAt(4, { scales })).toMatchObject({ x: [0, 101, 1, 0.5, 102, 2, 1, 103, 3], y: [1.5, 2] });
    expect(inputsAt(4, { scaling: "standard" }).y![0]).toBeCloseTo(0.5 / Math.sqrt(5.25), 12);
  });

  test("counts stay in their units beside their mean size", () => {
    const scales = { "": { y: { center: 0, scale: 4 } } };
    expect(inputsAt(4, { scales, counts: true, past: [], known: [] })).toEqual({
      ...{ x: [0.25, 0.5, 0.75], y: [4, 5], scale: [4] },
    });
  });
});

describe("windows", () => {
  const own = { ...layout, past: [], known: [] };
  const origins = (series = ramp(10), from = 0, to = 10, stride = 1) =>
    windowsOf([prepareSeries(series, own, zone)], [{ from, to }], own, stride).map(({ origin }) => origin);

  test("what is predicted lies within the span, what is looked at may lie before it", () => {
    expect(origins()).toEqual([3, 4, 5, 6, 7, 8]);
    expect(origins(ramp(10), 6, 10)).toEqual([6, 7, 8]);
    expect(origins(ramp(10), 0, 10, 3)).toEqual([3, 6]);
    expect(origins(ramp(4), 0, 4)).toEqual([]);
  });

  test("without anything to predict there is no window", () =>
    expect(origins(ramp(10, (n) => (n === 5 || n === 6 ? Number.NaN : n)))).toEqual([3, 4, 6, 7, 8]));

  test("batches hold each window once an epoch, in another order in each", async () => {
    const series = prepareSeries(ramp(10), own, zone);
    const windows = windowsOf([series], [{ from: 0, to: 10 }], own);
    const source = windowBatches({ windows, layout: own, batchSize: 4, seed: 1 });
    expect(source.batchesPerEpoch).toBe(2);
    const epoch = async (e: number) => {
      const batches = [await source.batch(e, 0), await source.batch(e, 1)];
      expect(batches.map(({ rows, weight }) => [rows, weight])).toEqual([
        [4, 8],
        [2, 4],
      ]);
      return batches.flatMap(({ inputs, rows }) => Array.from(inputs.y!).slice(0, rows));
    };
    const [first, second] = [await epoch(0), await epoch(1)];
    expect(first.toSorted()).toEqual([3, 4, 5, 6, 7, 8]);
    expect(second.toSorted()).toEqual(first.toSorted());
    expect(second).not.toEqual(first);
    expect(await epoch(0)).toEqual(first);
  });
});
