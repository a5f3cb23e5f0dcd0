import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import { openWasm } from "../../src/compute/wasm/machine.ts";
import type { Batch } from "../../src/data/batch-source.ts";
import { type Embedding, embedding } from "../../src/layers/embedding.ts";
import { linear } from "../../src/layers/linear.ts";
import { meanSquaredError } from "../../src/losses/mean-squared-error.ts";
import { variable } from "../../src/math/expression.ts";
import { adagrad } from "../../src/optimizers/adagrad.ts";
import { adam, adamW } from "../../src/optimizers/adam.ts";
import type { Optimizer } from "../../src/optimizers/define.ts";
import { sgd } from "../../src/optimizers/sgd.ts";
import { createMoments, momentArena, updateParameters } from "../../src/optimizers/update.ts";
import { add } from "../../src/tensor/arithmetic.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { concatenate, pointwise, reshape, sumAll } from "../../src/tensor/operations.ts";
import { type HasParameters, layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters, type ParameterStore } from "../../src/tensor/parameter-store.ts";
import { pick } from "../../src/tensor/pick.ts";
import { openLearner } from "../../src/train/learner.ts";

/** Rows of 24 numbers lie in one block of 128, or in two. */
const [V, C, T] = [61, 24, 3];
const [RATE, CLIP] = [0.05, 0.01];

interface Network extends HasParameters {
  forward(tokens: Tensor): Tensor;
}

const table = (paddingIndex?: number): Embedding =>
  embedding({ vocabularySize: V, embeddingSize: C, ...(paddingIndex !== undefined && { paddingIndex }) });

/** By what reaches the gradients of the tables. */
const networks: Record<string, () => Network> = {
  "one table and a head": () => {
    const [first, head] = [table(), linear({ inputSize: C, outputSize: 5 })];
    return { parts: { first, head }, forward: (tokens) => head.forward(first.forward(tokens)) };
  },
  "tables beside one another, one with a row that learns nothing": () => {
    const [first, second, head] = [table(3), table(), linear({ inputSize: 2 * C, outputSize: 5 })];
    return {
      parts: { first, second, head },
      forward: (tokens) =>
        head.forward(concatenate([first.forward(tokens), second.forward(tokens)], tokens.shape.length)),
    };
  },
  "a table that is read twice": () => {
    const [first, head] = [table(), linear({ inputSize: C, outputSize: 5 })];
    return {
      parts: { first, head },
      forward: (tokens) => head.forward(add(first.forward(tokens), first.forward(tokens))),
    };
  },
  "a table that is the head, too": () => {
    const first = table();
    const head = linear({ inputSize: C, outputSize: V, weight: first.weight });
    return { parts: { first, head }, forward: (tokens) => head.forward(first.forward(tokens)) };
  },
  "a table that numbers are picked from, too": () => {
    const [first, head] = [table(), linear({ inputSize: C, outputSize: 5 })];
    const forward = (tokens: Tensor): Tensor => {
      const { graph } = tokens;
      const columns = Float64Array.from({ length: V }, (_, k) => (k * k) % C);
      const chosen = pointwise({ k: graph.constant([V, 1], columns) }, variable("k"), { type: "int" });
      const picked = pick(graph.parameter(first.weight), chosen);
      const y = head.forward(first.forward(tokens));
      return add(y, reshape(sumAll({ picked }, variable("picked")), [1, 1, 1]));
    };
    return { parts: { first, head }, forward };
  },
  "a table that nothing reads": () => {
    const [first, unread, head] = [table(), table(), linear({ inputSize: C, outputSize: 5 })];
    return { parts: { first, unread, head }, forward: (tokens) => head.forward(first.forward(tokens)) };
  },
};

const optimizers: Record<string, () => Optimizer> = {
  adam: () => adam(),
  "lazy adam": () => adam({ lazy: true }),
  adamW: () => adamW(),
  sgd: () => sgd(),
  "sgd with momentum": () => sgd({ momentum: 0.9 }),
  "sgd with weight decay": () => sgd({ weightDecay: 0.1 }),
  adagrad: () => adagrad(),
};

/** Other tokens at every step, in batches of two shapes; most rows never come. */
const batches: Batch[] = [4, 4, 2, 4, 2, 2].map((rows, step) => ({
  rows,
  inputs: { tokens: Int32Array.from({ length: T * rows }, (_, k) => (7 * step + k * k) % 30) },
}));

function loss(network: Network, graph: Graph, { rows }: Batch): Tensor {
  const y = network.forward(graph.input("tokens", [T, rows], { type: "int", below: V }));
  return meanSquaredError(
    y,
    graph.constant(
      y.shape,
      Float32Array.from({ length: y.range.length }, (_, k) => k % 3),
    ),
  );
}

const make = (machine: Machine, network: Network): Promise<ParameterStore> =>
  createParameters({ machine, layout: layoutParameters(network) });

async function learned(store: ParameterStore, optimizer: Optimizer) {
  const arenas = ["parameters", ...Object.keys(optimizer.moments).map(momentArena)];
  const tensors = await Promise.all(arenas.map((arena) => store.toTensors(arena)));
  return tensors.flatMap((named) => [...named.values()].map(({ data }) => Array.from(data)));
}

/** What a plan without any knowledge of rows learns. */
async function whole(machine: Machine, network: Network, optimizer: Optimizer, clipNorm: number) {
  const store = await make(machine, network);
  createMoments(store, optimizer);
  store.arena("gradients");
  for (const [step, batch] of batches.entries()) {
    const graph = new Graph({ machine, parameters: store.layout, training: true });
    graph.backward([[loss(network, graph, batch), 1]]);
    const update = updateParameters(graph, optimizer, { clipNorm });
    const plan = await compile(graph, { machine, arenas: store.arenas });
    plan.write("tokens", batch.inputs.tokens!);
    plan.run(update.scalars(step + 1, RATE));
    plan.close();
  }
  const result = await learned(store, optimizer);
  store.close();
  return result;
}

async function byRows(machine: Machine, network: Network, optimizer: Optimizer, clipNorm: number) {
  const parameters = await make(machine, network);
  const record = (graph: Graph, batch: Batch) => ({ loss: loss(network, graph, batch) });
  const learner = await openLearner({ machine, parameters, optimizer, clipNorm, record });
  for (const [step, batch] of batches.entries()) await learner.learn([batch], step + 1, RATE);
  const result = await learned(parameters, optimizer);
  const { launches } = (await learner.plan(batches[0]!)).graph.finish();
  learner.close();
  parameters.close();
  return { result, launches };
}

const everything = { launch: 0, plan: 0 };
const machines: Record<string, () => Promise<Machine>> = {
  "the reference machine": () => openMachine("reference"),
  "one thread": () => openWasm({ threads: 1 }, everything),
  "two threads": () => openWasm({ threads: 2 }, everything),
  "three threads": () => openWasm({ threads: 3 }, everything),
  "wide registers": () => openWasm({ threads: 1, wide: true }, everything),
  "no fused arithmetic": () => openWasm({ threads: 2, fused: false }, everything),
};

describe.each(Object.keys(machines))("gradients of tables row by row, %s", (name) => {
  let machine: Machine;
  beforeAll(async () => {
    machine = await machines[name]!();
  });
  afterAll(() => machine.close());

  test.each(Object.keys(networks))("%s: the bits of whole gradients", async (title) => {
    for (const clipNorm of [CLIP, 1e9]) {
      const [network, optimizer] = [networks[title]!(), adam()];
      const { result } = await byRows(machine, network, optimizer, clipNorm);
      expect(result).toEqual(await whole(machine, network, optimizer, clipNorm));
    }
  });

  test.each(Object.keys(optimizers))("%s: the bits of whole gradients", async (title) => {
    const [network, optimizer] = [networks["one table and a head"]!(), optimizers[title]!()];
    const { result } = await byRows(machine, network, optimizer, CLIP);
    expect(result).toEqual(await whole(machine, network, optimizer, CLIP));
  });
});

test("a gradient that is no number leaves all rows alone, also those that rest", async () => {
  const machine = await openMachine("wasm");
  const network = networks["one table and a head"]!();
  const parameters = await make(machine, network);
  const optimizer = sgd();
  const record = (graph: Graph, batch: Batch) => ({
    loss: loss(network, graph, batch),
    penalty: graph.input("penalty", []),
  });
  const learner = await openLearner({ machine, parameters, optimizer, record });
  const before = await learned(parameters, optimizer);
  parameters.write("head.bias", [Number.NaN, 0, 0, 0, 0]);
  const batch = { ...batches[0]!, inputs: { ...batches[0]!.inputs, penalty: [0] } };
  expect((await learner.learn([batch], 1, RATE)).skipped).toBe(1);
  parameters.write("head.bias", before.at(-1)!);
  expect(await learned(parameters, optimizer)).toEqual(before);
  learner.close();
  machine.close();
});

test("only rows that came are cleared and noted; a table that is the head as well is noted whole", async () => {
  const machine = await openMachine("wasm");
  const opened = async (title: string) => byRows(machine, networks[title]!(), adam(), 1);
  const scatters = async (title: string) =>
    (await opened(title)).launches.flatMap(({ kernel, operands }) =>
      kernel.op === "scatterAdd" ? [{ noted: kernel.touched !== undefined, words: operands.touched?.length }] : [],
    );
  expect(await scatters("one table and a head")).toEqual([{ noted: true, words: 12 }]);
  expect(await scatters("a table that is read twice")).toHaveLength(2);
  // Ones for the words of all that is written whole.
  const filled = (await opened("a table that is the head, too")).launches.filter(
    ({ kernel, operands }) => kernel.op === "pointwise" && operands.out?.arena === "touched",
  );
  expect(filled.map(({ operands }) => operands.out!.length)).toEqual([12]);
  machine.close();
});
