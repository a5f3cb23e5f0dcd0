import { describe, expect, test } from "vitest";
import { openMachine } from "../../../src/compute/open.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { RandomStream } from "../../../src/shared/random.ts";
import { size } from "../../../src/shared/shapes.ts";
import { difference } from "../../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../../support/onnxruntime.ts";

const floats = (name: string, ...shape: number[]) => ({
  shape,
  data: Float32Array.from(new RandomStream(2, name).uniform(size(shape)), (u) => 4 * u - 2),
});
const bytes = (name: string, low: number, ...shape: number[]) => ({
  shape,
  data: Array.from(new RandomStream(2, name).uniform(size(shape)), (u) => low + Math.floor(256 * u)),
});
const T = 4;

const models: Readonly<Record<string, (graph: GraphWriter) => void>> = {
  "Round, Floor, Ceil": (g) => {
    g.float("five", { shape: [], data: [5] });
    g.node("Mul", ["x", "five"], ["wide"]);
    for (const op of ["Round", "Floor", "Ceil"]) {
      g.node(op, ["wide"], [op]);
      g.output(op, "float32");
    }
  },
  "QuantizeLinear and back, one scale a column": (g) => {
    g.float("scale", { shape: [3], data: [0.01, 0.05, 0.1] });
    g.tensor("zero", "int8", { shape: [3], data: [3, -100, 0] });
    g.node("QuantizeLinear", ["x", "scale", "zero"], ["q"], { axis: 2 });
    g.node("DequantizeLinear", ["q", "scale", "zero"], ["y"], { axis: 2 });
    g.output("y", "float32");
  },
  "DynamicQuantizeLinear, MatMulInteger, Cast, Mul: a product as quantize_dynamic leaves it": (g) => {
    g.tensor("w", "int8", bytes("w", -128, 3, 6));
    g.tensor("w.zero", "int8", { shape: [], data: [4] });
    g.float("w.scale", { shape: [], data: [0.02] });
    g.node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]);
    g.node("MatMulInteger", ["q", "w", "zero", "w.zero"], ["product"]);
    g.node("Cast", ["product"], ["numbers"], { to: 1 });
    g.node("Mul", ["scale", "w.scale"], ["both"]);
    g.node("Mul", ["numbers", "both"], ["y"]);
    g.output("y", "float32");
  },
  QLinearMatMul: (g) => {
    const one = (name: string, value: number) => g.float(name, { shape: [], data: [value] });
    const zero = (name: string, value: number) => g.tensor(name, "uint8", { shape: [], data: [value] });
    g.node("QuantizeLinear", ["x", one("a.scale", 0.02), zero("a.zero", 120)], ["a"]);
    g.tensor("b", "uint8", bytes("b", 0, 3, 4));
    g.node(
      "QLinearMatMul",
      [
        "a",
        "a.scale",
        "a.zero",
        "b",
        one("b.scale", 0.01),
        zero("b.zero", 100),
        one("y.scale", 0.05),
        zero("y.zero", 99),
      ],
      ["q"],
    );
    g.node("DequantizeLinear", ["q", "y.scale", "y.zero"], ["y"]);
    g.output("y", "float32");
  },
};

const one = (g: GraphWriter, name: string, value: number) => g.float(name, { shape: [], data: [value] });
const zero = (g: GraphWriter, name: string, value: number, type: "uint8" | "int8" = "uint8") =>
  g.tensor(name, type, { shape: [], data: [value] });
/** Of 7 bits: processors without dot products of 8 bits cut the sums of two products off at 16 bits, and ONNX Runtime with them. */
const weights = (name: string, low: number, ...shape: number[]) => {
  const { data } = bytes(name, 0, ...shape);
  return { shape, data: data.map((n) => low + (n >> 1)) };
};
/** [2, 3, 4] as bytes. */
function quantizedInput(g: GraphWriter, name = "a", scale = 0.02, zeroPoint = 120): string[] {
  one(g, `${name}.scale`, scale);
  zero(g, `${name}.zero`, zeroPoint);
  g.node("QuantizeLinear", ["x", `${name}.scale`, `${name}.zero`], [name]);
  return [name, `${name}.scale`, `${name}.zero`];
}
/** Scale and zero point of a result `q`. */
const ofResult = (g: GraphWriter, scale = 0.05, zeroPoint = 99) => [
  one(g, "y.scale", scale),
  zero(g, "y.zero", zeroPoint),
];
function floatsOf(g: GraphWriter): void {
  g.node("DequantizeLinear", ["q", "y.scale", "y.zero"], ["y"]);
  g.output("y", "float32");
}

const convolutions: Readonly<Record<string, (graph: GraphWriter) => void>> = {
  "ConvInteger of what DynamicQuantizeLinear leaves, padded, in groups": (g) => {
    g.node("Transpose", ["x"], ["wide"], { perm: [1, 2, 0] });
    g.node("Concat", ["wide", "wide"], ["channels"], { axis: 1 });
    g.node("DynamicQuantizeLinear", ["channels"], ["q", "scale", "zero"]);
    g.tensor("w", "uint8", weights("w", 60, 4, 3, 3));
    zero(g, "w.zero", 117);
    g.node("ConvInteger", ["q", "w", "zero", "w.zero"], ["sum"], {
      group: 2,
      pads: [2, 1],
      strides: [2],
      dilations: [1],
      kernel_shape: [3],
    });
    g.node("Cast", ["sum"], ["numbers"], { to: 1 });
    g.node("Mul", ["numbers", "scale"], ["y"]);
    g.output("y", "float32");
  },
  "QLinearConv, one scale an output channel, with a bias": (g) => {
    const a = quantizedInput(g);
    g.node("Transpose", ["a"], ["over.time"], { perm: [1, 2, 0] });
    g.tensor("w", "int8", weights("w", -64, 5, 3, 2));
    g.float("w.scale", { shape: [5], data: [0.01, 0.02, 0.013, 0.007, 0.03] });
    g.tensor("w.zero", "int8", { shape: [5], data: [0, 0, 0, 0, 0] });
    g.tensor("bias", "int32", { shape: [5], data: [100, -2000, 5, 0, 777] });
    const inputs = ["over.time", a[1]!, a[2]!, "w", "w.scale", "w.zero", ...ofResult(g), "bias"];
    g.node("QLinearConv", inputs, ["q"], { pads: [1, 0], dilations: [2], kernel_shape: [2] });
    floatsOf(g);
  },
};

/** Operators of ONNX Runtime's own domain that its quantizers write. */
const microsoft: Readonly<Record<string, (graph: GraphWriter) => void>> = {
  "QGemm, one scale a column": (g) => {
    const a = quantizedInput(g);
    g.whole("rows", [-1, 3]);
    g.node("Reshape", ["a", "rows"], ["flat"]);
    g.tensor("b", "int8", weights("b", -64, 4, 3));
    g.float("b.scale", { shape: [4], data: [0.01, 0.02, 0.015, 0.03] });
    g.tensor("b.zero", "int8", { shape: [4], data: [0, 0, 0, 0] });
    g.tensor("c", "int32", { shape: [4], data: [500, -300, 0, 12] });
    const inputs = ["flat", a[1]!, a[2]!, "b", "b.scale", "b.zero", "c", ...ofResult(g)];
    g.node("QGemm", inputs, ["q"], { transB: 1, alpha: { float: 1 } }, "com.microsoft");
    floatsOf(g);
  },
  "QLinearAdd and QLinearMul": (g) => {
    const [a, b] = [quantizedInput(g), quantizedInput(g, "b", 0.0313, 100)]; // no sum or product lies half way between two steps
    g.node("QLinearAdd", [...a, ...b, ...ofResult(g, 0.0471)], ["sum"], {}, "com.microsoft");
    g.node("QLinearMul", ["sum", "y.scale", "y.zero", ...b, "y.scale", "y.zero"], ["q"], {}, "com.microsoft");
    floatsOf(g);
  },
  "QLinearSigmoid, QLinearLeakyRelu, QLinearConcat": (g) => {
    const a = quantizedInput(g);
    const of = ofResult(g, 0.01, 3);
    g.node("QLinearSigmoid", [...a, ...of], ["s"], {}, "com.microsoft");
    g.node("QLinearLeakyRelu", [...a, ...of], ["l"], { alpha: { float: 0.25 } }, "com.microsoft");
    g.node("QLinearConcat", [...of, "s", ...of, "l", ...of], ["q"], { axis: 1 }, "com.microsoft");
    floatsOf(g);
  },
  "QLinearAveragePool, padded, and QLinearGlobalAveragePool": (g) => {
    const a = quantizedInput(g);
    g.node("Transpose", ["a"], ["over.time"], { perm: [1, 2, 0] });
    const inputs = ["over.time", a[1]!, a[2]!, ...ofResult(g, 0.0173, 131)];
    const window = { kernel_shape: [3], strides: [2], pads: [1, 1] };
    g.node("QLinearAveragePool", inputs, ["pooled"], window, "com.microsoft");
    g.node("QLinearAveragePool", inputs, ["padded"], { ...window, count_include_pad: 1 }, "com.microsoft");
    g.node("QLinearGlobalAveragePool", inputs, ["global"], {}, "com.microsoft");
    for (const name of ["pooled", "padded", "global"]) {
      g.node("DequantizeLinear", [name, "y.scale", "y.zero"], [`${name}.y`]);
      g.output(`${name}.y`, "float32");
    }
  },
  "QLinearSoftmax, of one axis and, as before operator set 13, of all from one on": (g) => {
    const a = quantizedInput(g);
    const of = ofResult(g, 1 / 256, 0);
    for (const [name, opset, axis] of [
      ["new", 13, 1],
      ["last", 13, -1],
      ["old", 11, 1],
    ] as const) {
      g.node("QLinearSoftmax", [...a, ...of], [name], { axis, opset }, "com.microsoft");
      g.node("DequantizeLinear", [name, "y.scale", "y.zero"], [`${name}.y`]);
      g.output(`${name}.y`, "float32");
    }
  },
  "QuantizeLinear and DequantizeLinear of this domain, with one scale and with one a column": (g) => {
    one(g, "one.scale", 0.013);
    zero(g, "one.zero", -7, "int8");
    g.float("scales", { shape: [3], data: [0.01, 0.05, 0.1] });
    g.tensor("zeros", "uint16", { shape: [3], data: [3, 40_000, 0] });
    for (const [name, scale, from] of [
      ["one", "one.scale", "one.zero"],
      ["column", "scales", "zeros"],
    ] as const) {
      g.node("QuantizeLinear", ["x", scale, from], [name], { axis: 2 }, "com.microsoft");
      g.node("DequantizeLinear", [name, scale, from], [`${name}.y`], { axis: 2 }, "com.microsoft");
      g.output(`${name}.y`, "float32");
    }
  },
  "DynamicQuantizeMatMul and MatMulIntegerToFloat": (g) => {
    g.tensor("w", "int8", weights("w", -64, 3, 6));
    g.float("w.scale", { shape: [6], data: [0.01, 0.02, 0.015, 0.03, 0.05, 0.002] });
    g.tensor("w.zero", "int8", { shape: [6], data: [0, 0, 0, 0, 0, 0] });
    g.float("bias", { shape: [6], data: [1, -2, 0, 0.5, 3, 0.25] });
    g.node("DynamicQuantizeMatMul", ["x", "w", "w.scale", "w.zero", "bias"], ["y"], {}, "com.microsoft");
    g.node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]);
    g.node(
      "MatMulIntegerToFloat",
      ["q", "w", "scale", "w.scale", "zero", "w.zero", "bias"],
      ["z"],
      {},
      "com.microsoft",
    );
    for (const name of ["y", "z"]) g.output(name, "float32");
  },
};

async function both(build: (graph: GraphWriter) => void, shape: readonly number[] = [T, 2, 3]) {
  const graph = new GraphWriter();
  const x = floats("x", ...shape);
  graph.input("x", "float32", x.shape);
  build(graph);
  const file = graph.finish("quantized");
  // One thread: with several, ONNX Runtime's LSTM takes a scale for each part of a batch.
  const session = await onnxRuntime!.InferenceSession.create(file, { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const theirs = await session.run({ x: new onnxRuntime!.Tensor("float32", x.data, x.shape) });
  const differences: number[] = [];
  for (const name of ["reference", "wasm"] as const) {
    const machine = await openMachine(name);
    const ours = await openOnnx(file, { machine }).run({ x });
    for (const [output, { data, dims }] of Object.entries(theirs)) {
      expect(ours[output]!.shape).toEqual(dims);
      differences.push(difference(ours[output]!.data, Array.from(data as Float32Array)));
    }
    machine.close();
  }
  await session.release();
  return Math.max(...differences);
}

/** What a quantized LSTM is asked for. */
interface LstmCase {
  readonly T: number;
  readonly B: number;
  readonly D: number;
  readonly H: number;
  readonly direction?: "forward" | "reverse" | "bidirectional";
  readonly lengths?: readonly number[];
  readonly states?: boolean;
  readonly peepholes?: boolean;
  /** One scale a column of the weights in place of one a direction. */
  readonly perColumn?: boolean;
  readonly unsigned?: boolean;
  readonly outputs?: readonly string[];
}

function quantizedLstm(g: GraphWriter, c: LstmCase): void {
  const { B, D, H, direction = "forward", outputs = ["Y", "Y_h", "Y_c"] } = c;
  const directions = direction === "bidirectional" ? 2 : 1;
  const type = c.unsigned ? "uint8" : "int8";
  for (const [name, inputs] of [
    ["W", D],
    ["R", H],
  ] as const) {
    g.tensor(name, type, weights(name, c.unsigned ? 40 : -64, directions, inputs, 4 * H));
    const shape = c.perColumn ? [directions, 4 * H] : [directions];
    const scales = floats(`${name}.scale`, ...shape).data.map((n) => 0.005 + Math.abs(n) / 100);
    g.float(`${name}.scale`, { shape, data: scales });
    const zeroPoint = c.unsigned ? 103 : 0;
    g.tensor(`${name}.zero`, type, { shape, data: Array.from(scales, () => zeroPoint) });
  }
  g.float("B", floats("B", directions, 8 * H));
  if (c.lengths) g.tensor("lengths", "int32", { shape: [B], data: c.lengths });
  for (const name of ["h0", "c0"]) if (c.states) g.float(name, floats(name, directions, B, H));
  if (c.peepholes) g.float("P", floats("P", directions, 3 * H));
  g.node(
    "DynamicQuantizeLSTM",
    [
      ...["x", "W", "R", "B", c.lengths ? "lengths" : "", c.states ? "h0" : "", c.states ? "c0" : ""],
      ...[c.peepholes ? "P" : "", "W.scale", "W.zero", "R.scale", "R.zero"],
    ],
    ["Y", "Y_h", "Y_c"].map((name) => (outputs.includes(name) ? name : "")),
    { hidden_size: H, direction },
    "com.microsoft",
  );
  for (const name of outputs) g.output(name, "float32");
}

const lstms: readonly LstmCase[] = [
  { T: 1, B: 1, D: 1, H: 1 },
  { T: 7, B: 1, D: 5, H: 33 },
  { T: 9, B: 3, D: 4, H: 17, direction: "bidirectional" },
  { T: 6, B: 5, D: 3, H: 9, direction: "reverse", states: true },
  { T: 8, B: 3, D: 7, H: 11, direction: "bidirectional", states: true, peepholes: true, perColumn: true },
  { T: 5, B: 2, D: 3, H: 6, direction: "bidirectional", unsigned: true },
  { T: 7, B: 4, D: 3, H: 5, direction: "bidirectional", states: true, lengths: [6, 2, 5, 0] },
  { T: 7, B: 3, D: 3, H: 5, direction: "bidirectional", lengths: [1, 5, 3], outputs: ["Y_h", "Y_c"] },
];

describe.skipIf(!onnxRuntime)(`8-bit operators as ONNX Runtime computes them${withoutOnnxRuntime}`, () => {
  test.each(Object.entries({ ...models, ...convolutions, ...microsoft }))("%s", async (_, build) => {
    expect(await both(build)).toBeLessThanOrEqual(1e-6);
  });

  test.each(lstms)("DynamicQuantizeLSTM %o", async (c) => {
    expect(await both((g) => quantizedLstm(g, c), [c.T, c.B, c.D])).toBeLessThanOrEqual(1e-5);
  });
});
