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
const H = 5;

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

async function both(build: (graph: GraphWriter) => void) {
  const graph = new GraphWriter();
  const x = floats("x", T, 2, 3);
  graph.input("x", "float32", x.shape);
  build(graph);
  const file = graph.finish("quantized");
  const session = await onnxRuntime!.InferenceSession.create(file, { logSeverityLevel: 3 });
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

describe.skipIf(!onnxRuntime)(`8-bit operators as ONNX Runtime computes them${withoutOnnxRuntime}`, () => {
  test.each(Object.entries(models))("%s", async (_, build) => {
    expect(await both(build)).toBeLessThanOrEqual(1e-6);
  });

  test("DynamicQuantizeLSTM: its weights, without the rounding of inputs and states there", async () => {
    const found = await both((g) => {
      g.tensor("W", "int8", bytes("W", -128, 2, 3, 4 * H));
      g.tensor("R", "int8", bytes("R", -128, 2, H, 4 * H));
      g.float("B", floats("B", 2, 8 * H));
      for (const name of ["W", "R"]) {
        g.float(`${name}.scale`, { shape: [2], data: [0.006, 0.004] });
        g.tensor(`${name}.zero`, "int8", { shape: [2], data: [0, 0] });
      }
      g.node(
        "DynamicQuantizeLSTM",
        ["x", "W", "R", "B", "", "", "", "", "W.scale", "W.zero", "R.scale", "R.zero"],
        ["Y", "Y_h", "Y_c"],
        { hidden_size: H, direction: "bidirectional" },
        "com.microsoft",
      );
      for (const name of ["Y", "Y_h", "Y_c"]) g.output(name, "float32");
    });
    expect(found).toBeLessThanOrEqual(0.02);
    expect(found).toBeGreaterThan(1e-5);
  });
});
