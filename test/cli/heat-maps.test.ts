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
