import { describe, expect, test } from "vitest";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import type { Machine } from "../../src/compute/machine.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { attentionPool } from "../../src/layers/attention-pool.ts";
import { convolution1d } from "../../src/layers/convolution.ts";
import { embedding } from "../../src/layers/embedding.ts";
import { layerNorm } from "../../src/layers/layer-norm.ts";
import { linear } from "../../src/layers/linear.ts";
import { recurrent } from "../../src/layers/recurrent.ts";
import { crossEntropy } from "../../src/losses/cross-entropy.ts";
import { variable } from "../../src/math/expression.ts";
import { adagrad } from "../../src/optimizers/adagrad.ts";
import { adam, adamW } from "../../src/optimizers/adam.ts";
import { byParameter, frozen, type OptimizerChoice, scaledRate } from "../../src/optimizers/by-parameter.ts";
import { sgd } from "../../src/optimizers/sgd.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { reshape, sumAll } from "../../src/tensor/operations.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { openTrainingStep, type TrainingStepOptions } from "../../src/train/step.ts";
import { openTrainer } from "../../src/train/trainer.ts";
import { describeOnMachines } from "../support/machines.ts";

const [V, E, H, T, B, C] = [37, 5, 6, 7, 3, 4];
const same = numbersOf(T * B, 5);

function numbersOf(count: number, by: number): Int32Array {
  return Int32Array.from({ length: count }, (_, k) => (k * by + (k % 3)) % V);
}

/** A layer of every kind, so that each has weights that may be frozen below and above others that learn. */
function network() {
  const table = embedding({ vocabularySize: V, embeddingSize: E });
  const filters = convolution1d({ inputSize: E, outputSize: E, kernelSize: 3, padding: 1 });
  const below = recurrent({ cell: gru(), inputSize: E, hiddenSize: H, numLayers: 2, bidirectional: true });
  const norm = layerNorm({ size: 2 * H });
  const above = recurrent({
    cell: lstm({ peephole: true, projection: true }),
    inputSize: 2 * H,
    hiddenSize: H,
    projectionSize: 4,
  });
  const pool = attentionPool({ inputSize: 4 });
  const head = linear({ inputSize: 4, outputSize: C });
  const record = (graph: Graph): { readonly loss: Tensor; readonly penalty?: Tensor; readonly read: Tensor } => {
    const tokens = graph.input("tokens", [T, B], { type: "int", below: V });
    const read = below.forward(filters.forward(table.forward(tokens))).output;
    const pooled = pool.forward(above.forward(norm.forward(read)).output);
    const loss = crossEntropy(head.forward(reshape(pooled, [B, 4])), graph.input("y", [B], { type: "int" }));
    return { loss, read };
  };
  return { layout: layoutParameters({ parts: { table, filters, below, norm, above, pool, head } }), record };
}

const { layout, record } = network();
const names = [...layout.names.keys()];
const weightsOf = async (parameters: ParameterStore) =>
  new Map([...(await parameters.toTensors())].map(([name, { data }]) => [name, data]));

/** Weights, gradients and norm after some updates. */
async function trained(
  machine: Machine,
  optimizer: OptimizerChoice,
  updates: number,
  more: Partial<TrainingStepOptions> = {},
) {
  const parameters = await createParameters({ machine, layout, seed: 4 });
  const step = await openTrainingStep({ machine, parameters, optimizer, record, ...more });
  for (let k = 1; k <= updates; k++) {
    step.executable.write("tokens", numbersOf(T * B, 5 + (k % 2)));
    step.executable.write("y", [0, 1, 3]);
    step.run(k, 0.05);
  }
  const [weights, gradients, { gradientNorm }] = [
    await weightsOf(parameters),
    await step.gradients(),
    await step.read(),
  ];
  step.close();
  parameters.close();
  return { weights, gradients, gradientNorm };
}

describeOnMachines("an optimizer for each parameter", (m) => {
  test.each([
    ["adamW", () => adamW()],
    // Rows of the table that no token chose are passed by: its blocks begin somewhere within those of other parameters.
    ["lazy adam", () => adam({ lazy: true, weightDecay: 0.1 })],
  ] as const)("the same %s for all, in whatever pieces, gives the bits of one", async (_, make) => {
    const whole = await trained(m.machine, make(), 3, { clipNorm: 0.1 });
    const one = make();
    expect(
      await trained(
        m.machine,
        byParameter(() => one),
        3,
        { clipNorm: 0.1 },
      ),
    ).toEqual(whole);
    expect(await trained(m.machine, byParameter(make), 3, { clipNorm: 0.1 })).toEqual(whole);
  });

  test("each parameter takes the step of its own", async () => {
    const kinds = [adam(), adagrad({ initialAccumulator: 0.1 }), sgd({ momentum: 0.9 }), scaledRate(sgd(), 0.25)];
    const alone = await Promise.all(
      [adam(), adagrad({ initialAccumulator: 0.1 }), sgd({ momentum: 0.9 })].map((one) => trained(m.machine, one, 1)),
    );
    alone.push(await trained(m.machine, { ...sgd(), scalars: (step, rate) => sgd().scalars(step, 0.25 * rate) }, 1));
    const mixed = await trained(
      m.machine,
      byParameter((name) => kinds[names.indexOf(name) % 4]!),
      1,
    );
    for (const [k, name] of names.entries())
      expect(mixed.weights.get(name), name).toEqual(alone[k % 4]!.weights.get(name));
    expect(mixed.gradientNorm).toBe(alone[0]!.gradientNorm);
  });

  test.each(names)("%s is frozen: it stays, the others learn as if nothing were", async (still) => {
    const before = await weightsOf(await createParameters({ machine: m.machine, layout, seed: 4 }));
    const [all, usual] = [await trained(m.machine, sgd(), 1), sgd()];
    const some = await trained(
      m.machine,
      byParameter((name) => (name === still ? frozen() : usual)),
      1,
    );
    for (const name of names)
      expect(some.weights.get(name), name).toEqual((name === still ? before : all.weights).get(name));
    expect([...some.gradients.keys()]).toEqual(names.filter((name) => name !== still));
    for (const [name, { data }] of some.gradients) expect(data, name).toEqual(all.gradients.get(name)!.data);
    expect(some.gradientNorm).toBeLessThanOrEqual(all.gradientNorm);
  });

  test("a penalty of what is frozen changes nothing, a loss that depends on nothing that learns is refused", async () => {
    const usual = sgd();
    const optimizer = byParameter((name) => (name === "table.weight" ? frozen() : usual));
    const penalized: typeof record = (graph) => {
      const weight = graph.parameter(layout.names.get("table.weight")!);
      return { ...record(graph), penalty: sumAll({ weight }, variable("weight")) };
    };
    expect(await trained(m.machine, optimizer, 1, { record: penalized })).toEqual(
      await trained(m.machine, optimizer, 1),
    );
    const alone: TrainingStepOptions["record"] = (graph) => ({ loss: penalized(graph).penalty! });
    const butHead = byParameter((name) => (name.startsWith("head.") ? usual : frozen()));
    const belowHead: TrainingStepOptions["record"] = (graph) => ({
      loss: sumAll({ x: record(graph).read }, variable("x")),
    });
    for (const [optimizerOfAll, recordLoss] of [
      [optimizer, alone],
      // Through recurrent layers of both directions.
      [butHead, belowHead],
    ] as const)
      await expect(trained(m.machine, optimizerOfAll, 1, { record: recordLoss })).rejects.toMatchObject({
        code: "not-differentiable",
        message: expect.stringContaining("depends on no parameter that is trained"),
      });
  });

  test("recurrent layers that are frozen, with all below them, save nothing and have no way back", () => {
    const scansOf = (still: RegExp) => {
      const stays = [...layout.names].flatMap(([name, parameter]) => (still.test(name) ? [parameter] : []));
      const graph = new Graph({ machine: m.machine, parameters: layout, training: true, frozen: new Set(stays) });
      graph.backward([[record(graph).loss, 1]]);
      const kernels = graph.finish().launches.map(({ kernel }) => kernel);
      return [
        kernels.flatMap((kernel) => (kernel.op === "scan" ? [kernel.save] : [])),
        kernels.filter(({ op }) => op === "scanBackward").length,
      ];
    };
    // Two layers of two directions, and one above them.
    expect(scansOf(/^$/)).toEqual([[true, true, true, true, true], 5]);
    expect(scansOf(/^below/)).toEqual([[true, true, true, true, true], 5]);
    expect(scansOf(/^(table|filters|below.*_l0)/)).toEqual([[false, false, true, true, true], 3]);
    expect(scansOf(/^(table|filters|below|norm)/)).toEqual([[false, false, false, false, true], 1]);
    expect(scansOf(/^(?!head)/)).toEqual([[false, false, false, false, false], 0]);
  });

  test("all but the head, with decay and averages: what is frozen keeps every bit", async () => {
    const parameters = await createParameters({ machine: m.machine, layout, seed: 4 });
    const before = await weightsOf(parameters);
    const learning = adamW({ weightDecay: 0.1 });
    const optimizer = byParameter((name) => (name.startsWith("head.") ? learning : frozen()));
    const batch = { inputs: { tokens: same, y: [0, 1, 3] }, rows: B, steps: T };
    const trainer = await openTrainer({
      ...{ machine: m.machine, parameters, record, optimizer, average: 0.9, epochs: 5, accumulate: 2 },
      batches: { batchesPerEpoch: 2, batch: () => batch },
    });
    await trainer.run();
    const after = await weightsOf(parameters);
    for (const name of names)
      if (name.startsWith("head.")) expect(after.get(name), name).not.toEqual(before.get(name));
      else expect(after.get(name), name).toEqual(before.get(name));
    expect([...(await trainer.gradients()).keys()]).toEqual(["head.weight", "head.bias"]);
    trainer.close();
  });
});

describe("an optimizer for each parameter", () => {
  const machine = openReference();
  const open = async (optimizer: OptimizerChoice) => {
    const parameters = await createParameters({ machine, layout, seed: 4 });
    const batch = { inputs: { tokens: same, y: [0, 1, 3] }, rows: B, steps: T };
    return openTrainer({
      machine,
      parameters,
      record,
      optimizer,
      epochs: 4,
      batches: { batchesPerEpoch: 1, batch: () => batch },
    });
  };

  test("a training goes on from a snapshot bit for bit, and from that of another choice not at all", async () => {
    const [quick, slow] = [adam(), scaledRate(adam(), 0.1)];
    const optimizer = byParameter((name) =>
      name.startsWith("table") ? frozen() : name.startsWith("head") ? quick : slow,
    );
    const [whole, half] = [await open(optimizer), await open(optimizer)];
    await whole.run();
    for await (const event of half) if (event.type === "epoch" && event.epoch === 2) break;
    const snapshot = await half.snapshot();
    const rest = await open(optimizer);
    await rest.restore(snapshot);
    await rest.run();
    expect(await rest.parameters.toTensors()).toEqual(await whole.parameters.toTensors());
    const other = await open(byParameter((name) => (name.startsWith("head") ? quick : slow)));
    await expect(other.restore(snapshot)).rejects.toMatchObject({
      code: "other-training",
      message: expect.stringContaining('optimizer.table.weight was "frozen", now it is "adam"'),
    });
  });

  test("a rate may wait", async () => {
    const waiting = scaledRate(sgd(), (step) => (step > 2 ? 1 : 0));
    const before = await weightsOf(await createParameters({ machine, layout, seed: 4 }));
    expect((await trained(machine, waiting, 2)).weights).toEqual(before);
    expect((await trained(machine, waiting, 3)).weights).not.toEqual(before);
  });

  test.each<[string, () => unknown, string, RegExp]>([
    [
      "nothing for a parameter",
      () => open(byParameter(() => undefined as never)),
      "bad-option",
      /optimizer of "table.weight": expected what adam\(\), sgd\(\) and others return, or frozen\(\), got nothing/,
    ],
    [
      "an optimizer that was not made",
      () => open(byParameter(() => adam as never)),
      "bad-option",
      /of "table.weight": .*got the function adam/,
    ],
    ["frozen for all", () => open(frozen()), "nothing-to-train", /got frozen\(\) for all of them/],
    ["no function", async () => byParameter(adam() as never), "bad-option", /byParameter: expected a function/],
    [
      "a factor below 0",
      async () => scaledRate(adam(), -1),
      "out-of-range",
      /scaledRate: expected a factor from 0 on, got -1/,
    ],
    [
      "a factor of nothing",
      async () => scaledRate(undefined as never, 1),
      "bad-option",
      /optimizer: expected what adam/,
    ],
  ])("%s is refused", async (_, work, code, message) => {
    await expect((async () => work())()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  test("gradients that nobody keeps are not zeros", async () => {
    const parameters = await createParameters({ machine, layout, seed: 4 });
    await expect(parameters.toTensors("gradients")).rejects.toMatchObject({
      code: "unknown-arena",
      message: expect.stringMatching(/nothing was kept here as "gradients", only parameters; .*gradients\(\)/),
    });
  });
});
