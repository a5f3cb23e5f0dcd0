import { describe, expect, test } from "vitest";
import { openMachine } from "../../../src/compute/open.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { readOnnx } from "../../../src/formats/onnx/model.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import type { ModelArray } from "../../../src/formats/plans.ts";
import { RandomStream } from "../../../src/shared/random.ts";
import { size } from "../../../src/shared/shapes.ts";
import { difference } from "../../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../../support/onnxruntime.ts";

/** Models of one node, the same one in ONNX Runtime. */
const runtime = onnxRuntime;

type Attributes = Parameters<GraphWriter["node"]>[3];
interface Case {
  readonly op: string;
  /** Shapes of the float inputs that are given at run time. */
  readonly given: readonly (readonly number[])[];
  /** What follows them: lists of whole numbers, or tensors of the file by shape. */
  readonly known?: readonly (readonly number[] | { readonly shape: readonly number[] } | { readonly value: number })[];
  readonly attributes?: Attributes;
  readonly outputs?: number;
  /** Numbers above 0 only. */
  readonly positive?: boolean;
}

const x = [2, 3, 4];
const unary = [
  "Abs",
  "Erf",
  "Exp",
  "HardSigmoid",
  "HardSwish",
  "Identity",
  "LeakyRelu",
  "Neg",
  "Relu",
  "Sigmoid",
  "Sign",
];
const more = [
  "Softplus",
  "Softsign",
  "Tanh",
  "Elu",
  "ThresholdedRelu",
  "Flatten",
  "Softmax",
  "LogSoftmax",
  "Transpose",
];
const reductions = ["ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSumSquare"];
const cases: readonly Case[] = [
  ...[...unary, ...more].map((op): Case => ({ op, given: [x] })),
  ...["Log", "Sqrt", "Reciprocal"].map((op): Case => ({ op, given: [x], positive: true })),
  ...["Add", "Sub", "Mul", "Div", "Max", "Mean", "Min", "PRelu"].map((op): Case => ({ op, given: [x, [3, 1]] })),
  ...["Add", "Div"].map((op): Case => ({ op, given: [x], known: [{ value: 1.5 }] })),
  ...[2, 3, 0.5, -1, 2.5].map((value): Case => ({ op: "Pow", given: [x], known: [{ value }], positive: true })),
  ...reductions.map((op): Case => ({ op, given: [x], attributes: { axes: [0, -1], keepdims: 0 } })),
  ...reductions.map((op): Case => ({ op, given: [x] })),
  { op: "ReduceSum", given: [x], known: [[1]] },
  { op: "ArgMax", given: [x], attributes: { axis: 1 } },
  { op: "ArgMin", given: [x], attributes: { axis: -1, keepdims: 0 } },
  { op: "Clip", given: [x], known: [{ value: -0.25 }, { value: 0.5 }] },
  { op: "Softmax", given: [x], attributes: { axis: 1 } },
  {
    op: "MatMul",
    given: [
      [2, 3, 4],
      [4, 5],
    ],
  },
  {
    op: "MatMul",
    given: [
      [2, 1, 3, 4],
      [5, 4, 2],
    ],
  },
  { op: "MatMul", given: [[4], [4, 5]] },
  { op: "MatMul", given: [[3, 4], [4]] },
  { op: "MatMul", given: [[3, 4]], known: [{ shape: [4, 2] }] },
  {
    op: "Gemm",
    given: [[4, 3], [5, 4], [5]],
    attributes: { alpha: { float: 0.5 }, beta: { float: 2 }, transA: 1, transB: 1 },
  },
  { op: "Transpose", given: [[2, 3, 4, 5]], attributes: { perm: [3, 1, 0, 2] } },
  { op: "Reshape", given: [x], known: [[0, -1]] },
  { op: "Expand", given: [[3, 1]], known: [[2, 3, 4]] },
  { op: "Tile", given: [[2, 3]], known: [[2, 3]] },
  { op: "Squeeze", given: [[1, 3, 1]], known: [[0, 2]] },
  { op: "Unsqueeze", given: [[3, 4]], known: [[0, -1]] },
  {
    op: "Slice",
    given: [[5, 6]],
    known: [
      [1, -1],
      [4, -7],
      [0, 1],
      [2, -2],
    ],
  },
  { op: "Slice", given: [[5, 6]], known: [[-3], [2 ** 53 - 1], [1]] },
  { op: "Slice", given: [[5, 6]], known: [[-1], [-(2 ** 53 - 1)], [1], [-1]] },
  { op: "Split", given: [[5, 6]], outputs: 3, attributes: { axis: 1 } },
  { op: "Split", given: [[5, 6]], known: [[1, 4]], outputs: 2 },
  {
    op: "Concat",
    given: [
      [2, 3],
      [2, 1],
      [2, 4],
    ],
    attributes: { axis: -1 },
  },
  { op: "Gather", given: [[5, 3, 2]], known: [[4, 0, -1]], attributes: { axis: 0 } },
  { op: "Gather", given: [[2, 5, 3]], known: [[1, 2, 0]], attributes: { axis: 1 } },
  { op: "Pad", given: [[3, 4]], known: [[1, 0, 2, 3], { value: 0.5 }] },
  { op: "Pad", given: [[3, 6]], known: [[2, 1, 0, 5]], attributes: { mode: "reflect" } },
  { op: "Pad", given: [[3, 4]], known: [[1, 2, 2, 3]], attributes: { mode: "edge" } },
  {
    op: "Conv",
    given: [[2, 3, 9]],
    known: [{ shape: [4, 3, 3] }, { shape: [4] }],
    attributes: { pads: [1, 2], strides: [2] },
  },
  { op: "Conv", given: [[2, 4, 9]], known: [{ shape: [6, 2, 2] }], attributes: { group: 2, dilations: [3] } },
  { op: "Conv", given: [[2, 3, 1, 7]], known: [{ shape: [2, 3, 1, 4] }], attributes: { auto_pad: "SAME_UPPER" } },
  { op: "MaxPool", given: [[2, 3, 8]], attributes: { kernel_shape: [3], strides: [2], pads: [1, 1] } },
  { op: "MaxPool", given: [[2, 3, 8]], attributes: { kernel_shape: [3], strides: [2], ceil_mode: 1 } },
  { op: "AveragePool", given: [[2, 3, 8]], attributes: { kernel_shape: [3], strides: [2], pads: [1, 1] } },
  { op: "AveragePool", given: [[2, 3, 8]], attributes: { kernel_shape: [4], pads: [2, 1], count_include_pad: 1 } },
  ...["MaxPool", "AveragePool"].flatMap((op) =>
    [
      { kernel_shape: [2], strides: [2], pads: [1, 1] },
      { kernel_shape: [1], strides: [3], pads: [0, 0] },
      { kernel_shape: [3], strides: [2], pads: [0, 1] },
    ].flatMap((attributes) =>
      [5, 6, 7].map((steps): Case => ({ op, given: [[1, 2, steps]], attributes: { ...attributes, ceil_mode: 1 } })),
    ),
  ),
  { op: "GlobalAveragePool", given: [[2, 3, 8]] },
  { op: "GlobalMaxPool", given: [[2, 3, 8]] },
  {
    op: "LayerNormalization",
    given: [
      [2, 3, 4],
      [3, 4],
      [3, 4],
    ],
    attributes: { axis: 1 },
  },
  { op: "BatchNormalization", given: [[2, 3, 4], [3], [3], [3], [3]], positive: true },
];

function numbersOf(name: string, shape: readonly number[], positive: boolean): Float32Array {
  const random = new RandomStream(3, name).uniform(size(shape));
  return Float32Array.from(random, (u) => (positive ? u + 0.1 : 4 * u - 2));
}

/** The file of a case and what is given to it. */
function modelOf({ op, given, known = [], attributes, outputs = 1, positive = false }: Case) {
  const graph = new GraphWriter();
  const inputs: Record<string, ModelArray> = {};
  const names = given.map((shape, k) => {
    graph.input(`x${k}`, "float32", shape);
    inputs[`x${k}`] = { shape, data: numbersOf(`x${k}`, shape, positive) };
    return `x${k}`;
  });
  known.forEach((part, k) => {
    const name = `known${k}`;
    names.push(name);
    if ("value" in part) graph.float(name, { shape: [], data: [part.value] });
    else if ("shape" in part) graph.float(name, { shape: part.shape, data: numbersOf(name, part.shape, false) });
    else graph.whole(name, part);
  });
  const results = Array.from({ length: outputs }, (_, k) => `y${k}`);
  graph.node(op, names, results, attributes);
  for (const name of results) graph.output(name, op.startsWith("Arg") ? "int64" : "float32");
  return { bytes: graph.finish("case"), inputs, results };
}

describe(`operators as ONNX Runtime computes them${withoutOnnxRuntime}`, () => {
  test.skipIf(!runtime).each(cases)("$op of $given $known $attributes", async (c) => {
    const { bytes, inputs, results } = modelOf(c);
    const session = await runtime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const feeds = Object.fromEntries(
      Object.entries(inputs).map(([name, { shape, data }]) => [
        name,
        new runtime!.Tensor("float32", Float32Array.from(data), [...shape]),
      ]),
    );
    const expected = await session.run(feeds);
    for (const name of ["reference", "wasm"] as const) {
      const machine = await openMachine(name);
      const program = openOnnx(bytes, { machine });
      const came = await program.run(inputs);
      for (const result of results) {
        expect(came[result]!.shape, name).toEqual([...expected[result]!.dims]);
        const data = Array.from(expected[result]!.data as Float32Array | BigInt64Array, Number);
        expect(difference(came[result]!.data, data), name).toBeLessThanOrEqual(1e-5);
      }
      program.close();
      machine.close();
    }
    await session.release();
  });
});

describe("rows chosen at run time", () => {
  test.each([0, 1, 2])("along axis %d are those that are known", async (axis) => {
    const shape = [3, 4, 2];
    const rows = [2, 0, 1].map((k) => k % shape[axis]!);
    for (const name of ["reference", "wasm"] as const) {
      const machine = await openMachine(name);
      const [came, expected] = await Promise.all(
        [false, true].map(async (known) => {
          const graph = new GraphWriter();
          graph.input("x", "float32", shape);
          if (known) graph.whole("rows", rows);
          else graph.input("rows", "int64", [3]);
          graph.node("Gather", ["x", "rows"], ["y"], { axis });
          graph.output("y", "float32");
          using program = openOnnx(graph.finish("gather"), { machine });
          const x = { shape, data: numbersOf("x", shape, false) };
          return (await program.run({ x, ...(!known && { rows: { shape: [3], data: rows } }) })).y!;
        }),
      );
      expect(came, name).toEqual(expected);
      machine.close();
    }
  });
});

describe("sizes of inputs", () => {
  test("of -1 and 0 are open", () => {
    const graph = new GraphWriter();
    graph.input("x", "float32", [-1, 0, 3, "time"]);
    graph.node("Identity", ["x"], ["y"]);
    graph.output("y", "float32");
    expect(readOnnx(graph.finish("open")).graph.inputs[0]!.shape).toEqual([undefined, undefined, 3, "time"]);
  });
});

describe("Pow", () => {
  const all = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, Number.NaN, 1, -1, 2, -2.5];
  test.each([0, 1, 2, 3, -1, -2, 0.5, -0.5, 2.5, -2.5, 65, 66, -67, 2 ** 24])(
    "of %d at the edges is that of IEEE 754",
    async (value) => {
      // A root of −0 and −∞ is that of `sqrt`: −0 and no number.
      const edges = all.filter((x) => Number.isInteger(value) || !(Object.is(x, -0) || x === Number.NEGATIVE_INFINITY));
      const graph = new GraphWriter();
      graph.input("x", "float32", [edges.length]);
      graph.node("Pow", ["x", graph.float("exponent", { shape: [], data: [value] })], ["y"]);
      graph.output("y", "float32");
      const expected = edges.map((x) => Math.fround(x ** value));
      for (const name of ["reference", "wasm"] as const) {
        const machine = await openMachine(name);
        const program = openOnnx(graph.finish("pow"), { machine });
        const { y } = await program.run({ x: { shape: [edges.length], data: edges } });
        for (const [k, x] of edges.entries()) {
          const [came, right] = [y!.data[k]!, expected[k]!];
          const same = Object.is(came, right) || Math.abs(came - right) <= 1e-5 * Math.abs(right);
          expect(same, `${name}: ${x} ** ${value} is ${right}, got ${came}`).toBe(true);
        }
        program.close();
        machine.close();
      }
    },
  );
});
