import { expect, it } from "vitest";
import { lstm } from "../../src/cells/lstm.ts";
import { heatMaps, liveliest } from "../../src/cli/heat-maps.ts";
import { influence, likely, rangeOf, seriesMap } from "../../src/cli/step-maps.ts";

/** Three units over two tokens: the first does not move, the second moves in the gate, the third in the state. */
const trace = {
  tokens: ["a", "b"],
  layers: ["l0"],
  names: ["f", "c"],
  values: {
    f_l0: { shape: [2, 1, 3] as const, data: Float32Array.of(0.5, 0, 0.5, 0.5, 1, 0.6) },
    c_l0: { shape: [2, 1, 3] as const, data: Float32Array.of(9, 0, -8, 9, 1, 8) },
  },
};
const options = { names: ["f", "c"], layer: 0, width: 80, color: false };

it("shows the units that vary most, by the scale of each value, in their own order", () => {
  const shown = (units: number) =>
    [...heatMaps(trace, { ...options, units }).matchAll(/^unit (\d)/gm)].map(([, k]) => k);
  expect(shown(1)).toEqual(["2", "2"]);
  expect(shown(2)).toEqual(["1", "2", "1", "2"]);
  expect(shown(9)).toEqual(["0", "1", "2", "0", "1", "2"]);
});

it("gives gates the scale 0 … 1 and values with signs the same on both sides", () => {
  expect(heatMaps(trace, { ...options, units: 2 })).toBe(
    [
      "f  forget gate   0  ░▒▓█ 1\n       a b\nunit 1   ██\nunit 2 ▒▒▓▓\n",
      "c  cell state   −8  ░▒▓█ 8\n       a b\nunit 1 ▒▒▒▒\nunit 2   ██\n",
    ].join("\n"),
  );
});

it("says that a direction reads from the end, keeps the order of units that vary alike, and gives what passes 1 the scale with signs", () => {
  const data = Float32Array.of(0, 0, 0.5, 2, 2, 0.5);
  const values = { i_l0_reverse: { shape: [2, 1, 3] as const, data }, own_l0: { shape: [2, 1, 3] as const, data } };
  const shown = heatMaps({ tokens: ["a", "b"], values }, { ...options, names: ["i"], reverse: true, units: 1 });
  expect(shown).toBe("i  input gate, read from the end   −2  ░▒▓█ 2\n       a b\nunit 0 ▒▒██\n");
  // A value of one's own has no name but its own.
  expect(heatMaps({ tokens: ["a", "b"], values }, { ...options, names: ["own"], units: 1 })).toMatch(/^own {3}−2/);
});

it("chooses units by all values that are shown", () => {
  // Unit 0 moves more than unit 1 in one value, less in both together.
  const values = {
    f_l0: { shape: [2, 1, 2] as const, data: Float32Array.of(0, 0, 1, 0.9) },
    c_l0: { shape: [2, 1, 2] as const, data: Float32Array.of(0, 0, 0, 1) },
  };
  for (const names of [
    ["f", "c"],
    ["c", "f"],
  ])
    expect(heatMaps({ tokens: ["a", "b"], values }, { ...options, names, units: 1 })).not.toContain("unit 0");
});

it("chooses units of their own for a state that is projected to fewer", () => {
  // Of the gates the last unit moves, which the state does not have.
  const values = {
    f_l0: { shape: [2, 1, 3] as const, data: Float32Array.of(0, 0, 0, 0, 0, 1) },
    c_l0: { shape: [2, 1, 3] as const, data: Float32Array.of(0, 0, 0, 0, 0.5, 0.9) },
    h_l0: { shape: [2, 1, 2] as const, data: Float32Array.of(0, 0, 0.1, 0.7) },
  };
  const traced = { tokens: ["a", "b"], values };
  const shown = heatMaps(traced, { ...options, names: ["f", "h", "c"], units: 1 });
  expect([...shown.matchAll(/^unit (\d) (.*)$/gm)].map(([, unit, cells]) => [unit, cells])).toEqual([
    ["2", "  ██"],
    ["1", "  ▓▓"],
    ["2", "  ██"],
  ]);
  expect(liveliest(traced, { ...options, names: ["f", "h", "c"], units: 1 })).toEqual([1]);
});

it("of names shows those that are likely anywhere, in their order: two at least, twelve at most", () => {
  const shown = (most: Record<string, number>) => {
    // What is likely at one step is not at another.
    const steps = [most, Object.fromEntries(Object.keys(most).map((name) => [name, 0.001]))];
    const { title, rows, low, high } = likely(Object.keys(most), steps, { title: "p", what: ["tag", "tags"] });
    for (const { label, values } of rows) expect(values).toEqual([most[label], 0.001]);
    expect([low, high]).toEqual([0, 1]);
    return [rows.map(({ label }) => label).join(""), title];
  };
  expect(shown({ a: 0.9, b: 0.049, c: 0.6, d: 0.01, e: 0.05 })).toEqual(["ace", "p (2 unlikely tags left out)"]);
  expect(shown({ a: 0.01, b: 0.99, c: 0.02 })).toEqual(["bc", "p (1 unlikely tag left out)"]);
  expect(shown({ a: 0.4, b: 0.6 })).toEqual(["ab", "p"]);
  const many = Object.fromEntries([..."abcdefghijklmn"].map((name, k) => [name, 0.1 + k / 100]));
  expect(shown(many)).toEqual(["cdefghijklmn", "p (2 unlikely tags left out)"]);
});

it("takes the scale of numbers from those that are there, and one around a single number", () => {
  expect(rangeOf([Number.NaN, 2, -1, Number.POSITIVE_INFINITY])).toEqual({ low: -1, high: 2 });
  expect(rangeOf([3, 3])).toEqual({ low: 2, high: 4 });
  for (const none of [[], [Number.NaN]]) expect(rangeOf(none)).toEqual({ low: -1, high: 1 });
});

it("gives a series by channel, the first twelve of them, and all of them as curves", () => {
  const series = (channels: number) => ({ channels, values: Float64Array.from({ length: 2 * channels }, (_, k) => k) });
  const one = seriesMap(series(1));
  expect(one).toMatchObject({ map: { title: "the series", low: 0, high: 1, rows: [{ label: "" }] } });
  expect(Array.from(one.curves[0]!.data)).toEqual([0, 1]);
  const { map, curves } = seriesMap(series(13));
  expect(map.title).toBe("the series, the first 12 of 13 channels");
  expect(map.rows.map(({ label }) => label)).toEqual(curves.slice(0, 12).map(({ label }) => label));
  expect(curves.map(({ label }) => label)).toEqual(Array.from({ length: 13 }, (_, d) => `channel ${d + 1}`));
  for (const [d, { data }] of curves.entries()) expect(Array.from(data)).toEqual([d, d + 13]);
});

it("shows the influence of the first state alone, on a scale from 0, that of no influence too", () => {
  const of = (name: string, ...data: number[]) => ({
    ...{
      name,
      layer: 0,
      reverse: false,
      axes: ["time", "batch", "unit"] as const,
      shape: [2, 1, 2] as const,
      data: Float32Array.from(data),
    },
  });
  const gradients = { h_l0: of("h", 3, 4, 0, 0), c_l0: of("c", 9, 9, 9, 9) };
  const map = influence("it", lstm(), [{ gradients }]);
  expect(map).toMatchObject({
    title: expect.stringMatching(/ on it: norm/),
    low: 0,
    high: 5,
    rows: [{ label: "h_l0" }],
  });
  expect(Array.from(map.rows[0]!.values)).toEqual([5, 0]);
  const none = { gradients: { h_l0: of("h", 0, 0, 0, 0) } };
  expect(influence("it", lstm(), [none])).toMatchObject({ low: 0, high: 1 });
  const both = influence("it", lstm(), [{ gradients }, none], ["a", "b"]);
  expect(both.rows.map(({ label }) => label)).toEqual(["a h_l0", "b h_l0"]);
});
