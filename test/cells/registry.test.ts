import { describe, expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { cellByName, cellNames, sameEquations } from "../../src/cells/registry.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { hardSigmoid, relu, scaledTanh } from "../../src/math/functions.ts";

describe("cellByName", () => {
  test("every name makes a cell with its name", () => {
    expect(cellNames).toEqual(["rnn", "lstm", "gru", "min-gru", "min-lstm", "layer-norm-lstm"]);
    for (const name of cellNames) expect(cellByName(name).name).toBe(name);
  });

  test("options in JSON mean what the functions' own options mean", () => {
    const gate = { name: "hardSigmoid", alpha: 0.2, beta: 0.5 };
    const pairs = [
      [cellByName("rnn"), rnn()],
      [cellByName({ name: "rnn", options: { activation: "relu" } }), rnn({ activation: relu })],
      [cellByName({ name: "lstm", options: { gate } }), lstm({ gate: hardSigmoid(0.2, 0.5) })],
      [
        cellByName({ name: "lstm", options: { output: { name: "scaledTanh", alpha: 2 }, peephole: true, clip: 3 } }),
        lstm({ output: scaledTanh(2), peephole: true, clip: 3 }),
      ],
      [cellByName({ name: "gru", options: { bias: false } }), gru({ bias: false })],
      [
        cellByName({ name: "gru", options: { resetAfter: false, zoneout: 0.1, recurrentDropout: 0.2 } }),
        gru({ resetAfter: false, zoneout: 0.1, recurrentDropout: 0.2 }),
      ],
    ] as const;
    for (const [byName, byFunction] of pairs) expect(sameEquations(byName, byFunction)).toBe(true);
  });

  test("cells that differ in an equation, a mask or a weight are told apart", () => {
    expect(sameEquations(lstm(), gru())).toBe(false);
    expect(sameEquations(lstm(), lstm({ clip: 1 }))).toBe(false);
    expect(sameEquations(gru(), gru({ resetAfter: false }))).toBe(false);
    expect(sameEquations(gru({ zoneout: 0.1 }), gru({ zoneout: 0.2 }))).toBe(false);
  });

  test.each<[unknown, RegExp]>([
    ["grru", /did you mean "gru"/],
    [null, /expected a name or/],
    [{ name: "lstm", options: { peepholes: true } }, /no option "peepholes"; did you mean peephole/],
    [{ name: "lstm", options: { peephole: 1 } }, /peephole: expected true or false, got 1/],
    [{ name: "lstm", options: { zoneout: 1 } }, /zoneout: expected a probability/],
    [{ name: "lstm", options: { clip: -1 } }, /clip: expected a number above 0/],
    [{ name: "lstm", options: { gate: "sigmoyd" } }, /did you mean "sigmoid"/],
    [{ name: "lstm", options: { gate: { name: "elu", gamma: 1 } } }, /"elu" with a finite alpha, got gamma/],
    [{ name: "lstm", options: { gate: 3 } }, /expected an activation's name, got 3/],
    [{ name: "min-gru", options: { bias: false } }, /minGru: there is no option "bias"; known are none/],
    [{ name: "lstm", options: { __proto__: null, constructor: 1 } }, /no option "constructor"/],
    ["__proto__", /expected one of/],
  ])("%j is refused", (spec, message) => {
    expect(() => cellByName(spec as string)).toThrow(message);
  });
});
