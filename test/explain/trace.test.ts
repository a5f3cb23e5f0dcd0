import { describe, expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { normsOverTime } from "../../src/explain/norms.ts";
import { trace, traceInChunks, traceNames } from "../../src/explain/trace.ts";
import { traceTensors, traceToJSON } from "../../src/explain/trace-files.ts";
import { readNpz, writeNpz } from "../../src/formats/npz.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { openSession } from "../../src/run/session.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { difference } from "../support/difference.ts";
import { golden, goldenNames } from "../support/golden.ts";
import { describeOnMachines } from "../support/machines.ts";
import { odd } from "../support/recurrent-cells.ts";
import { partsOf, tinyRun } from "../support/tiny-run.ts";

const cells = { rnn: rnn(), lstm: lstm(), gru: gru(), odd: odd() };
const numbers = (n: number): Float64Array => new RandomStream(3, "test").normal(n);

/** Layers with weights of their own, ready to be traced. */
async function layers(machine: SynchronousMachine, options: Partial<Parameters<typeof recurrent>[0]> = {}) {
  const model = recurrent({ cell: lstm(), inputSize: 3, hiddenSize: 5, ...options });
  return { model, parameters: await createParameters({ machine, layout: layoutParameters(model), seed: 1 }) };
}

describeOnMachines("trace", (on) => {
  test.each(goldenNames("gates"))("has PyTorch's gates: %s", async (name) => {
    const { config, tensors } = golden(`gates/${name}`);
    const { batch: B, seq: T, hidden_size: H, input_size: D } = config;
    const cell = name.startsWith("gru") ? gru() : lstm();
    const { model, parameters } = await layers(on.machine, { cell, inputSize: D, hiddenSize: H });
    for (const key of parameters.names) parameters.write(key, tensors[key]!.data);
    const timeMajor = (from: ArrayLike<number>, width: number): number[] =>
      Array.from({ length: T * B * width }, (_, k) => {
        const [t, b, u] = [Math.floor(k / (B * width)), Math.floor(k / width) % B, k % width];
        return from[(b * T + t) * width + u]!;
      });
    const data = config.batch_first ? timeMajor(tensors.input!.data, D) : tensors.input!.data;
    const { values } = await trace({ model, parameters }, { data, batchSize: B });
    const gates = Object.keys(tensors).filter((key) => key.startsWith("gate."));
    expect(gates.length).toBeGreaterThan(2);
    for (const key of gates) {
      const came = values[`${key.slice(5)}_l0`]!;
      expect(came.axes).toEqual(["time", "batch", "unit"]);
      expect(came.shape).toEqual([T, B, H]);
      expect(difference(came.data, timeMajor(tensors[key]!.data, H)), key).toBeLessThanOrEqual(on.outputs);
    }
    parameters.close();
  });

  test.each(Object.entries(cells))(
    "of %s, two layers, both directions, ragged: the outputs are made of it, with the bits of a run without it",
    async (_, cell) => {
      const traced = await layers(on.machine, { cell, numLayers: 2, bidirectional: true });
      const input = { data: numbers(4 * 2 * 3), batchSize: 2, lengths: [4, 2] };
      const all = await trace(traced, input, { names: traceNames(traced.model) });
      const none = await trace(traced, input, { names: [] });
      expect(none.output).toEqual(all.output);
      expect(none.final).toEqual(all.final);
      expect(Object.keys(none.values)).toEqual([]);
      expect(Object.keys(all.values)).toHaveLength(4 * traceNames(traced.model).length);
      const [forward, backward] = [all.values.h_l1!, all.values.h_l1_reverse!];
      expect(backward).toMatchObject({ name: "h", layer: 1, reverse: true });
      const together = Array.from(
        { length: 8 * 10 },
        (_, k) => (k % 10 < 5 ? forward : backward).data[Math.floor(k / 10) * 5 + (k % 5)]!,
      );
      expect(together).toEqual(Array.from(all.output.data));
      traced.parameters.close();
    },
  );

  test("what an activation sees is W x + U h + b, and the gate is made of it", async () => {
    const traced = await layers(on.machine);
    const { values } = await trace(traced, { data: numbers(3 * 6) }, { names: ["pre.f", "f", "pre.g", "g"] });
    const near = (key: string, of: (x: number) => number): void =>
      expect(difference(values[key]!.data, Float64Array.from(values[`pre.${key}`]!.data, of))).toBeLessThan(on.outputs);
    const rename = (key: string): void => {
      Object.assign(values, { [key]: values[`${key}_l0`], [`pre.${key}`]: values[`pre.${key}_l0`] });
    };
    for (const key of ["f", "g"]) rename(key);
    near("f", (x) => 1 / (1 + Math.exp(-x)));
    near("g", Math.tanh);
    const split = await layers(on.machine, { cell: gru() });
    expect(traceNames(split.model)).toEqual(["pre.r", "pre.z", "pre.n.x", "pre.n.h", "r", "z", "n", "h"]);
    const parts = (await trace(split, { data: numbers(3 * 6) }, { names: traceNames(split.model) })).values;
    const n = Float64Array.from(parts.n_l0!.data, (_, k) =>
      Math.tanh(parts["pre.n.x_l0"]!.data[k]! + parts.r_l0!.data[k]! * parts["pre.n.h_l0"]!.data[k]!),
    );
    expect(difference(parts.n_l0!.data, n)).toBeLessThan(on.outputs);
    for (const one of [traced, split]) one.parameters.close();
  });

  test("of a model in pieces is the trace of the whole", async () => {
    const run = await tinyRun(on.machine, { numLayers: 2 });
    const data = run.tokens.slice(0, 23);
    const whole = await trace(run, { data });
    const found: Record<string, number[]> = {};
    let steps = 0;
    for await (const piece of traceInChunks(run, { data }, { steps: 5 })) {
      expect(piece.firstStep).toBe(steps);
      steps += piece.values.h_l0!.shape[0];
      for (const [key, array] of Object.entries(piece.values)) found[key] = [...(found[key] ?? []), ...array.data];
    }
    expect(steps).toBe(23);
    for (const [key, array] of Object.entries(whole.values))
      expect(difference(found[key]!, array.data), key).toBeLessThan(on.outputs);
    const session = await openSession({ ...partsOf(run), machine: on.machine });
    for (const token of data) session.feed([token]);
    expect(difference(whole.final.c!, (await session.state()).c!)).toBeLessThan(on.outputs);
    session.close();
    run.parameters.close();
  });
});

describe("gradients of a trace", () => {
  test.each(["rnn", "lstm", "gru"])(
    "of a language model with a %s: norms are those of central differences",
    async (cell) => {
      const machine = await openMachine("reference");
      const run = await tinyRun(machine, { cell, numLayers: 2, dropout: 0.5 });
      const data = Array.from(run.tokens.slice(0, 9));
      const whole = await trace(run, { data }, { gradients: true });
      const norms = normsOverTime(whole.gradients.h_l1!);
      // L as a function of the state of layer 1 before token `from`; what the head made of that state is left to the caller.
      const rest = async (from: number, initial: Record<string, ArrayLike<number>>): Promise<number> => {
        const { loss } = await trace(run, { data: data.slice(from), initial }, { names: [], gradients: true });
        return loss!;
      };
      for (const t of [2, 6]) {
        // The state after token t, and of the loss what depends on it: the prediction of token t + 1 by the head, and the rest.
        const until = await trace(run, { data: data.slice(0, t + 1) }, { names: [] });
        const states = until.final as Record<string, Float64Array>;
        const [weight, bias] = [await run.parameters.read("head.weight"), await run.parameters.read("head.bias")];
        const head = (h: ArrayLike<number>): number => {
          const logits = Array.from(bias, (b, v) => {
            let sum = b;
            for (let u = 0; u < 6; u++) sum += weight[v * 6 + u]! * h[6 + u]!;
            return sum;
          });
          return Math.log(logits.reduce((s, x) => s + Math.exp(x), 0)) - logits[data[t + 1]!]!;
        };
        let squares = 0;
        for (let unit = 0; unit < 6; unit++) {
          const at = async (change: number): Promise<number> => {
            const h = Float64Array.from(states.h!);
            h[6 + unit]! += change;
            return head(h) + (t + 2 < data.length ? await rest(t + 1, { ...states, h }) : 0);
          };
          squares += ((await at(1e-5)) - (await at(-1e-5))) ** 2 / 4e-10;
        }
        // With c held still: of an LSTM h and c are two ways, and ∂L/∂h is that through h.
        expect(Math.abs(norms[t]! - Math.sqrt(squares)) / norms[t]!).toBeLessThan(1e-4);
      }
      run.parameters.close();
      machine.close();
    },
  );
});

describe("trace", () => {
  test("refuses what it cannot do, and says what", async () => {
    const machine = await openMachine("wasm");
    const run = await tinyRun(machine);
    const data = run.tokens.slice(0, 6);
    await expect(trace(run, { data }, { names: ["q"] })).rejects.toMatchObject({ code: "unknown-choice" });
    await expect(trace(run, { data: [] })).rejects.toMatchObject({ code: "no-tokens" });
    await expect(trace(run, { data, batchSize: 4 })).rejects.toMatchObject({ code: "shape-mismatch" });
    await expect(trace(run, { data: [0] }, { gradients: true })).rejects.toMatchObject({ code: "no-tokens" });
    // A million steps: refused with the figure, before anything is allocated.
    await expect(trace(run, { data: new Int32Array(1e6) }, { maxBytes: 1e8 })).rejects.toMatchObject({
      code: "trace-too-large",
      message: expect.stringMatching(/137|144/),
    });
    const both = await layers(machine, { bidirectional: true });
    await expect(traceInChunks(both, { data: numbers(6) }).next()).rejects.toMatchObject({ code: "bad-option" });
    await expect(trace(both, { data: numbers(6) }, { gradients: true })).rejects.toMatchObject({
      code: "shape-mismatch",
    });
    for (const one of [run, both]) one.parameters.close();
    machine.close();
  });

  test("goes into files and comes back", async () => {
    const machine = await openMachine("wasm");
    const run = await tinyRun(machine);
    const made = await trace(run, { data: run.tokens.slice(0, 6) }, { gradients: true });
    const back = await readNpz(writeNpz(traceTensors(made)));
    expect([...back.keys()]).toEqual(expect.arrayContaining(["f_l0", "d.f_l0", "output"]));
    expect(back.get("d.c_l0")!.shape).toEqual([6, 1, 6]);
    expect(Array.from(back.get("f_l0")!.toFloat32())).toEqual(Array.from(made.values.f_l0!.data));
    expect(JSON.parse(JSON.stringify(traceToJSON(made))).values.f_l0).toMatchObject({
      axes: ["time", "batch", "unit"],
    });
    run.parameters.close();
    machine.close();
  });
});
