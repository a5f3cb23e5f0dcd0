import { describe, expect, test } from "vitest";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { openAblation } from "../../src/explain/ablation.ts";
import { areProbabilities, effectOn } from "../../src/explain/effect.ts";
import { nearestPlaces } from "../../src/explain/nearest-places.ts";
import { trace } from "../../src/explain/trace.ts";
import type { ModelArray } from "../../src/formats/plans.ts";
import { Program } from "../../src/formats/program.ts";
import { textRunnable } from "../../src/formats/run-model.ts";
import { crossEntropyOf } from "../support/cross-entropy.ts";
import { tinyRun } from "../support/tiny-run.ts";
import { H, imported, stateDict } from "./imported-model.ts";

/*
 * Values of imported models that are held: the outputs are those of the same model with weights that say so — columns of zeros where a
 * unit is read, rows of zeros under a bias that shuts or opens a gate.
 */

type Kind = Parameters<typeof stateDict>[0];
type Format = Parameters<typeof imported>[1];

/** The output of the model, and of the one whose weights were changed. */
async function outputs(kind: Kind, to: Format, machine: Machine, change: Parameters<typeof stateDict>[1]) {
  const changed = await imported(stateDict(kind, change), to, machine);
  const byHand = (await changed.model.run(changed.inputs))[changed.output]!;
  changed.model.close();
  const { model, inputs, output } = await imported(stateDict(kind), to, machine);
  return { model, inputs, output, byHand };
}

const expectSame = (came: ModelArray, wanted: ModelArray): void => {
  expect(came.shape).toEqual(wanted.shape);
  Array.from(came.data).forEach((v, k) => {
    expect(v).toBeCloseTo(wanted.data[k]!, 5);
  });
};

const kinds = [
  ["pytorch", { gates: 4, tokens: false, both: false }],
  ["pytorch", { gates: 3, tokens: true, both: true }],
  ["keras", { gates: 4, tokens: true, both: true }],
  ["keras", { gates: 3, tokens: false, both: false }],
  ["onnx", { gates: 4, tokens: true, both: false }],
  ["onnx", { gates: 3, tokens: false, both: true }],
] as const;

describe("values of imported models that are held", () => {
  test.each(kinds)("%s, %o: a cut unit is one that nobody reads", async (to, kind) => {
    const machine = await openMachine("wasm");
    const unit = 2;
    // Of a network that reads both ways the unit is one of the direction from the end.
    const end = kind.both ? "_reverse" : "";
    const { model, inputs, output, byHand } = await outputs(kind, to, machine, (name, data, columns) => {
      const column = name === "head.weight" ? unit + (kind.both ? H : 0) : unit;
      if (name === `rnn.weight_hh_l0${end}` || name === "head.weight")
        for (let k = column; k < data.length; k += columns) data[k] = 0;
    });
    const whole = await model.trace(inputs, { hold: [] });
    expect(whole.outputs[output]).toEqual((await model.run(inputs))[output]);
    const key = Object.keys(whole.values).find((name) => name.endsWith(`.h${end}`))!;
    const cut = await model.trace(inputs, { hold: [{ name: key, unit }] });
    expectSame(cut.outputs[output]!, byHand);
    const { data, shape } = cut.values[key]!;
    const shown = Array.from(data).filter((_, k) => k % shape[2]! === unit);
    expect(shown.every((v) => v === 0)).toBe(true);
    expect(effectOn(whole.outputs[output]!, cut.outputs[output]!).largest).toBeGreaterThan(1e-3);
    await expect(model.trace(inputs, { hold: [{ name: key, unit: H }] })).rejects.toMatchObject({
      code: "out-of-range",
    });
    await expect(model.trace(inputs, { hold: [{ name: "nothing.h" }] })).rejects.toMatchObject({
      code: "unknown-choice",
    });
    model.close();
    machine.close();
  });

  test.each(kinds)("%s, %o: a gate that is held is one whose weights say so", async (to, kind) => {
    const machine = await openMachine("wasm");
    // The forget gate of an LSTM and the update gate of a GRU: rows 1.
    const gate = kind.gates === 4 ? "f" : "z";
    for (const value of [0, 1]) {
      const { model, inputs, output, byHand } = await outputs(kind, to, machine, (name, data, columns) => {
        if (!/^rnn\..*_l0$/.test(name)) return;
        const row = name.includes("bias") ? 1 : columns;
        data.fill(name.endsWith("bias_ih_l0") ? (value === 1 ? 80 : -80) : 0, H * row, 2 * H * row);
      });
      const { values } = await model.trace(inputs, { names: [gate] });
      const held = await model.trace(inputs, { names: [], hold: [{ name: Object.keys(values)[0]!, value }] });
      expect(held.values).toEqual({});
      expectSame(held.outputs[output]!, byHand);
      model.close();
    }
    machine.close();
  });

  test("a model of this package's own gives the same as a program and as an ablation", async () => {
    const machine = await openMachine("wasm");
    const run = await tinyRun(machine, { cell: "gru", numLayers: 2 });
    const tokens = run.tokens.slice(0, 12);
    const ablation = await openAblation({ ...run, tokens });
    const weights = await run.parameters.toTensors();
    const program = new Program(textRunnable({ model: run.model, weights }), { machine });
    const inputs = { tokens: { shape: [11, 1], data: tokens.slice(0, 11) } };
    for (const [place, layer] of [
      [{ layer: 0, unit: 2 }, "h_l0"],
      [{ layer: 1, gate: "z", value: 0.25 }, "z_l1"],
    ] as const) {
      const loss = await ablation.loss([place]);
      const hold = [{ name: layer, ...("gate" in place ? { value: place.value } : { unit: place.unit }) }];
      const names = { names: [] };
      const traced = await trace(run, { data: tokens.slice(0, 11) }, { ...names, hold });
      expect(crossEntropyOf(traced.output.data, tokens.slice(1))).toBeCloseTo(loss, 5);
      const { outputs } = await program.trace(inputs, { ...names, hold: [{ ...hold[0]!, name: `rnn.${layer}` }] });
      expect(outputs.logits!.data).toEqual(traced.output.data);
    }
    ablation.close();
    program.close();
    run.parameters.close();
    machine.close();
  });

  test("states of an imported model: the places most like one", async () => {
    const machine = await openMachine("wasm");
    const { model } = await imported(stateDict({ gates: 4, tokens: true, both: false }), "pytorch", machine);
    const port = model.inputs.find(({ type }) => type === "int64")!;
    const data = [1, 4, 2, 0, 3, 3, 1, 4, 2, 0];
    const { values } = await model.trace({ [port.name]: { shape: [1, 10], data } });
    const [key] = Object.keys(values).filter((name) => name.endsWith(".h"));
    const rows = Array.from(values[key!]!.data);
    const to = rows.slice(9 * H);
    const places = await nearestPlaces([values[key!]!], { to, count: 2, without: (step) => step === 9 });
    const cosine = (t: number): number => {
      const row = rows.slice(t * H, (t + 1) * H);
      return row.reduce((s, v, k) => s + v * to[k]!, 0) / (Math.hypot(...row) * Math.hypot(...to));
    };
    const best = [0, 1, 2, 3, 4, 5, 6, 7, 8].sort((a, b) => cosine(b) - cosine(a));
    expect(places.map(({ step }) => step)).toEqual(best.slice(0, 2));
    model.close();
    machine.close();
  });
});

describe("effectOn", () => {
  test("the largest change, and the divergence of distributions: of logits after a softmax, of probabilities as they are", () => {
    const p = [0.5, 0.5, 0.9, 0.1];
    const q = [0.25, 0.75, 0.9, 0.1];
    const [before, after]: [ModelArray, ModelArray] = [
      { shape: [2, 2], data: p },
      { shape: [2, 2], data: q },
    ];
    const expected = (0.5 * Math.log(2) + 0.5 * Math.log(0.5 / 0.75)) / 2;
    expect(effectOn(before, after)).toMatchObject({ largest: 0.25, at: 0 });
    expect(effectOn(before, after).divergence).toBeCloseTo(expected, 12);
    const logits = ({ shape, data }: ModelArray): ModelArray => ({
      shape,
      data: Array.from(data, (v) => Math.log(v) + 7),
    });
    expect(effectOn(logits(before), logits(after)).divergence).toBeUndefined();
    expect(effectOn(logits(before), logits(after), { as: "logits" }).divergence).toBeCloseTo(expected, 12);
    // What was thought impossible does not count; what became impossible is infinitely far.
    const one = { shape: [2], data: [1, 0] };
    expect(effectOn(one, { shape: [2], data: [0.5, 0.5] }).divergence).toBeCloseTo(Math.log(2), 12);
    expect(effectOn({ shape: [2], data: [0.5, 0.5] }, one).divergence).toBe(Number.POSITIVE_INFINITY);
    expect(effectOn({ shape: [1], data: [1] }, { shape: [1], data: [Number.NaN] }).largest).toBeNaN();
    expect(areProbabilities({ shape: [2, 2], data: [0.5, 0.5, 0.6, 0.6] })).toBe(false);
    expect(() => effectOn(before, { shape: [4], data: q })).toThrow(/the shapes/);
  });
});
