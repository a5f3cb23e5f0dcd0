import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { readSafetensors, writeSafetensors } from "../../src/checkpoint/safetensors.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { BidirectionalSpec, CanonicalModel, LayerSpec, RecurrentSpec } from "../../src/formats/canonical.ts";
import { convertModel } from "../../src/formats/convert.ts";
import type { ModelFile } from "../../src/formats/model-file.ts";
import { Model, open } from "../../src/formats/open.ts";
import { writePyTorch } from "../../src/formats/pytorch/write.ts";
import { readModel } from "../../src/formats/read-model.ts";
import { exportModel, save } from "../../src/formats/save.ts";
import { compareModels, randomInputs } from "../../src/formats/verify.ts";
import { RandomStream } from "../../src/shared/random.ts";
import { size } from "../../src/shared/shapes.ts";
import { difference } from "../support/difference.ts";
import { onnxRuntime } from "../support/onnxruntime.ts";
import { chainOf, fileOf, recurrentSpec } from "./networks.ts";

let machine: SynchronousMachine;
beforeAll(async () => {
  machine = await openMachine("reference");
});
afterAll(() => machine.close());

async function expectSame(a: ModelFile, b: ModelFile, tolerance = 1e-6): Promise<void> {
  const [one, other] = [new Model(a, { machine }), new Model(b, { machine })];
  for (const c of await compareModels(one, other, await randomInputs(one)))
    expect(c.difference).toBeLessThanOrEqual(tolerance);
  one.close();
  other.close();
}

async function expectRuntime(file: ModelFile, bytes: Uint8Array): Promise<void> {
  const model = new Model(file, { machine });
  const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const inputs = await randomInputs(model);
  const ours = await model.run(inputs);
  const given = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]) => {
      const whole = model.inputs.find((port) => port.name === name)!.type === "int64";
      const numbers = whole ? BigInt64Array.from(Array.from(data, BigInt)) : Float32Array.from(data);
      return [name, new onnxRuntime!.Tensor(whole ? "int64" : "float32", numbers, shape)];
    }),
  );
  const theirs = await session.run(given);
  for (const [name, { data }] of Object.entries(ours))
    expect(difference(Array.from(theirs[name]!.data as Float32Array), data), name).toBeLessThanOrEqual(1e-5);
  await session.release();
  model.close();
}

const cells = fc.constantFrom<RecurrentSpec["cell"][]>(
  { name: "lstm" },
  { name: "gru" },
  { name: "rnn" },
  { name: "rnn", options: { activation: "relu" } },
  { name: "gru", options: { resetAfter: false } },
  { name: "lstm", options: { gate: { name: "hardSigmoid", alpha: 0.2, beta: 0.5 } } },
);
/** Widths follow from layer to layer, so the layers are drawn as functions of their input's width. */
const layer = fc.record({
  kind: fc.constantFrom("recurrent", "bidirectional", "dense", "convolution", "pooling", "norm", "activation"),
  cell: cells,
  width: fc.integer({ min: 1, max: 4 }),
  biases: fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2),
  reverse: fc.boolean(),
  order: fc.constantFrom<RecurrentSpec["outputOrder"][]>("time", "computed"),
  merge: fc.constantFrom<BidirectionalSpec["merge"][]>("concat", "sum", "mul", "ave"),
  activation: fc.constantFrom("identity", "relu", "tanh", "softmax", "gelu", "elu", "softplus", "silu"),
});
const architectures = fc.record({
  tokens: fc.boolean(),
  layers: fc.array(layer, { minLength: 1, maxLength: 3 }),
  last: fc.record({ cell: cells, sequences: fc.boolean(), reverse: fc.boolean() }),
});

function built({
  tokens,
  layers,
  last,
}: typeof architectures extends fc.Arbitrary<infer T> ? T : never): CanonicalModel {
  let width = 3;
  const specs: LayerSpec[] = tokens
    ? [{ kind: "embedding", vocabularySize: 5, embeddingSize: width, maskZero: false }]
    : [];
  for (const l of layers) {
    const activation = { name: l.activation };
    const biases = l.cell.name === "gru" && l.cell.options === undefined && l.biases === 1 ? 2 : l.biases;
    const one = (reverse: boolean) =>
      recurrentSpec({ cell: l.cell, inputSize: width, hiddenSize: l.width, biases, reverse, outputOrder: l.order });
    if (l.kind === "recurrent") specs.push(one(l.reverse));
    else if (l.kind === "bidirectional")
      specs.push({ kind: "bidirectional", forward: one(false), backward: one(true), merge: l.merge });
    else if (l.kind === "dense")
      specs.push({ kind: "dense", inputSize: width, outputSize: l.width, bias: l.reverse, activation });
    else if (l.kind === "convolution") {
      const padding = (["same", "causal", "valid"] as const)[l.biases]!;
      const shape = { kernelSize: 2, stride: 1, dilation: 1 };
      specs.push({
        kind: "convolution",
        inputSize: width,
        outputSize: l.width,
        ...shape,
        padding,
        bias: true,
        activation,
      });
    } else if (l.kind === "pooling")
      specs.push({
        kind: "pooling",
        of: l.reverse ? "max" : "mean",
        window: { size: 2, stride: 1, padding: "same" },
      });
    else if (l.kind === "norm")
      specs.push(
        l.reverse
          ? { kind: "layer-norm", size: width, axis: -1, epsilon: 1e-3 }
          : { kind: "batch-norm", size: width, axis: -1, epsilon: 1e-3 },
      );
    else specs.push({ kind: "activation", activation });
    if (["recurrent", "dense", "convolution"].includes(l.kind)) width = l.width;
    if (l.kind === "bidirectional") width = l.merge === "concat" ? 2 * l.width : l.width;
  }
  specs.push(
    recurrentSpec({
      ...{ cell: last.cell, inputSize: width, hiddenSize: 2, reverse: last.reverse },
      returnSequences: last.sequences,
    }),
  );
  return chainOf(specs, tokens ? { tokens: true } : { width: 3 });
}

describe("networks of random layers", () => {
  test("are the same function as ONNX, here and in ONNX Runtime", { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(architectures, async (architecture) => {
        const file = fileOf(built(architecture));
        const { bytes } = convertModel(file, { to: "onnx" });
        await expectSame(file, await readModel(bytes));
        if (onnxRuntime) await expectRuntime(file, bytes);
      }),
      { numRuns: 25 },
    );
  });
});

describe("layers that normalize", () => {
  const { cell, inputSize, hiddenSize } = { cell: { name: "gru" }, inputSize: 3, hiddenSize: 2 };
  const steps = recurrentSpec({ cell, inputSize, hiddenSize });
  const last = recurrentSpec({ cell, inputSize, hiddenSize, returnSequences: false });
  const batchNorm = (axis: number, size = 2): LayerSpec => ({ kind: "batch-norm", size, axis, epsilon: 1e-3 });
  const layerNorm = (axis: number): LayerSpec => ({ kind: "layer-norm", size: 2, axis, epsilon: 1e-3 });

  test.each<[string, LayerSpec[]]>([
    ["one step, in batches", [last, batchNorm(1)]],
    ["one step", [last, layerNorm(1)]],
    ["all steps", [steps, batchNorm(2), layerNorm(2)]],
    [
      "both directions",
      [
        { kind: "bidirectional", forward: last, backward: { ...last, reverse: true }, merge: "concat" },
        batchNorm(1, 4),
      ],
    ],
    ["what was pooled", [steps, { kind: "pooling", of: "mean", window: "global" }, batchNorm(1)]],
    ["what was repeated", [last, { kind: "repeat", times: 2 }, batchNorm(2)]],
    ["each step alone", [steps, { kind: "time-distributed", layer: layerNorm(1) }]],
  ])("%s, over an axis that is counted from the batch: the same function as ONNX", async (_, specs) => {
    const file = fileOf(chainOf(specs, { width: 3 }));
    const { bytes } = convertModel(file, { to: "onnx" });
    await expectSame(file, await readModel(bytes));
    if (onnxRuntime) await expectRuntime(file, bytes);
  });

  test("over another axis than the last are refused", () => {
    for (const [spec, norm, said] of [
      [steps, batchNorm(1), "axis 1 of 3"],
      [steps, layerNorm(1), "axis 1 of 3"],
      [last, batchNorm(2), "axis 2 of 2"],
    ] as const)
      expect(() => convertModel(fileOf(chainOf([spec, norm], { width: 3 })), { to: "onnx" })).toThrow(said);
  });
});

describe("state dictionaries", () => {
  const stateDict = (options: { layers: number; bidirectional: boolean; kind: "lstm" | "gru"; bias: boolean }) => {
    const tensors = new Map<string, ReturnType<typeof safeTensor>>();
    const add = (name: string, ...shape: number[]): void => {
      const data = new RandomStream(3, name).uniform(size(shape));
      tensors.set(
        name,
        safeTensor(
          "F32",
          shape,
          Float32Array.from(data, (u) => u - 0.5),
        ),
      );
    };
    const [H, D] = [3, options.bidirectional ? 2 : 1];
    const rows = (options.kind === "lstm" ? 4 : 3) * H;
    add("embedding.weight", 7, 4);
    for (let layer = 0; layer < options.layers; layer++)
      for (const reverse of options.bidirectional ? ["", "_reverse"] : [""]) {
        add(`rnn.weight_ih_l${layer}${reverse}`, rows, layer === 0 ? 4 : H * D);
        add(`rnn.weight_hh_l${layer}${reverse}`, rows, H);
        if (options.bias) for (const part of ["ih", "hh"]) add(`rnn.bias_${part}_l${layer}${reverse}`, rows);
      }
    add("fc.weight", 5, H * D);
    add("fc.bias", 5);
    return tensors;
  };

  test("PyTorch → ours → ONNX → ONNX Runtime, and back to the bytes they were", { timeout: 60_000 }, async () => {
    const options = fc.record({
      layers: fc.integer({ min: 1, max: 3 }),
      bidirectional: fc.boolean(),
      kind: fc.constantFrom<("lstm" | "gru")[]>("lstm", "gru"),
      bias: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(options, async (o) => {
        const bytes = writePyTorch(stateDict(o));
        const file = await readModel(bytes);
        expect(file).toMatchObject({ format: "pytorch", content: { kind: "network" } });
        const onnx = convertModel(file, { to: "onnx" });
        await expectSame(file, await readModel(onnx.bytes));
        if (onnxRuntime) await expectRuntime(file, onnx.bytes);
        expect(convertModel(file, { to: "pytorch" }).bytes).toEqual(bytes);
      }),
      { numRuns: 12 },
    );
  });

  test("of a checkpoint are found under its names, the optimizer's state is left out", async () => {
    const tensors = new Map<string, ReturnType<typeof safeTensor>>();
    for (const [name, tensor] of stateDict({ layers: 1, bidirectional: false, kind: "gru", bias: true })) {
      tensors.set(`model_state_dict.module.${name}`, tensor);
      tensors.set(`optimizer_state_dict.state.0.exp_avg.${name}`, tensor);
    }
    using model = await open(writeSafetensors(tensors), { machine });
    expect(model.inputs[0]).toMatchObject({ name: "tokens", type: "int64", shape: ["batch", "time"] });
    expect(model.parameters.names).toContain("rnn.weight_ih_l0");
    expect(model.conventions.join("\n")).toContain("batch first");
  });

  test.each([
    [
      "weight_norm, a length for each row",
      [2, 1],
      (path: string, name: string) => [`${path}${name}_g`, `${path}${name}_v`],
    ],
    ["one length for all", [], (path: string, name: string) => [`${path}${name}_g`, `${path}${name}_v`]],
    [
      "parametrizations",
      [2, 1],
      (path: string, name: string) => [0, 1].map((k) => `${path}parametrizations.${name}.original${k}`),
    ],
  ])("of normalized weights are those of plain ones: %s", async (_, shape, names) => {
    const tensor = (shape: readonly number[], data: readonly number[]) => safeTensor("F32", shape, data);
    const bias = tensor([2], [0.5, -0.5]);
    const v = tensor([2, 2], [3, 4, 0, -2]);
    const [g, w] =
      shape.length > 0
        ? [
            [10, 3],
            [6, 8, 0, -3],
          ]
        : [[Math.sqrt(29)], [3, 4, 0, -2]];
    const of = (weight: readonly (readonly [string, ReturnType<typeof tensor>])[]) =>
      new Map([
        ["rnn.weight_ih_l0", tensor([2, 1], [1, 2])],
        ...weight,
        ["head.weight", v],
        ["head.bias", bias],
      ] as const);
    const [length, direction] = names("rnn.", "weight_hh_l0") as [string, string];
    const parts = [[length, tensor(shape, g)] as const, [direction, v] as const];
    for (const order of [parts, parts.toReversed()]) {
      const { content } = await readModel(writePyTorch(of(order)));
      expect(content.kind).toBe("network");
      const { weights } = (content as Extract<typeof content, { kind: "network" }>).network;
      expect(Array.from(weights.get("rnn.weight_hh_l0")!.data)).toEqual(w.map((x) => expect.closeTo(x, 5)));
      expect([...weights.keys()].sort()).toEqual(["head.bias", "head.weight", "rnn.weight_hh_l0", "rnn.weight_ih_l0"]);
    }
  });

  test("with a normalization, and with a projection, are networks", async () => {
    const shapes = {
      ...{ "r.weight_ih_l0": [12, 2], "r.weight_hh_l0": [12, 2], "r.weight_hr_l0": [2, 3] },
      ...{ "n.weight": [2], "n.bias": [2], "head.weight": [3, 2], "head.bias": [3] },
    };
    const tensors = new Map(
      Object.entries(shapes).map(([name, shape]) => [
        name,
        safeTensor("F32", shape, new RandomStream(1, name).uniform(size(shape))),
      ]),
    );
    const bytes = writePyTorch(tensors);
    const file = await readModel(bytes);
    expect(convertModel(file, { to: "pytorch" }).bytes).toEqual(bytes);
    using model = new Model(file, { machine });
    const { output } = await model.run(await randomInputs(model));
    expect(output!.shape).toEqual([2, 6, 3]);
  });

  test("of modules of a list keep their names where they are no layers of one module", async () => {
    const shapes: Record<string, readonly number[]> = {
      ...{ "rnns.0.weight_ih_l0": [16, 3], "rnns.0.weight_hh_l0": [16, 4] },
      ...{ "rnns.1.weight_ih_l0": [20, 4], "rnns.1.weight_hh_l0": [20, 5] },
      ...{ "email.0.weight_ih_l0": [8, 5], "email.0.weight_hh_l0": [8, 2] },
      ...{ "head.weight": [2, 2], "head.bias": [2] },
    };
    const tensors = new Map(
      Object.entries(shapes).map(([name, shape]) => [name, safeTensor("F32", shape, new Float32Array(size(shape)))]),
    );
    const file = await readModel(writePyTorch(tensors));
    const { content } = await readModel(convertModel(file, { to: "safetensors" }).bytes);
    expect(content).toMatchObject({ kind: "network" });
    const { tensors: written } = readSafetensors(convertModel(file, { to: "safetensors" }).bytes);
    for (const [name, shape] of Object.entries(shapes)) expect(written.get(name)?.shape, name).toEqual(shape);
  });

  test.each<[string, Record<string, readonly number[]>, RegExp]>([
    ["no recurrent module", { "a.weight": [2, 3], "a.bias": [2] }, /none of its modules is an nn.RNN/],
    [
      "two linear layers in a row",
      {
        "r.weight_ih_l0": [4, 2],
        "r.weight_hh_l0": [4, 4],
        "a.weight": [3, 4],
        "a.bias": [3],
        "b.weight": [2, 3],
        "b.bias": [2],
      },
      /what stands between the linear layers "a" and "b"/,
    ],
    [
      "widths that do not fit",
      { "r.weight_ih_l0": [4, 2], "r.weight_hh_l0": [4, 4], "a.weight": [3, 5], "a.bias": [3] },
      /"a" reads 5 numbers, "r" before it gives 4/,
    ],
    [
      "modules that fit in two orders",
      {
        ...{ "a.weight": [2, 4], "a.bias": [2], "b.weight_ih_l0": [4, 4], "b.weight_hh_l0": [4, 4] },
        ...{ "c.weight_ih_l0": [4, 4], "c.weight_hh_l0": [4, 4] },
      },
      /fit together in several orders/,
    ],
    [
      "a length for each column",
      { "r.weight_ih_l0": [2, 1], "r.weight_hh_l0_g": [1, 2], "r.weight_hh_l0_v": [2, 2] },
      /a recurrent module with a tensor "weight_hh_l0_g"/,
    ],
    [
      "a projection of a GRU",
      { "r.weight_ih_l0": [12, 2], "r.weight_hh_l0": [12, 3], "r.weight_hr_l0": [3, 4] },
      /12 rows for 4 units/,
    ],
    ["rows of no cell", { "r.weight_ih_l0": [8, 2], "r.weight_hh_l0": [8, 4] }, /8 rows for 4 units/],
  ])("that could be several networks are refused: %s", async (_, shapes, why) => {
    const tensors = new Map(
      Object.entries(shapes).map(([name, shape]) => [name, safeTensor("F32", shape, new Float32Array(size(shape)))]),
    );
    await expect(open(writePyTorch(tensors), { machine })).rejects.toThrow(why);
    // Weights stay weights in any container.
    const file = await readModel(writePyTorch(tensors));
    expect((await readModel(convertModel(file, { to: "npz" }).bytes)).content.kind).toBe("weights");
  });
});

test("what was changed is what is saved", async () => {
  const file = fileOf(chainOf([recurrentSpec({ cell: { name: "gru" }, inputSize: 3, hiddenSize: 2 })], { width: 3 }));
  using model = new Model(file, { machine });
  for (const from of [model, await open(convertModel(file, { to: "onnx" }).bytes, { machine })]) {
    for (const name of from.parameters.names)
      from.parameters.write(
        name,
        Float32Array.from(await from.parameters.read(name), (w) => w * 0.5),
      );
    using again = await open((await exportModel(from, { to: "onnx" })).bytes, { machine });
    const inputs = await randomInputs(from);
    const [c] = await compareModels(from, again, inputs);
    expect(c!.difference).toBeLessThanOrEqual(1e-6);
    using before = new Model(file, { machine });
    expect((await compareModels(before, again, inputs))[0]!.difference).toBeGreaterThan(1e-3);
  }
});

test("save asks for a path, and says where bytes without a file come from", async () => {
  using model = new Model(
    fileOf(chainOf([recurrentSpec({ cell: { name: "gru" }, inputSize: 3, hiddenSize: 2 })], { width: 3 })),
    { machine },
  );
  await expect(save(model, undefined as unknown as string)).rejects.toMatchObject({
    code: "bad-option",
    message: expect.stringMatching(/expected the path of a file, got nothing; exportModel gives bytes/),
  });
});

test("two models saved for TensorFlow.js in one folder keep their own weights", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longshort-tfjs-"));
  const made = (hiddenSize: number) =>
    new Model(fileOf(chainOf([recurrentSpec({ cell: { name: "lstm" }, inputSize: 3, hiddenSize })], { width: 3 })), {
      machine,
    });
  try {
    const names = ["model.json", "novel.json", "小说.json"];
    for (const [k, name] of names.entries()) await save(made(k + 2), join(folder, name));
    for (const [k, name] of names.entries()) {
      using model = await open(join(folder, name), { machine });
      expect(model.inputs.at(-1)!.shape!.at(-1)).toBe(k + 2);
    }
    expect(readdirSync(folder).sort()).toEqual(
      [...names, "novel.weights.bin", "weights.bin", "小说.weights.bin"].sort(),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what open did not give is told what it may be", async () => {
  await expect(exportModel({} as Model, { to: "onnx" })).rejects.toThrow(
    "exportModel: expected a model that `open` of longshort/formats gave, got an object",
  );
});

test("layers between which something stands are modules of their own, whatever their names", () => {
  const size = { cell: { name: "lstm" }, inputSize: 3, hiddenSize: 3 };
  const network = chainOf(
    [recurrentSpec({ ...size, returnSequences: false }), { kind: "repeat", times: 2 }, recurrentSpec(size)],
    { width: 3 },
  );
  const renamed = (name: string): string => name.replace("layer0", "rnn.0").replace("layer2", "rnn.1");
  const stack: CanonicalModel = {
    ...network,
    layers: new Map([...network.layers].map(([name, spec]) => [renamed(name), spec])),
    nodes: network.nodes.map((node) => ({ ...node, layer: renamed(node.layer) })),
    weights: new Map([...network.weights].map(([name, tensor]) => [renamed(name), tensor])),
  };
  const names = [...readSafetensors(convertModel(fileOf(stack), { to: "safetensors" }).bytes).tensors.keys()];
  expect(names).toContain("rnn.0.weight_ih_l0");
  expect(names).toContain("rnn.1.weight_ih_l0");
});

test("pooling by attention takes the steps that a mask leaves alone, and leaves no axis of time", async () => {
  const embedded = { kind: "embedding", vocabularySize: 5, embeddingSize: 3 } as const;
  const pool: LayerSpec[] = [
    { kind: "attention-pool", inputSize: 3 },
    { kind: "layer-norm", size: 3, axis: 1, epsilon: 1e-3 },
  ];
  const network = (maskZero: boolean) => fileOf(chainOf([{ ...embedded, maskZero }, ...pool], { tokens: true }));
  const answer = async (file: ModelFile, data: number[]) => {
    const model = new Model(file, { machine });
    const { output } = await model.run({ input: { shape: [1, data.length], data: Float32Array.from(data) } });
    model.close();
    return output!;
  };
  const alone = await answer(network(false), [3, 1, 4]);
  expect(alone.shape).toEqual([1, 3]);
  expect(difference((await answer(network(true), [0, 3, 0, 1, 4, 0])).data, alone.data)).toBeLessThanOrEqual(1e-6);
  const { bytes } = convertModel(network(false), { to: "onnx" });
  await expectSame(network(false), await readModel(bytes));
});
