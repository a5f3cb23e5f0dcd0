import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cellText } from "../../src/cells/cell-text.ts";
import { lstm } from "../../src/cells/lstm.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { BidirectionalSpec, CanonicalModel, LayerSpec, RecurrentSpec } from "../../src/formats/canonical.ts";
import { CONTAINERS, convertModel, TARGETS, type Target } from "../../src/formats/convert.ts";
import { Model } from "../../src/formats/open.ts";
import { stateDictOf } from "../../src/formats/pytorch/write-network.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { compareModels, randomInputs } from "../../src/formats/verify.ts";
import { weightsFor } from "../support/random-network.ts";
import { chainOf, fileOf, recurrentSpec } from "./networks.ts";

let machine: SynchronousMachine;
beforeAll(async () => {
  machine = await openMachine("reference");
});
afterAll(() => machine.close());

const sized = { inputSize: 3, hiddenSize: 2 };
/** One recurrent layer as Keras would have it, so that nothing but the option in question stands against its formats. */
const kerasLike = (
  name: "rnn" | "lstm" | "gru",
  options: RecurrentSpec["cell"]["options"] = {},
  more: Partial<RecurrentSpec> = {},
): RecurrentSpec =>
  recurrentSpec({
    cell: { name, options: name === "gru" ? { resetAfter: false, ...options } : options },
    ...{ ...sized, biases: name === "gru" && options.resetAfter === true ? 2 : 1, ...more },
  });
const one = (spec: LayerSpec): CanonicalModel => chainOf([spec], { width: 3 });
const kerasAll = ["keras", "keras-h5", "tfjs"] as const;

const hard = (alpha: number) => ({ gate: { name: "hardSigmoid", alpha, beta: 0.5 } });
const backward: RecurrentSpec = kerasLike("lstm", {}, { reverse: true });
const directions = (change: Partial<RecurrentSpec>): BidirectionalSpec => ({
  ...{ kind: "bidirectional", forward: kerasLike("lstm"), backward: { ...backward, ...change }, merge: "concat" },
});

/** The same cell in both directions. */
const bothWith = (options: RecurrentSpec["cell"]["options"]) => ({
  forward: kerasLike("lstm", options),
  backward: kerasLike("lstm", options, { reverse: true }),
});

// docs/semantics.md §8, and what else would become another function. Each option is on its own; every format that is not named takes it.
const rows: readonly [string, CanonicalModel, Partial<Record<Target, RegExp>>][] = [
  ["nothing unusual", one(kerasLike("lstm")), {}],
  [
    "a GRU that resets before the product",
    one(kerasLike("gru")),
    Object.fromEntries(CONTAINERS.map((to) => [to, /reset gate before the product/])),
  ],
  ["a GRU that resets after it", one(kerasLike("gru", { resetAfter: true })), { tfjs: /resets after the product/ }],
  ...(["peephole", "coupled", "clip"] as const).map((option): (typeof rows)[number] => [
    option,
    one(kerasLike("lstm", { [option]: option === "clip" ? 3 : true })),
    {
      ...Object.fromEntries(CONTAINERS.map((to) => [to, new RegExp(`no option "${option}"`)])),
      ...Object.fromEntries(kerasAll.map((to) => [to, new RegExp(`no ${option}`)])),
    },
  ]),
  [
    "zoneout",
    one(kerasLike("gru", { zoneout: 0.5, resetAfter: true })),
    {
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /no option "zoneout"/])),
      ...Object.fromEntries(kerasAll.map((to) => [to, /no zoneout/])),
    },
  ],
  [
    "a projection",
    one(kerasLike("lstm", { projection: true }, { projectionSize: 1 })),
    Object.fromEntries(kerasAll.map((to) => [to, /no projection/])),
  ],
  [
    "the hard sigmoid of Keras 2 and TensorFlow.js",
    one(kerasLike("lstm", hard(0.2))),
    { keras: /slope 0\.2/, ...Object.fromEntries(CONTAINERS.map((to) => [to, /does not have these activations/])) },
  ],
  [
    "that of Keras 3",
    one(kerasLike("lstm", hard(1 / 6))),
    {
      ...{ "keras-h5": /slope/, tfjs: /slope/ },
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /does not have these activations/])),
    },
  ],
  [
    "two activations in one LSTM",
    one(kerasLike("lstm", { output: { name: "relu" } })),
    {
      ...Object.fromEntries(kerasAll.map((to) => [to, /one activation for candidate and output/])),
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /does not have these activations/])),
    },
  ],
  [
    "two activations that are not PyTorch's",
    one(kerasLike("lstm", { gate: { name: "sigmoid" }, candidate: { name: "relu" }, output: { name: "relu" } })),
    Object.fromEntries(
      CONTAINERS.map((to) => [to, /activations: candidate \{"name":"relu"\}, output \{"name":"relu"\}/]),
    ),
  ],
  ["options that are off, and activations by name", one(kerasLike("lstm", { peephole: false, gate: "sigmoid" })), {}],
  [
    "another cell",
    one(recurrentSpec({ cell: { name: "min-gru" }, ...sized })),
    {
      ...Object.fromEntries(kerasAll.map((to) => [to, /has no cell "min-gru"/])),
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /no module of PyTorch has the cell "min-gru"/])),
    },
  ],
  [
    "a cell of one's own",
    one(recurrentSpec({ cell: { name: "equations", options: { text: "h = tanh(W_h x + U_h h[t-1])" } }, ...sized })),
    {
      ...Object.fromEntries(kerasAll.map((to) => [to, /has no cell of your own.*ONNX has any cell/])),
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /has the cell of your own.*ONNX has any cell/])),
    },
  ],
  [
    "a built-in cell in words of one's own",
    one(recurrentSpec({ cell: { name: "lstm", options: { text: cellText(lstm({ coupled: true })) } }, ...sized })),
    {
      ...Object.fromEntries(kerasAll.map((to) => [to, /has no cell of your own/])),
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /has the cell of your own/])),
    },
  ],
  [
    "all steps from the last to the first, in the order of time",
    one(backward),
    Object.fromEntries(kerasAll.map((to) => [to, /in the order of their computation/])),
  ],
  ["the step computed last, from the last to the first", one({ ...backward, returnSequences: false }), {}],
  [
    "directions the other way round",
    one({ ...directions({}), forward: backward, backward: kerasLike("lstm") }),
    {
      ...{ onnx: /its directions are unusual/ },
      ...Object.fromEntries(kerasAll.map((to) => [to, /from the last to the first/])),
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /first direction is not the one in the order of time/])),
    },
  ],
  [
    "one direction twice",
    one(directions({ reverse: false })),
    {
      ...{ onnx: /its directions are unusual/ },
      ...Object.fromEntries(kerasAll.map((to) => [to, /both directions are the same/])),
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /first direction is not the one in the order of time/])),
    },
  ],
  [
    "a mask of vectors",
    chainOf([{ kind: "masking", value: 0 }, kerasLike("lstm", {}, { maskedOutput: "previous" })], { width: 3 }),
    { onnx: /takes lengths only/, ...Object.fromEntries(CONTAINERS.map((to) => [to, /take lengths .*, not holes/])) },
  ],
  [
    "a mask of tokens",
    chainOf(
      [
        { kind: "embedding", vocabularySize: 5, embeddingSize: 3, maskZero: true },
        kerasLike("lstm", {}, { maskedOutput: "previous" }),
      ],
      { tokens: true },
    ),
    { onnx: /mask_zero/, ...Object.fromEntries(CONTAINERS.map((to) => [to, /token 0 \(mask_zero\).*not holes/])) },
  ],
  [
    "zeros at masked steps",
    chainOf([{ kind: "masking", value: 0 }, kerasLike("lstm")], { width: 3 }),
    {
      ...{ onnx: /takes lengths only/, tfjs: /zeros at masked steps/ },
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /not holes/])),
    },
  ],
  [
    "directions of different width",
    one(directions({ hiddenSize: 4 })),
    {
      ...{ onnx: /different cells, units or biases/, tfjs: /different options/ },
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /two directions have different options/])),
    },
  ],
  [
    "a bias in one direction alone",
    one(directions({ biases: 0 })),
    {
      ...{ onnx: /different cells, units or biases/, tfjs: /different options/ },
      ...Object.fromEntries(CONTAINERS.map((to) => [to, /two directions have different options/])),
    },
  ],
];

describe("what would change the function is refused with the reason, everything else is written", () => {
  test.each(rows)("%s", (_, model, refused) => {
    for (const to of TARGETS) {
      const why = refused[to];
      if (why) expect(() => convertModel(fileOf(model), { to }), to).toThrow(why);
      else expect(convertModel(fileOf(model), { to }).bytes.length, to).toBeGreaterThan(0);
    }
  });

  test.each(["zoneout", "peephole", "clip", "coupled"] as const)(
    "a cell with %s has a form in ONNX, which is said",
    (option) => {
      const spec = kerasLike("lstm", { [option]: { zoneout: 0.5, clip: 3 }[option as string] ?? true });
      for (const to of [...kerasAll, "pytorch"] as const)
        expect(() => convertModel(fileOf(one(spec)), { to }), to).toThrow(/ONNX has any cell/);
    },
  );

  test("an ONNX graph as layers, and as weights unless these are enough", async () => {
    const file = await readModel(convertModel(fileOf(one(kerasLike("lstm"))), { to: "onnx" }).bytes);
    expect(() => convertModel(file, { to: "keras" })).toThrow(/an ONNX graph is operators, not layers/);
    expect(() => convertModel(file, { to: "pytorch" })).toThrow(/--weights-only/);
    const weights = await readModel(convertModel(file, { to: "safetensors", weightsOnly: true }).bytes);
    expect(weights.content.kind).toBe("weights");
  });
});

describe("a state dictionary holds numbers, and what it cannot say is said", () => {
  const embedding: LayerSpec = { kind: "embedding", vocabularySize: 5, embeddingSize: 3, maskZero: true };

  test("of a mask, where the numbers are enough", () => {
    const model = chainOf([embedding, kerasLike("lstm")], { tokens: true });
    const { forward } = convertModel(fileOf(model), { to: "pytorch", weightsOnly: true });
    expect(forward).toEqual([expect.stringMatching(/^"layer0": .*skip steps of token 0 \(mask_zero\)/)]);
  });

  test("of layers that have no numbers, of options, and of how the layers are wired", () => {
    const head: LayerSpec = { kind: "dense", inputSize: 2, outputSize: 3, bias: true, activation: { name: "softmax" } };
    const last = kerasLike("lstm", { recurrentDropout: 0.5 }, { returnSequences: false });
    const chain = convertModel(fileOf(chainOf([{ kind: "permute", order: [1, 2] }, last, head], { width: 3 })), {
      to: "pytorch",
    });
    expect(chain.forward).toEqual([
      '"layer0": permute order=[1,2]',
      '"layer1": go on with the step that it computes last alone',
      '"layer2": apply softmax behind it',
    ]);
    expect(chain.notes).toEqual([
      expect.stringMatching(/second bias is zeros/),
      expect.stringMatching(/recurrent dropout is left out/),
    ]);
    const { nodes, ...rest } = chainOf([head], { width: 2 });
    const twice = [...nodes, { name: "again", layer: "layer0", inputs: ["input"], outputs: ["b"] }];
    const wired = convertModel(fileOf({ ...rest, nodes: twice }), { to: "npz" });
    expect(wired.forward.at(-1)).toBe("call the modules so: value0 = layer0(input); b = layer0(input); return value0");
  });
});

const relu: LayerSpec = { kind: "dense", inputSize: 3, outputSize: 3, bias: true, activation: { name: "relu" } };
const convolution: LayerSpec = {
  ...{ kind: "convolution", inputSize: 3, outputSize: 3, kernelSize: 2, stride: 1, dilation: 1, padding: "valid" },
  ...{ bias: true, activation: { name: "identity" } },
};
const norm = (kind: "layer-norm" | "batch-norm", epsilon: number): LayerSpec => ({ kind, size: 3, axis: -1, epsilon });
const asConv = "give it channels before steps, as nn.Conv1d reads them";
const asNorm = "give it channels before steps, as nn.BatchNorm1d reads them";

test.each<[LayerSpec, readonly string[]]>([
  [
    kerasLike("rnn", { activation: "relu" }, { reverse: true, stateful: true }),
    [
      'make it with nonlinearity="relu"',
      "hand its state on from call to call",
      "turn its input round, it runs from the last step",
    ],
  ],
  [kerasLike("rnn"), []],
  [directions({}), []],
  [
    {
      ...directions({ returnSequences: false }),
      ...{ forward: kerasLike("lstm", {}, { returnSequences: false }), merge: "sum" },
    },
    ["join the two directions by sum", "go on with the step that each direction computes last alone"],
  ],
  [convolution, [asConv]],
  [
    { ...convolution, padding: "same", stride: 2 },
    [asConv, 'pad its steps as "same" in Keras', "make it with stride=2, dilation=1"],
  ],
  [
    { ...convolution, dilation: 2, activation: { name: "tanh" } },
    [asConv, "make it with stride=1, dilation=2", "apply tanh behind it"],
  ],
  [norm("batch-norm", 1e-5), [asNorm]],
  [norm("batch-norm", 0.25), [asNorm, "make it with eps=0.25"]],
  [norm("layer-norm", 1e-5), []],
  [norm("layer-norm", 0.25), ["make it with eps=0.25"]],
  [{ kind: "time-distributed", layer: relu }, ["apply relu behind it"]],
  [{ ...relu, activation: { name: "identity" } }, []],
  [{ kind: "activation", activation: { name: "leakyRelu", alpha: 0.25 } }, ["apply leakyRelu alpha=0.25"]],
  [{ kind: "dropout", rate: 0.5, per: "step" }, []],
  [{ kind: "identity" }, []],
  [{ kind: "flatten" }, ["flatten"]],
  [{ kind: "pooling", of: "max", window: "global" }, ['pooling of="max" window="global"']],
])("what `forward` has to do for %j", (spec, words) => {
  expect(stateDictOf(one(spec)).forward).toEqual(words.map((word) => `"layer0": ${word}`));
});

test("layers of one form are those of one module, which has two biases", () => {
  const named = (specs: readonly LayerSpec[]): CanonicalModel => {
    const { layers, nodes, weights, ...model } = chainOf(specs, { width: 3 });
    const own = (name: string): string => name.replace("layer", "r.");
    return {
      ...model,
      layers: new Map([...layers].map(([name, spec]) => [own(name), spec])),
      nodes: nodes.map((node) => ({ ...node, layer: own(node.layer) })),
      weights: new Map([...weights].map(([name, tensor]) => [own(name), tensor])),
    };
  };
  const lstm = (inputSize: number, more: Partial<RecurrentSpec> = {}) =>
    recurrentSpec({ cell: { name: "lstm" }, inputSize, hiddenSize: 2, ...more });
  const names = (...specs: LayerSpec[]): string[] => [...stateDictOf(named(specs)).tensors.keys()];
  const matrices = (...specs: LayerSpec[]): string[] => names(...specs).filter((name) => name.includes("weight_ih"));
  expect(matrices(lstm(3), lstm(2))).toEqual(["r.weight_ih_l0", "r.weight_ih_l1"]);
  const both = (inputSize: number): LayerSpec => ({
    ...{ kind: "bidirectional", merge: "concat" },
    ...{ forward: lstm(inputSize), backward: lstm(inputSize, { reverse: true }) },
  });
  expect(matrices(both(3), both(4))).toEqual(["l0", "l0_reverse", "l1", "l1_reverse"].map((l) => `r.weight_ih_${l}`));
  const apart = ["r.0.weight_ih_l0", "r.1.weight_ih_l0"];
  expect(matrices(lstm(3), lstm(3))).toEqual(apart);
  expect(matrices(lstm(3), lstm(2, { hiddenSize: 3 }))).toEqual(apart);
  expect(matrices(lstm(3), lstm(2, { biases: 0 }))).toEqual(apart);
  expect(matrices(lstm(3), lstm(2), lstm(3))).toEqual([...apart, "r.2.weight_ih_l0"]);
  expect(matrices(lstm(3))).toEqual(["r.0.weight_ih_l0"]);
  const { tensors, training } = stateDictOf(one(lstm(3, { biases: 1 })));
  expect(tensors.get("layer0.bias_hh_l0")).toEqual({ shape: [8], data: new Float32Array(8) });
  expect(training).toEqual([expect.stringMatching(/^"layer0": its second bias is zeros/)]);
  expect(stateDictOf(one(lstm(3))).training).toEqual([]);
});

/** As ONNX a network is the same function, read again. */
async function expectSameAsOnnx(network: CanonicalModel): Promise<void> {
  const file = fileOf(network);
  using a = new Model(file, { machine });
  using b = new Model(await readModel(convertModel(file, { to: "onnx" }).bytes), { machine });
  for (const { difference } of await compareModels(a, b, await randomInputs(a))) expect(difference).toBeLessThan(1e-6);
}

test("dropout inside a cell is training's alone: the function is the same as ONNX", () =>
  expectSameAsOnnx(one(kerasLike("gru", { recurrentDropout: 0.5 }))));

test.each([
  ["zoneout", kerasLike("lstm", { zoneout: 0.25 }, { reverse: true, returnSequences: false, returnState: false })],
  ["a projection", kerasLike("lstm", { projection: true }, { projectionSize: 1, biases: 2 })],
  ["an activation of no operator", kerasLike("gru", { candidate: "mish" }, { independent: true })],
  ["normalized layers", recurrentSpec({ cell: { name: "layer-norm-lstm" }, ...sized })],
  ["two directions", { ...directions({}), ...bothWith({ zoneout: 0.5 }) }],
] as const)("a cell that is a scan in ONNX stays the same: %s", (_, spec) => expectSameAsOnnx(one(spec)));

test.each<LayerSpec>([
  { ...relu, bias: false, activation: { name: "softmax" } },
  { kind: "activation", activation: { name: "logSoftmax" } },
  { ...convolution, bias: false },
  { ...convolution, dilation: 2, stride: 2 },
  { kind: "pooling", of: "max", window: { size: 2, stride: 2, padding: "valid" } },
  { kind: "pooling", of: "mean", window: { size: 2, stride: 1, padding: "valid" } },
  { kind: "dropout", rate: 0.5, per: "step" },
])("a layer stays the same as ONNX: %j", (spec) => expectSameAsOnnx(one(spec)));

test("states that a node gives to another go over in their order, of both directions too", async () => {
  const returned = { returnState: true };
  const both = (name: "lstm" | "gru", inputSize: number, merge: BidirectionalSpec["merge"]): BidirectionalSpec => {
    const own = { cell: { name }, inputSize, hiddenSize: 2, ...(merge === "separate" && returned) };
    return {
      ...{ kind: "bidirectional", merge },
      ...{ forward: recurrentSpec(own), backward: recurrentSpec({ ...own, reverse: true }) },
    };
  };
  const layers = new Map<string, LayerSpec>([
    ["encoder", both("lstm", 3, "separate")],
    ["one", recurrentSpec({ cell: { name: "lstm" }, inputSize: 2, hiddenSize: 2, ...returned })],
    ["decoder", both("lstm", 2, "ave")],
    ["apart", both("gru", 2, "separate")],
  ]);
  const model: CanonicalModel = {
    name: "states",
    inputs: [{ name: "input", type: "float", shape: [null, 3] }],
    ...{ layers, weights: weightsFor(layers, 3) },
    nodes: [
      { name: "encoder", layer: "encoder", inputs: ["input"], outputs: ["f", "b", "fh", "fc", "bh", "bc"] },
      { name: "one", layer: "one", inputs: ["b", "bc", "fh"], outputs: ["y", "h", "c"] },
      { name: "decoder", layer: "decoder", inputs: ["y", "bh", "c", "h", "fc"], outputs: ["d"] },
      { name: "apart", layer: "apart", inputs: ["d"], outputs: ["u", "v", "uh", "vh"] },
    ],
    outputs: ["d", "u", "v", "uh", "vh", "c"].map((value) => ({ name: value, value })),
  };
  await expectSameAsOnnx(model);
  const graph = await readModel(convertModel(fileOf(model), { to: "onnx" }).bytes);
  using program = new Model(graph, { machine });
  const own = ["encoder.forward.h", "encoder.forward.c", "encoder.backward.h", "encoder.backward.c"];
  expect(program.inputs.map(({ name, shape }) => [name, shape])).toEqual([
    ["input", ["batch", "time", 3]],
    ...[...own, "apart.forward.h", "apart.backward.h"].map((name) => [name, ["batch", 2]]),
  ]);
});

test("a normalization over another axis than the last is refused, also counted from the end", () => {
  const over = (axis: number) => fileOf(one({ kind: "layer-norm", size: 3, axis, epsilon: 1e-3 }));
  for (const axis of [1, -2])
    expect(() => convertModel(over(axis), { to: "onnx" })).toThrow(
      expect.objectContaining({ code: "not-convertible", message: expect.stringContaining(`over axis ${axis}`) }),
    );
  for (const axis of [2, -1]) expect(convertModel(over(axis), { to: "onnx" }).bytes.length).toBeGreaterThan(0);
});
