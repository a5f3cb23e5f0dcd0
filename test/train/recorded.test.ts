import { expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import { square, variable } from "../../src/math/expression.ts";
import { adam } from "../../src/optimizers/adam.ts";
import { sgd } from "../../src/optimizers/sgd.ts";
import type { Graph, Tensor } from "../../src/tensor/graph.ts";
import { stopGradient, sumAll } from "../../src/tensor/operations.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import { type Measurement, openEvaluator } from "../../src/train/evaluator.ts";
import type { Objective } from "../../src/train/learner.ts";
import { openTrainingStep } from "../../src/train/step.ts";

const [T, B, H] = [3, 2, 4];
const rnn = recurrent({ cell: gru(), inputSize: 1, hiddenSize: H });
const machine = openReference();
const parameters = await createParameters({ machine, layout: layoutParameters(rnn) });

/** What a model computes: its loss, and its last state. */
function forward(graph: Graph): { readonly loss: Tensor; readonly h: Tensor; readonly output: Tensor } {
  const { output, final } = rnn.forward(graph.input("x", [T, B, 1]));
  return { output, h: final.h!, loss: meanSquaredError(output, graph.input("y", [T, B, H])) };
}

const step = (record: (graph: Graph) => Objective) =>
  openTrainingStep({ machine, parameters, optimizer: sgd(), record });
const evaluator = (record: (graph: Graph) => Measurement) => {
  const inputs = { x: new Float64Array(T * B), y: new Float64Array(T * B * H) };
  return openEvaluator({
    machine,
    parameters,
    record,
    batches: { batchesPerEpoch: 1, batch: () => ({ inputs, rows: B }) },
  });
};

test.each<[what: string, to: (graph: Graph, h: Tensor) => unknown, RegExp]>([
  [
    "a state of another size",
    (graph, h) => [[h, graph.state("h", [1, B, 2])]],
    /state "h" has shape \[1, 2, 2\].* \[1, 2, 4\]/,
  ],
  ["an input", (graph, h) => [[h, graph.input("h", [1, B, H])]], /expected the second of each pair to be a state/],
  ["a name", (_, h) => ({ h }), /expected pairs such as .* got an object with the properties h/],
])("what is carried into %s is refused, in training as in evaluation", async (_, to, message) => {
  const carry = (graph: Graph, h: Tensor) => ({ carry: to(graph, h) as never });
  const train = (graph: Graph) => {
    const { loss, h } = forward(graph);
    return { loss, ...carry(graph, h) };
  };
  const measure = (graph: Graph) => {
    const { loss, h } = forward(graph);
    return { metrics: { loss }, ...carry(graph, h) };
  };
  await expect(step(train)).rejects.toThrow(message);
  await expect(evaluator(measure)).rejects.toThrow(message);
});

test.each<[what: string, record: (graph: Graph) => unknown, RegExp]>([
  [
    "numbers of each step",
    (graph) => ({ metrics: { loss: forward(graph).output } }),
    /metrics.loss: expected shape \[\], got \[3, 2, 4\]/,
  ],
  [
    "a number that was read",
    () => ({ metrics: { loss: 0.5 } }),
    /expected \{ metrics.loss \}, a tensor of shape \[\], got 0.5/,
  ],
  ["the loss alone", (graph) => forward(graph).loss, /expected \{ metrics: .* got an object with the properties graph/],
])("a metric is one number of the graph; %s is refused", async (_, record, message) => {
  await expect(evaluator(record as never)).rejects.toThrow(message);
});

test("a loss that no trained parameter has a part in is refused", async () => {
  const still = (graph: Graph) => ({ loss: stopGradient(forward(graph).loss) });
  await expect(step(still)).rejects.toMatchObject({ code: "not-differentiable" });
  // A penalty alone may be what is learned from.
  const penalty = await step((graph) => ({
    loss: still(graph).loss,
    penalty: sumAll({ b: graph.parameter(rnn.parts.bias_ih_l0!) }, square(variable("b"))),
  }));
  penalty.close();
});

test("the number of a step is a whole one from 1 on", async () => {
  using one = await step(forward);
  expect(() => one.run(0, 0.1)).toThrow(/TrainingStep.run: step: expected a whole number of at least 1, got 0/);
  expect(() => (one.run as () => void)()).toThrow(/step: expected a whole number of at least 1, got nothing/);
  expect(() => (one.run as (step: number) => void)(1)).toThrow(/the learning rate is undefined/);
});

test("a step that was skipped is made again under its number, also the first of Adam", async () => {
  const own = await createParameters({ machine, layout: layoutParameters(rnn), seed: 3 });
  const adams = async () =>
    openTrainingStep({
      machine,
      parameters: own,
      optimizer: adam(),
      record: (graph) => ({ loss: forward(graph).loss }),
    });
  const [inputs, start] = [
    { x: new Float64Array(T * B).fill(0.5), y: new Float64Array(T * B * H).fill(1) },
    await own.toTensors(),
  ];
  const after = async (bad: boolean) => {
    own.loadTensors(start);
    const one = await adams();
    for (const [name, data] of Object.entries(inputs)) one.executable.write(name, data);
    if (bad) {
      one.executable.write("x", new Float64Array(T * B).fill(Number.NaN));
      one.run(1, 0.1);
      expect(await one.read()).toMatchObject({ skipped: 1 });
      one.executable.write("x", inputs.x);
    }
    one.run(1, 0.1);
    await one.read();
    one.close();
    return own.toTensors();
  };
  const expected = await after(false);
  expect(await after(true)).toEqual(expected);
});
