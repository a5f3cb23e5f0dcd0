import { expect, it } from "vitest";
import { heatMaps } from "../../src/cli/heat-maps.ts";

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
