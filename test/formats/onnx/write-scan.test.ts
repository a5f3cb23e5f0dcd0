import { describe, expect, test } from "vitest";
import { type Cell, defineCell, gateOf, type Operands, split } from "../../../src/cells/define.ts";
import { parseCell } from "../../../src/cells/parse-cell.ts";
import { cellByName, cellNames } from "../../../src/cells/registry.ts";
import { openMachine } from "../../../src/compute/open.ts";
import { readOnnx } from "../../../src/formats/onnx/model.ts";
import { type Recurrent, recurrent } from "../../../src/layers/recurrent.ts";
import { exp, mean, mul, neg, sigmoid, tanh } from "../../../src/math/expression.ts";
import { languageModel } from "../../../src/models/language-model.ts";
import { difference } from "../../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../../support/onnxruntime.ts";
import { lawCells } from "../../support/recurrent-cells.ts";
import { expectSame, expectSameInRuntime, ours, uniform } from "./exported.ts";

const withRuntime = test.skipIf(onnxRuntime === undefined);

/** A multiplicative LSTM (Krause et al. 2016, arXiv:1609.07959). */
const multiplied = ({ parts }: Operands) => mul(parts.m!.x, parts.m!.h);
const multiplicative = defineCell({
  name: "multiplicative",
  gates: { m: split(), i: gateOf(sigmoid, multiplied), g: gateOf(tanh, multiplied) },
  state: ["h"],
  step: ({ i, g }, previous) => ({ h: mul(i, mul(g, exp(neg(previous.h)))) }),
});

/** Values that are one number for all units, or one for all examples, where whole vectors are read. */
const narrow = defineCell({
  name: "narrow",
  gates: { a: gateOf(tanh, ({ previous }) => mean(previous.h!)) },
  state: ["h", "level", "gain", "copy", "old"],
  weights: { w: 0.5 },
  step: ({ a }, previous, { weights }) => ({
    h: mul(a, mean(weights.w, 2)),
    level: mean(a, previous.h),
    gain: sigmoid(weights.w),
    copy: a,
    old: previous.old,
  }),
});

/** Reads nothing. */
const deaf = defineCell({
  name: "deaf",
  gates: { unread: tanh },
  state: ["h"],
  step: (_, previous) => ({ h: mul(previous.h, 0.5) }),
});

/** A product of what no state is part of. */
const fed = defineCell({
  name: "fed",
  gates: { m: split(), a: gateOf(tanh, ({ parts }) => parts.m!.x) },
  state: ["h"],
  step: ({ a }, previous) => ({ h: mul(a, previous.h) }),
});

const inWords = parseCell(`
  state h, c
  weight p = 0.1
  f = sigmoid(W_f x + U_f h[t-1] + p * c[t-1])
  n = softplus(W_n x + U_n (f * h[t-1]))
  c = if(n < 1, f * c[t-1], c[t-1]) + (1 - f) * log1p(n)
  h = tanh(c - mean(c))
`);

/** Every cell that there is, so that a new one is tested, and cells of users. */
const whole: Readonly<Record<string, Cell>> = {
  ...Object.fromEntries(cellNames.map((name) => [name, cellByName(name)])),
  ...{ multiplicative, narrow, deaf, fed, "a cell in words": inWords },
};
/** With options; fewer layers do for these. */
const variants = Object.fromEntries(lawCells.map(({ name, make }) => [name, make()]));
const cells = { ...variants, ...whole };

const [T, B, D, H, P] = [5, 2, 3, 4, 2];
const directions = ["forward", "reverse", "bidirectional"] as const;
type Layers = readonly [numLayers: number, direction: (typeof directions)[number]];

function layerOf(cell: Cell, ...[numLayers, direction]: Layers): Recurrent {
  return recurrent({
    ...{ cell, numLayers, inputSize: D, hiddenSize: H },
    ...(cell.projections.length > 0 && { projectionSize: P }),
    ...{ reverse: direction === "reverse", bidirectional: direction === "bidirectional" },
  });
}

describe.each(Object.keys(cells))("as ONNX: %s", (name) => {
  const cell = cells[name]!;
  const some: readonly Layers[] = [
    [1, "reverse"],
    [2, "bidirectional"],
  ];
  const all = directions.flatMap((direction): Layers[] => [
    [1, direction],
    [2, direction],
  ]);
  const input = uniform(1, "input", [T, B, D]);

  test("is read again as the same function, whatever the layers", async () => {
    const machine = await openMachine("reference");
    for (const one of some) await expectSame(machine, await ours(machine, layerOf(cell, ...one), input), 1e-6);
    machine.close();
  });

  withRuntime(`is the same function in ONNX Runtime, whatever the layers${withoutOnnxRuntime}`, async () => {
    const machine = await openMachine("reference");
    for (const one of name in whole ? all : some)
      await expectSameInRuntime(await ours(machine, layerOf(cell, ...one), input));
    machine.close();
  });

  withRuntime(`goes on there where it stopped${withoutOnnxRuntime}`, async () => {
    const machine = await openMachine("reference");
    const made = await ours(machine, layerOf(cell, 2, "forward"), input);
    machine.close();
    const session = await onnxRuntime!.InferenceSession.create(made.bytes, { logSeverityLevel: 2 });
    const tensor = (shape: readonly number[], data: ArrayLike<number>) =>
      new onnxRuntime!.Tensor("float32", Float32Array.from(data), [...shape]);
    const given = Object.entries(made.states).map(([state, { shape, data }]) => [state, tensor(shape, data)] as const);
    let states = Object.fromEntries(given);
    const output: number[] = [];
    for (const [from, to] of [
      [0, 2],
      [2, T],
    ] as const) {
      const part = tensor([to - from, B, D], Array.from(input.data).slice(from * B * D, to * B * D));
      const came = await session.run({ input: part, ...states });
      output.push(...Array.from(came.output!.data as Float32Array));
      states = Object.fromEntries(given.map(([state]) => [state, came[`${state}_out`]!]));
    }
    await session.release();
    expect(difference(output, made.outputs.output!.data)).toBeLessThan(1e-5);
    for (const [state, { data }] of Object.entries(states))
      expect(difference(data as Float32Array, made.outputs[`${state}_out`]!.data), state).toBeLessThan(1e-5);
  });
});

const operatorsOf = (bytes: Uint8Array): string[] => readOnnx(bytes).graph.nodes.map(({ op }) => op);

/** The operators of the bodies of all scans. */
const bodiesOf = (bytes: Uint8Array): string[][] =>
  readOnnx(bytes).graph.nodes.flatMap(({ attributes }) => {
    const body = attributes.get("body");
    return typeof body === "object" && "nodes" in body ? [body.nodes.map(({ op }) => op)] : [];
  });

test("what ONNX has is an operator, everything else a scan for each layer and direction", async () => {
  const machine = await openMachine("reference");
  const input = uniform(1, "input", [T, B, D]);
  const written = async (cell: Cell): Promise<string[]> =>
    operatorsOf((await ours(machine, layerOf(cell, 2, "bidirectional"), input)).bytes).filter((op) =>
      ["LSTM", "GRU", "RNN", "Scan"].includes(op),
    );
  const operator = { rnn: "RNN", lstm: "LSTM", gru: "GRU" };
  for (const name of cellNames) {
    const own = operator[name as keyof typeof operator];
    expect(await written(cells[name]!), name).toEqual(own ? [own, own] : ["Scan", "Scan", "Scan", "Scan"]);
  }
  for (const name of ["lstm, peephole", "lstm, coupled", "lstm, recurrent dropout"])
    expect(await written(cells[name]!), name).toEqual(["LSTM", "LSTM"]);
  machine.close();
});

test("the body of a scan holds what a state has to do with, once", async () => {
  const machine = await openMachine("reference");
  const bodyOf = async (name: string): Promise<string[]> =>
    bodiesOf((await ours(machine, layerOf(cells[name]!, 1, "forward"), uniform(1, "input", [T, B, D]))).bytes)[0]!;
  // h' = (1 − z) h + z n, where 1 − z and z n are known of all steps; the last one is the output.
  expect(await bodyOf("min-gru")).toEqual(["Mul", "Add", "Identity"]);
  // Four gates of one vector are one product.
  const body = await bodyOf("lstm, zoneout");
  expect(body.filter((op) => op === "Gemm").length).toBe(1);
  expect(body.filter((op) => op === "Tanh").length).toBe(2);
  machine.close();
});

test("states whose names the graph needs itself are refused", async () => {
  const machine = await openMachine("reference");
  const input = uniform(1, "input", [T, B, D]);
  for (const name of ["output", "input"]) {
    const named = parseCell(`state ${name}\n${name} = tanh(W_a x + U_a ${name}[t-1])`);
    await expect(ours(machine, layerOf(named, 1, "forward"), input)).rejects.toThrow(
      expect.objectContaining({ code: "not-convertible", message: expect.stringContaining(`called "${name}"`) }),
    );
  }
  machine.close();
});

withRuntime(`a language model of a cell in words runs there${withoutOnnxRuntime}`, async () => {
  const machine = await openMachine("reference");
  const model = languageModel({ vocabularySize: 7, embeddingSize: 3, hiddenSize: 4, numLayers: 2, cell: inWords });
  await expectSameInRuntime(await ours(machine, model, { shape: [4, 2], data: [1, 2, 3, 4, 0, 1, 2, 6] }));
  machine.close();
});
