import { expect, test } from "vitest";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { modulesOf } from "../../src/formats/pytorch/modules.ts";
import { networkOfStateDict } from "../../src/formats/pytorch/network.ts";
import { multipliedOut } from "../../src/formats/pytorch/reparametrized.ts";
import { size } from "../../src/shared/shapes.ts";

const tensor = (...shape: number[]) => safeTensor("F32", shape, new Float32Array(size(shape)).fill(2));
const named = (...names: string[]) => new Map(names.map((name) => [name, tensor(1)]));

test.each<[string, string[], string[]]>([
  ["a module alone", ["weight_ih_l0", "bias_ih_l0"], [": weight_ih_l0, bias_ih_l0"]],
  ["a module by name", ["lstm.weight_ih_l0", "lstm.bias_ih_l0"], ["lstm: weight_ih_l0, bias_ih_l0"]],
  ["modules in others", ["net.a.b.weight", "net.a.c.weight"], ["b: weight", "c: weight"]],
  ["an optimizer beside them", ["rnn.weight", "head.weight", "optimizer.0.exp_avg"], ["rnn: weight", "head: weight"]],
  ["a state dictionary", ["net_state_dict.rnn.weight", "best", "mean.x"], ["rnn: weight"]],
  ["two of them", ["a_state_dict.x.w", "b_state_dict.x.w", "c.x.w"], ["a_state_dict.x: w", "b_state_dict.x: w"]],
])("modules of %s", (_, names, modules) => {
  expect(modulesOf(named(...names)).map(({ path, tensors }) => `${path}: ${[...tensors.keys()].join(", ")}`)).toEqual(
    modules,
  );
});

test("tensors that only have the names of two that make a weight stay as they are", async () => {
  for (const given of [
    new Map([["w_g", tensor(2)]]),
    new Map([
      ["w_v", tensor(2)],
      ["w_g", tensor(2)],
    ]),
    new Map([
      ["w_v", tensor(1)],
      ["w_g", tensor(1)],
    ]),
    new Map([
      ["w_v", tensor(2, 2)],
      ["w_g", tensor(3, 1)],
    ]),
    new Map([
      ["w_mask", tensor(2)],
      ["w_orig", tensor(2, 1)],
    ]),
    new Map([
      ["w", tensor(2)],
      ["w_mask", tensor(2)],
      ["w_orig", tensor(2)],
    ]),
  ])
    expect(await multipliedOut(given)).toEqual(given);
  const made = await multipliedOut(
    new Map([
      ["a", tensor(1)],
      ["w_mask", tensor(2)],
      ["w_orig", tensor(2)],
      ["b", tensor(1)],
    ]),
  );
  expect([...made.keys()]).toEqual(["a", "w", "b"]);
});

type Shapes = Readonly<Record<string, readonly number[]>>;
const stateDict = (shapes: Shapes) =>
  new Map(Object.entries(shapes).map(([name, shape]) => [name, tensor(...shape)] as const));
const gru = (name: string, reads: number, gives: number): Shapes => ({
  [`${name}.weight_ih_l0`]: [3 * gives, reads],
  [`${name}.weight_hh_l0`]: [3 * gives, gives],
});
const linear = (name: string, reads: number, gives: number): Shapes => ({
  [`${name}.weight`]: [gives, reads],
  [`${name}.bias`]: [gives],
});

test.each<[string, Shapes, string[], string]>([
  ["as they stand", { ...gru("b", 2, 3), ...gru("a", 3, 3), ...linear("c", 3, 2) }, ["b", "a", "c"], "input"],
  [
    "sorted by name",
    { ...linear("fc", 5, 2), ...gru("rnn", 4, 5), "word_emb.weight": [9, 4] },
    ["word_emb", "rnn", "fc"],
    "tokens",
  ],
  ["of seven modules", { ...linear("a", 7, 9), ...chain("bcdefg") }, [..."bcdefg", "a"], "input"],
  ["a matrix first of all", { "table.weight": [9, 4], ...gru("rnn", 4, 5) }, ["table", "rnn"], "tokens"],
  ["a linear layer first", { ...linear("a", 2, 4), ...gru("b", 4, 3), ...linear("c", 3, 5) }, ["a", "b", "c"], "input"],
  ["layer normalization", { ...gru("rnn", 4, 5), "n.weight": [5], "n.bias": [5] }, ["rnn", "n"], "input"],
])("a network whose modules are %s", (_, shapes, order, input) => {
  const { network } = networkOfStateDict(stateDict(shapes));
  expect(network.nodes.map(({ name }) => name)).toEqual(order);
  expect(network.nodes.map(({ inputs }) => inputs[0])).toEqual([
    input,
    ...order.slice(0, -1).map((n) => `${n} output`),
  ]);
  expect(network.outputs).toEqual([{ name: "output", value: `${order.at(-1)} output` }]);
});

/** As safetensors has it. */
const byName = (shapes: Shapes): Shapes =>
  Object.fromEntries(Object.entries(shapes).sort(([a], [b]) => (a < b ? -1 : 1)));

test("names in their order do not say which module reads which: of what fits in several orders the linear layer is the last", () => {
  const square = { "embedding.weight": [4, 4], ...linear("head", 4, 4), ...gru("rnn", 4, 4) };
  const layersOf = (shapes: Shapes) => [...networkOfStateDict(stateDict(shapes)).network.layers.keys()];
  expect(layersOf(square)).toEqual(["embedding", "head", "rnn"]);
  expect(layersOf(byName(square))).toEqual(["embedding", "rnn", "head"]);
  // One number in, one out: also the other way round it would fit.
  const series = { ...gru("lstm", 1, 4), ...linear("fc", 4, 1) };
  for (const shapes of [series, byName(series)]) expect(layersOf(shapes)).toEqual(["lstm", "fc"]);
  const told = (shapes: Shapes) => networkOfStateDict(stateDict(shapes)).conventions.join();
  expect(told(byName(series))).toMatch(/names are sorted.* the linear layer is taken for the last/);
  expect(told(series)).not.toMatch(/sorted/);
  const between = byName({ ...gru("a", 4, 4), "c.weight": [4], "c.bias": [4], ...gru("d", 4, 4) });
  expect(() => layersOf(between)).toThrow(/its modules fit together in several orders/);
  // Of one kind they are taken as they stand.
  const same = byName({ ...gru("rnn1", 4, 4), ...gru("rnn2", 4, 4), ...linear("z", 4, 3) });
  expect([...networkOfStateDict(stateDict(same)).network.layers.keys()]).toEqual(["rnn1", "rnn2", "z"]);
});

/** Recurrent modules that each read one number more than the one before. */
function chain(names: string): Shapes {
  return Object.assign({}, ...[...names].map((name, k) => gru(name, k + 1, k + 2)));
}

test.each<[string, Shapes, string]>([
  ["nothing recurrent", linear("fc", 2, 3), "none of its modules is an nn.RNN, nn.LSTM or nn.GRU"],
  [
    "widths that do not fit",
    { ...gru("rnn", 2, 3), ...linear("fc", 4, 1) },
    '"fc" reads 4 numbers, "rnn" before it gives 3',
  ],
  ["two orders", { ...linear("fc", 3, 2), ...gru("a", 3, 3), ...gru("b", 3, 3) }, "fit together in several orders"],
  [
    "eight modules in another order",
    { ...linear("a", 8, 9), ...chain("bcdefgh") },
    '"b" reads 1 numbers, "a" before it gives 9',
  ],
  ["half a recurrent module", { "r.weight_ih_l0": [3, 2] }, '"r" has no weight_hh_l0'],
  ["a flat matrix", { "r.weight_ih_l0": [3] }, '"r.weight_ih_l0" has shape [3]'],
  ["a recurrent module and more", { ...gru("r", 2, 3), "r.h": [3] }, '"r" is a recurrent module with a tensor "h"'],
  [
    "a cell of five gates",
    { "r.weight_ih_l0": [15, 2], "r.weight_hh_l0": [15, 3] },
    '"r.weight_ih_l0" has 15 rows for 3 units: 1, 3 or 4 times as many are expected',
  ],
  ["a GRU that projects", { ...gru("r", 2, 3), "r.weight_hr_l0": [1, 3] }, '"r.weight_ih_l0" has 9 rows for 3 units'],
  [
    "a layer that is missing",
    { ...gru("r", 2, 3), "r.weight_ih_l3": [9, 3] },
    '"r" has a layer 3 but not those before it',
  ],
  [
    "linear layers in a row",
    { ...gru("rnn", 2, 3), ...linear("fc1", 3, 4), ...linear("fc2", 4, 1) },
    'what stands between the linear layers "fc1" and "fc2" is code of the model',
  ],
  [
    "tables one after the other",
    { ...gru("rnn", 4, 3), "emb1.weight": [9, 4], "emb2.weight": [9, 4] },
    "is an embedding behind",
  ],
  [
    "a module that is not known",
    { ...gru("rnn", 2, 3), ...linear("bn", 3, 3), "bn.running_mean": [3] },
    '"bn" holds weight, bias, running_mean, which is no module known here',
  ],
  ["a gain without an offset", { ...gru("rnn", 2, 3), "norm.weight": [3] }, '"norm" has a weight of shape [3]'],
  [
    "an offset of another width",
    { ...gru("rnn", 2, 3), "n.weight": [3], "n.bias": [2] },
    '"n" has a weight of shape [3]',
  ],
  ["a kernel", { ...gru("rnn", 2, 3), "conv.weight": [3, 3, 1] }, '"conv" has a weight of shape [3, 3, 1]'],
])("a network of %s is not guessed", (_, shapes, message) => {
  expect(() => networkOfStateDict(stateDict(shapes))).toThrow(message);
});

/** An nn.RNN or nn.LSTM of two directions, layer by layer, without a name. */
const stacked = (gates: number, widths: readonly number[], hidden: number, projection = hidden): Shapes =>
  Object.fromEntries(
    widths.flatMap((width, layer) =>
      [`l${layer}`, `l${layer}_reverse`].flatMap((suffix) => [
        [`weight_ih_${suffix}`, [gates * hidden, width]],
        [`weight_hh_${suffix}`, [gates * hidden, projection]],
        ...(projection === hidden ? [] : [[`weight_hr_${suffix}`, [projection, hidden]]]),
        ...["ih", "hh"].map((bias) => [`bias_${bias}_${suffix}`, [gates * hidden]]),
      ]),
    ),
  );
const recurrent = {
  ...{ kind: "recurrent", outputOrder: "time", returnSequences: true, returnState: false, stateful: false },
  ...{ maskedOutput: "zero", biases: 2, reverse: false },
};

test("a stack of both directions with projections is a layer for each of its own", () => {
  const { network, conventions } = networkOfStateDict(stateDict(stacked(4, [3, 2], 2, 1)));
  const one = (inputSize: number, reverse: boolean) => ({
    ...{ ...recurrent, cell: { name: "lstm", options: { projection: true } } },
    ...{ inputSize, hiddenSize: 2, projectionSize: 1, reverse },
  });
  const both = (width: number) => ({
    ...{ kind: "bidirectional", merge: "concat" },
    ...{ forward: one(width, false), backward: one(width, true) },
  });
  expect([...network.layers]).toEqual([
    ["rnn.0", both(3)],
    ["rnn.1", both(2)],
  ]);
  expect(network.inputs).toEqual([{ name: "input", type: "float", shape: [null, 3] }]);
  expect(network.weights.get("rnn.1.weight_hr_l0_reverse")!.shape).toEqual([1, 2]);
  expect(conventions).toHaveLength(2);
});

test("what shapes do not say is assumed, and said", () => {
  const shapes = {
    "emb.weight": [9, 3],
    "r.weight_ih_l0": [2, 3],
    "r.weight_hh_l0": [2, 2],
    "n.weight": [2],
    "n.bias": [2],
  };
  const read = (options = {}) => {
    const { network, conventions } = networkOfStateDict(stateDict(shapes), options);
    return { network, said: conventions.slice(2), rnn: network.layers.get("r") };
  };
  const { network, said, rnn } = read();
  expect(said).toEqual([
    '"emb", a matrix without bias before all others, is an embedding',
    '"r" is an nn.RNN with tanh, PyTorch\'s default; the file would not say relu',
    "layer normalization with ε = 1e-5, PyTorch's default",
  ]);
  const plain = { ...recurrent, cell: { name: "rnn" }, inputSize: 3, hiddenSize: 2, biases: 0 };
  expect(rnn).toEqual(plain);
  expect(network.layers.get("emb")).toEqual({
    ...{ kind: "embedding", vocabularySize: 9, embeddingSize: 3, maskZero: false },
  });
  expect(network.layers.get("n")).toEqual({ kind: "layer-norm", size: 2, axis: -1, epsilon: 1e-5 });
  expect(network.inputs).toEqual([{ name: "tokens", type: "int", shape: [null] }]);
  const relu = { name: "rnn", options: { activation: "relu" } };
  for (const options of [{ nonlinearity: "relu" }, { cell: relu }]) {
    expect(read(options).rnn).toEqual({ ...plain, cell: relu });
    expect(read(options).said).toHaveLength(2);
  }
  expect(read({ nonlinearity: "tanh" }).said).toHaveLength(2);
  const others = networkOfStateDict(stateDict(gru("g", 2, 3)), { nonlinearity: "relu" }).network;
  expect(others.layers.get("g")).toMatchObject({ cell: { name: "gru" } });
  const unnamed = networkOfStateDict(stateDict({ weight_ih_l0: [2, 3], weight_hh_l0: [2, 2] }));
  expect(unnamed.conventions.at(-1)).toMatch(/^"rnn" is an nn.RNN/);
});
