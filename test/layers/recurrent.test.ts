import { describe, expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { Recurrent, type RecurrentInput, type RecurrentOptions } from "../../src/layers/recurrent.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { namedParameters } from "../../src/tensor/parameter.ts";
import { difference } from "../support/difference.ts";
import { describeOnMachines } from "../support/machines.ts";
import { runRecurrent } from "../support/recurrent.ts";
import { expectSameBits, randomCase } from "../support/recurrent-cases.ts";
import { swapped } from "../support/recurrent-layouts.ts";

const shapes = (options: RecurrentOptions) =>
  Object.fromEntries([...namedParameters(new Recurrent(options))].map(([name, p]) => [name, p.shape]));

describe("parameters of a recurrent layer", () => {
  test("are named and shaped as PyTorch's", () => {
    const stack = shapes({ cell: lstm(), inputSize: 3, hiddenSize: 4, numLayers: 2, bidirectional: true });
    expect(Object.keys(stack)).toEqual(
      ["_l0", "_l0_reverse", "_l1", "_l1_reverse"].flatMap((suffix) =>
        ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map((name) => name + suffix),
      ),
    );
    expect(stack.weight_ih_l0_reverse).toEqual([16, 3]);
    expect(stack.weight_ih_l1).toEqual([16, 8]);
    expect(stack.weight_hh_l1).toEqual([16, 4]);
    expect(stack.bias_hh_l1_reverse).toEqual([16]);
  });

  test("a projection narrows what the next layer and the matrices read", () => {
    expect(
      shapes({
        cell: lstm({ projection: true, peephole: true }),
        inputSize: 3,
        hiddenSize: 4,
        projectionSize: 2,
        numLayers: 2,
      }),
    ).toMatchObject({
      ...{ weight_ih_l0: [16, 3], weight_hh_l0: [16, 2], weight_hr_l0: [2, 4], weight_pi_l0: [4] },
      ...{ weight_ih_l1: [16, 2], weight_hr_l1: [2, 4] },
    });
  });

  test("a cell without biases has none", () => {
    for (const cell of [
      rnn({ bias: false }),
      lstm({ bias: false }),
      gru({ bias: false }),
      gru({ bias: false, resetAfter: false }),
    ])
      expect(Object.keys(shapes({ cell, inputSize: 2, hiddenSize: 3 }))).toEqual(["weight_ih_l0", "weight_hh_l0"]);
  });
});

test("what is undefined is what is left out", () => {
  const options = { cell: lstm(), inputSize: 2, hiddenSize: 3 };
  const names = ["numLayers", "bidirectional", "projectionSize", "dropout", "dropoutPer", "weightDropout", "reverse"];
  names.push("batchFirst", "initialize", "memorySteps");
  const undefineds = Object.fromEntries(names.map((name) => [name, undefined]));
  expect(new Recurrent({ ...options, ...undefineds }).options).toEqual(new Recurrent(options).options);
  expect(new Recurrent(options).options).toEqual({
    ...options,
    ...{ numLayers: 1, bidirectional: false, projectionSize: 0, dropout: 0, dropoutPer: "step", weightDropout: 0 },
    ...{ reverse: false, batchFirst: false, initialize: "pytorch", memorySteps: 0 },
  });
});

describe("what a recurrent layer refuses", () => {
  const refused: readonly [string, RecurrentOptions, RegExp][] = [
    ["no units", { cell: rnn(), inputSize: 1, hiddenSize: 0 }, /hiddenSize/],
    [
      "a rate that is none",
      { cell: rnn(), inputSize: 1, hiddenSize: 1, dropout: Number.NaN },
      /dropout: expected a rate/,
    ],
    [
      "a rate above 1",
      { cell: rnn(), inputSize: 1, hiddenSize: 1, dropout: 1.5 },
      /dropout: expected a rate .* got 1.5/,
    ],
    ["half a layer", { cell: rnn(), inputSize: 1, hiddenSize: 1, numLayers: 1.5 }, /numLayers/],
    [
      "a projection that the cell lacks",
      { cell: lstm(), inputSize: 1, hiddenSize: 2, projectionSize: 1 },
      /projection/,
    ],
    [
      "a projection without a size",
      { cell: lstm({ projection: true }), inputSize: 1, hiddenSize: 2 },
      /projectionSize/,
    ],
    [
      "the name of a cell",
      { cell: "lstm" as never, inputSize: 1, hiddenSize: 2 },
      /cell: expected a cell, as lstm\(\).* give one, got the string "lstm"/,
    ],
    ["the maker of a cell", { cell: lstm as never, inputSize: 1, hiddenSize: 2 }, /got the function lstm/],
    [
      "both directions backwards",
      { cell: rnn(), inputSize: 1, hiddenSize: 2, reverse: true, bidirectional: true },
      /reverse/,
    ],
  ];
  test.each(refused)("%s", (_, options, message) => {
    expect(() => new Recurrent(options)).toThrow(message);
  });

  const machine = openReference();
  const forward = (shape: readonly number[], input: (g: Graph) => object = () => ({})) => {
    const graph = new Graph({ machine });
    const layer = new Recurrent({ cell: lstm(), inputSize: 3, hiddenSize: 2 });
    return () => layer.forward(graph.input("x", shape), input(graph) as RecurrentInput);
  };
  test.each([
    ["an input of another width", forward([4, 2, 5]), /\[T, B, 3\].*\[4, 2, 5\]/],
    ["a matrix", forward([4, 3]), /expected shape/],
    ["no step", forward([0, 2, 3]), /at least one step/],
    [
      "a mask of the batch first",
      forward([4, 2, 3], (g) => ({ mask: g.input("m", [2, 4]) })),
      /mask: expected shape \[4, 2\]/,
    ],
    [
      "a state that the cell lacks",
      forward([4, 2, 3], (g) => ({ initial: { d: g.input("d", [1, 2, 2]) } })),
      /initial/,
    ],
    [
      "a state of another batch",
      forward([4, 2, 3], (g) => ({ initial: { h: g.input("h", [1, 3, 2]) } })),
      /initial\.h.*\[1, 2, 2\]/,
    ],
    [
      "a pair in the place of names",
      forward([4, 2, 3], (g) => ({ initial: [g.input("h", [1, 2, 2])] as never })),
      /initial: expected states by name, \{ h/,
    ],
    ["a trace of nothing", forward([4, 2, 3], () => ({ trace: ["forget"] })), /trace/],
    ["a rule for masked output", forward([4, 2, 3], () => ({ maskedOutput: "carry" })), /maskedOutput/],
    ["a rule for empty sequences", forward([4, 2, 3], () => ({ emptyState: "none" })), /emptyState/],
  ])("%s", (_, act, message) => {
    expect(act).toThrow(message);
  });
});

describeOnMachines("a recurrent layer", (m) => {
  const none = { projectionSize: 0, drawsPerStep: false, minSize: 1 };
  const sizes = { steps: 4, batch: 3, inputSize: 2, hiddenSize: 5 };
  const c = randomCase({ name: "lstm", make: () => lstm(), ...none }, { ...sizes, bidirectional: true }, 2);

  test("batch first is the same with the first two axes exchanged", async () => {
    const came = await runRecurrent(m.machine, {
      ...c,
      options: { ...c.options, batchFirst: true },
      input: swapped(c.input, 4, 3),
      up: { ...c.up, output: swapped(c.up.output, 4, 3) },
    });
    const { output, final, gradients } = await runRecurrent(m.machine, c);
    expectSameBits({ output: swapped(came.output, 3, 4), ...came.final }, { output, ...final });
    expectSameBits({ ...came.gradients, input: swapped(came.gradients.input!, 3, 4) }, gradients);
  });

  test("a sequence without any step ends in its initial state, or in zeros if asked", async () => {
    // Example 1 has no valid step.
    const mask = Array.from({ length: 12 }, (_, k) => (k % 3 === 1 ? 0 : 1));
    const kept = await runRecurrent(m.machine, { ...c, mask });
    const zero = await runRecurrent(m.machine, { ...c, mask, emptyState: "zero" });
    const isEmpty = (k: number): boolean => Math.floor(k / 5) % 3 === 1;
    const cut = (v: ArrayLike<number>) => Array.from(v, (x, k) => (isEmpty(k) ? 0 : x));
    expectSameBits({ output: zero.output }, { output: kept.output });
    for (const s of ["h", "c"]) {
      expect(Array.from(kept.final[s]!).filter((_, k) => isEmpty(k))).toEqual(
        Array.from(c.initial[s]!).filter((_, k) => isEmpty(k)),
      );
      expectSameBits({ [s]: zero.final[s]! }, { [s]: cut(kept.final[s]!) });
      // Nothing of it reaches the initial state, as nothing of the initial state reaches it.
      expect(difference(zero.gradients[`initial.${s}`]!, cut(kept.gradients[`initial.${s}`]!))).toBeLessThanOrEqual(
        m.gradients,
      );
    }
    const plain = await runRecurrent(m.machine, c);
    expectSameBits((await runRecurrent(m.machine, { ...c, emptyState: "zero" })).final, plain.final);
  });

  test("dropout acts between layers, not after the last, and in training only", async () => {
    const two = randomCase({ name: "gru", make: () => gru(), ...none }, { ...sizes, numLayers: 2 }, 6);
    const options = { ...two.options, dropout: 0.5 };
    const at = (change: object) => runRecurrent(m.machine, { ...two, ...change });
    const plain = await at({});
    expectSameBits((await at({ options, training: false })).final, (await at({ training: false })).final);
    const dropped = await at({ options });
    expect(difference(dropped.output, plain.output)).toBeGreaterThan(1e-3);
    // The first layer is before it.
    const H = sizes.hiddenSize * sizes.batch;
    expect(Array.from(dropped.final.h!).slice(0, H)).toEqual(Array.from(plain.final.h!).slice(0, H));
    expect(Array.from(dropped.output)).not.toContain(0);
  });
});
