import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { BidirectionalSpec, CanonicalModel, LayerSpec, RecurrentSpec } from "../../src/formats/canonical.ts";
import { CONTAINERS, convertModel, TARGETS, type Target } from "../../src/formats/convert.ts";
import { Model } from "../../src/formats/open.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { compareModels, randomInputs } from "../../src/formats/verify.ts";
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

test("a normalization over another axis than the last is refused, also counted from the end", () => {
  const over = (axis: number) => fileOf(one({ kind: "layer-norm", size: 3, axis, epsilon: 1e-3 }));
  for (const axis of [1, -2])
    expect(() => convertModel(over(axis), { to: "onnx" })).toThrow(
      expect.objectContaining({ code: "not-convertible", message: expect.stringContaining(`over axis ${axis}`) }),
    );
  for (const axis of [2, -1]) expect(convertModel(over(axis), { to: "onnx" }).bytes.length).toBeGreaterThan(0);
});
