import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type CellSpec, cellByName } from "../../../src/cells/registry.ts";
import { openMachine } from "../../../src/compute/open.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { readOnnx } from "../../../src/formats/onnx/model.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { writeOnnx } from "../../../src/formats/onnx/write.ts";
import { writeExpression } from "../../../src/formats/onnx/write-expression.ts";
import { type Recurrent, recurrent } from "../../../src/layers/recurrent.ts";
import { log1p } from "../../../src/math/expression.ts";
import { type LanguageModelOptions, languageModel } from "../../../src/models/language-model.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../../support/onnxruntime.ts";
import { expectSame, expectSameInRuntime, ours, uniform } from "./exported.ts";

const runtime = onnxRuntime;
const withRuntime = test.skipIf(runtime === undefined);
const reason = withoutOnnxRuntime;

interface Case {
  readonly cell: CellSpec;
  readonly numLayers: number;
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly batchFirst: boolean;
  readonly sizes: { readonly T: number; readonly B: number; readonly D: number; readonly H: number };
  readonly seed: number;
}

// Constants that float32 holds exactly, as the file does.
const activation = fc.constantFrom(
  "sigmoid",
  "tanh",
  "relu",
  { name: "hardSigmoid", alpha: 0.25, beta: 0.375 },
  { name: "leakyRelu", alpha: 0.0625 },
  "softsign",
  { name: "scaledTanh", alpha: 1.5, beta: 0.5 },
);
// Gates between 0 and 1: others make states grow or cancel until float32 has no digits left to compare.
const gate = fc.constantFrom("sigmoid", { name: "hardSigmoid", alpha: 0.25, beta: 0.375 });
const bias = fc.boolean();
const clip = fc.constantFrom(undefined, 0.75);
const given = (options: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
const cells: fc.Arbitrary<CellSpec> = fc.oneof(
  fc.record({ bias, clip, activation }).map((options) => ({ name: "rnn", options: given(options) })),
  fc
    .record({ bias, clip, gate, candidate: activation, resetAfter: fc.boolean() })
    .map((options) => ({ name: "gru", options: given(options) })),
  fc
    .record({
      ...{ bias, clip, gate, candidate: activation, output: activation },
      ...{ peephole: fc.boolean(), coupled: fc.boolean() },
    })
    .map((options) => ({ name: "lstm", options: given(options) })),
);
const cases: fc.Arbitrary<Case> = fc.record({
  cell: cells,
  numLayers: fc.integer({ min: 1, max: 3 }),
  direction: fc.constantFrom("forward", "reverse", "bidirectional"),
  batchFirst: fc.boolean(),
  sizes: fc.record({
    T: fc.integer({ min: 1, max: 5 }),
    B: fc.integer({ min: 1, max: 3 }),
    D: fc.integer({ min: 1, max: 5 }),
    H: fc.integer({ min: 1, max: 6 }),
  }),
  seed: fc.integer({ min: 0, max: 1000 }),
});

function layerOf({ cell, numLayers, direction, batchFirst, sizes: { D, H } }: Case): Recurrent {
  return recurrent({
    ...{ cell: cellByName(cell), numLayers, inputSize: D, hiddenSize: H, batchFirst },
    ...{ bidirectional: direction === "bidirectional", reverse: direction === "reverse" },
  });
}

describe("ONNX files that are written", () => {
  test("are read again as the same function, whatever the layers", async () => {
    const machine = await openMachine("reference");
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        const { T, B, D } = c.sizes;
        const input = uniform(c.seed, "input", c.batchFirst ? [B, T, D] : [T, B, D]);
        const made = await ours(machine, layerOf(c), input, c.cell);
        expect(readOnnx(made.bytes).opset).toBe(17);
        await expectSame(machine, made, 1e-12);
      }),
      { numRuns: 40 },
    );
    machine.close();
  });

  withRuntime(`are the same function in ONNX Runtime${reason}`, async () => {
    const machine = await openMachine("reference");
    await fc.assert(
      fc.asyncProperty(cases, async (c) => {
        const { T, B, D } = c.sizes;
        const input = uniform(c.seed, "input", c.batchFirst ? [B, T, D] : [T, B, D]);
        await expectSameInRuntime(await ours(machine, layerOf(c), input, c.cell));
      }),
      { numRuns: 40 },
    );
    machine.close();
  });

  const options: LanguageModelOptions[] = [
    { vocabularySize: 11, embeddingSize: 4, hiddenSize: 6, numLayers: 2, cell: "lstm" },
    { vocabularySize: 7, hiddenSize: 5, tied: true, cell: "gru" },
    { vocabularySize: 5, embeddingSize: 3, hiddenSize: 4, cell: { name: "lstm", options: { clip: 0.5 } } },
  ];
  const tokens = { shape: [4, 2], data: [1, 2, 3, 4, 0, 1, 2, 3] };
  test.each(options)("hold language models: %o", async (o) => {
    for (const name of ["reference", "wasm"] as const) {
      const machine = await openMachine(name);
      await expectSame(machine, await ours(machine, languageModel(o), tokens), 1e-6);
      machine.close();
    }
  });
  withRuntime.each(options)(`hold language models that ONNX Runtime runs${reason}: %o`, async (o) => {
    const machine = await openMachine("reference");
    await expectSameInRuntime(await ours(machine, languageModel(o), tokens));
    machine.close();
  });

  test(`log1p keeps what is small, in ONNX Runtime too${reason}`, async () => {
    const x = [
      1e-30,
      -1e-30,
      3e-9,
      -7e-8,
      1.1e-7,
      1e-4,
      -0.3,
      0.7,
      3,
      1e6,
      0,
      -1,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      -2,
    ];
    const graph = new GraphWriter();
    graph.input("x", "float32", [x.length]);
    graph.node("Identity", [writeExpression(graph, log1p, "x", "log1p")], ["y"]);
    graph.output("y", "float32");
    const bytes = graph.finish("log1p");
    const same = (came: ArrayLike<number>) => {
      for (const [k, one] of x.map(Math.fround).entries()) {
        const right = Math.log1p(one);
        if (Math.abs(right) > 0 && Number.isFinite(right))
          expect(Math.abs(came[k]! / right - 1), `${one}`).toBeLessThan(3e-7);
        else expect(came[k], `${one}`).toBe(right);
      }
    };
    for (const name of ["reference", "wasm"] as const) {
      const machine = await openMachine(name);
      const program = openOnnx(bytes, { machine });
      same((await program.run({ x: { shape: [x.length], data: x.map(Math.fround) } })).y!.data);
      program.close();
      machine.close();
    }
    if (!runtime) return;
    const session = await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { y } = await session.run({ x: new runtime.Tensor("float32", Float32Array.from(x), [x.length]) });
    same(y!.data as Float32Array);
    await session.release();
  });

  test("activations without a word on how the cell was made are a scan, and a wrong word is refused", async () => {
    const machine = await openMachine("reference");
    const spec = { name: "rnn", options: { activation: "softsign" } };
    const layer = recurrent({ cell: cellByName(spec), inputSize: 3, hiddenSize: 4 });
    const parameters = await createParameters({ machine, layout: layoutParameters(layer) });
    const tensors = await parameters.toTensors();
    const operators = (options?: { cell: CellSpec }): string[] =>
      readOnnx(writeOnnx(layer, tensors, options)).graph.nodes.map(({ op }) => op);
    expect(operators()).toContain("Scan");
    expect(operators({ cell: spec })).toContain("RNN");
    expect(() => operators({ cell: { name: "gru" } })).toThrow(/its equations are not those of {"name":"gru"}/);
    expect(() => writeOnnx(layer, new Map())).toThrow(/weight_ih_l0" is missing/);
    machine.close();
  });
});
