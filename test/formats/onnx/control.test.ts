import { describe, expect, test } from "vitest";
import { openMachine } from "../../../src/compute/open.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { readOnnx } from "../../../src/formats/onnx/model.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { rewriteOnnx } from "../../../src/formats/onnx/rewrite.ts";
import type { ModelArray } from "../../../src/formats/plans.ts";
import { difference } from "../../support/difference.ts";
import { onnxRuntime } from "../../support/onnxruntime.ts";

const number = (value: number) => ({ shape: [], data: [value] });
const x = { shape: [3, 2], data: [1, -2, 0.5, 4, -1, 3] };

/** h ← tanh(h + x_t), gathering h: a recurrence as operators. */
function scanBody(): GraphWriter {
  const body = new GraphWriter();
  body.input("h", "float32", [2]);
  body.input("x_t", "float32", [2]);
  body.node("Add", ["h", "x_t"], ["sum"]);
  body.node("Tanh", ["sum"], ["h_next"]);
  body.node("Identity", ["h_next"], ["y"]);
  body.output("h_next", "float32", [2]);
  body.output("y", "float32", [2]);
  return body;
}

function scanModel(attributes: Readonly<Record<string, number | readonly number[]>>): Uint8Array {
  const graph = new GraphWriter();
  graph.input("x", "float32", [3, 2]);
  graph.float("h0", { shape: [2], data: [0.1, -0.2] });
  graph.node("Scan", ["h0", "x"], ["h", "y"], { body: scanBody(), num_scan_inputs: 1, ...attributes });
  graph.output("h", "float32", [2]);
  graph.output("y", "float32", [3, 2]);
  return graph.finish("scan");
}

/** h ← 2 h + turn while turn < count and h is small; every h is gathered. `count` and the first h are inputs. */
function loopModel(): Uint8Array {
  const body = new GraphWriter();
  body.input("turn", "int64", []);
  body.input("going", "bool", []);
  body.input("h", "float32", [2]);
  body.node("Cast", ["turn"], ["number"], { to: 1 });
  body.node("Add", ["h", "h"], ["twice"]);
  body.node("Add", ["twice", "number"], ["h_next"]);
  body.node("Less", ["turn", "last"], ["going_on"]);
  body.node("Identity", ["h_next"], ["y"]);
  body.output("going_on", "bool", []);
  body.output("h_next", "float32", [2]);
  body.output("y", "float32", [2]);
  const graph = new GraphWriter();
  graph.input("count", "int64", []);
  graph.input("first", "float32", [2]);
  graph.tensor("last", "int64", number(3));
  graph.tensor("yes", "bool", number(1));
  graph.node("Loop", ["count", "yes", "first"], ["h", "y"], { body });
  graph.output("h", "float32", [2]);
  graph.output("y", "float32", ["turns", 2]);
  return graph.finish("loop");
}

async function runs(bytes: Uint8Array, inputs: Record<string, ModelArray>): Promise<Record<string, ModelArray>> {
  const [reference, wasm] = [await openMachine("reference"), await openMachine("wasm")];
  try {
    const expected = await openOnnx(bytes, { machine: reference }).run(inputs);
    const came = await openOnnx(bytes, { machine: wasm }).run(inputs);
    for (const [name, { shape, data }] of Object.entries(expected)) {
      expect(came[name]!.shape).toEqual(shape);
      expect(difference(came[name]!.data, data)).toBeLessThanOrEqual(2e-6);
    }
    return expected;
  } finally {
    reference.close();
    wasm.close();
  }
}

async function expectRuntime(bytes: Uint8Array, inputs: Record<string, unknown>, ours: Record<string, ModelArray>) {
  const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const theirs = await session.run(inputs as never);
  for (const [name, { shape, data }] of Object.entries(ours)) {
    expect(theirs[name]!.dims).toEqual(shape);
    expect(difference(data, Array.from(theirs[name]!.data as Float32Array))).toBeLessThanOrEqual(1e-6);
  }
  await session.release();
}

describe("loops around operators", () => {
  test.each([[{}], [{ scan_input_directions: [1] }], [{ scan_output_directions: [1] }]])(
    "Scan goes through an axis: %o",
    async (attributes) => {
      const bytes = scanModel(attributes);
      const result = await runs(bytes, { x });
      const backwards = "scan_input_directions" in attributes;
      let h = [0.1, -0.2];
      const y = [0, 1, 2].map((t) => {
        const at = backwards ? 2 - t : t;
        h = h.map((value, k) => Math.tanh(value + x.data[2 * at + k]!));
        return h;
      });
      if ("scan_output_directions" in attributes) y.reverse();
      expect(difference(result.y!.data, y.flat())).toBeLessThanOrEqual(1e-7);
      expect(difference(result.h!.data, h)).toBeLessThanOrEqual(1e-7);
      if (onnxRuntime)
        await expectRuntime(
          bytes,
          { x: new onnxRuntime.Tensor("float32", Float32Array.from(x.data), x.shape) },
          result,
        );
    },
  );

  test.each([2, 9])("Loop ends after %i turns at the most, or when its condition says so", async (count) => {
    const bytes = loopModel();
    const first = { shape: [2], data: [0.5, -1] };
    const result = await runs(bytes, { count: number(count), first });
    const turns = Math.min(count, 4);
    expect(result.y!.shape).toEqual([turns, 2]);
    expect(Array.from(result.h!.data)).toEqual(count === 2 ? [3, -3] : [19, -5]);
    if (onnxRuntime)
      await expectRuntime(
        bytes,
        {
          count: new onnxRuntime.Tensor("int64", BigInt64Array.of(BigInt(count)), []),
          first: new onnxRuntime.Tensor("float32", Float32Array.from(first.data), [2]),
        },
        result,
      );
  });

  test("a file that asks for endless turns is refused", async () => {
    const machine = await openMachine("reference");
    const body = new GraphWriter();
    body.input("turn", "int64", []);
    body.input("going", "bool", []);
    body.node("Identity", ["going"], ["on"]);
    body.output("on", "bool", []);
    const graph = new GraphWriter();
    graph.input("x", "float32", [1]);
    graph.tensor("yes", "bool", number(1));
    graph.node("Loop", ["", "yes"], [], { body });
    graph.node("Neg", ["x"], ["y"]);
    graph.output("y", "float32", [1]);
    const program = openOnnx(graph.finish("endless"), { machine });
    await expect(program.run({ x: { shape: [1], data: [1] } })).rejects.toThrow(/more than 100000 operators/);
    machine.close();
  });

  test("two branches may call different tensors alike", async () => {
    const branch = (value: number): GraphWriter => {
      const graph = new GraphWriter();
      graph.float("w", { shape: [2], data: [value, value + 1] });
      graph.node("Mul", ["x", "w"], ["product"]);
      graph.output("product", "float32", [2]);
      return graph;
    };
    const graph = new GraphWriter();
    graph.input("x", "float32", [2]);
    graph.input("which", "bool", []);
    graph.node("If", ["which"], ["y"], { then_branch: branch(3), else_branch: branch(10) });
    graph.output("y", "float32", [2]);
    const machine = await openMachine("wasm");
    const bytes = graph.finish("branches");
    const program = openOnnx(bytes, { machine });
    const run = async (which: number, own = program): Promise<readonly number[]> =>
      Array.from((await own.run({ x: { shape: [2], data: [1, 1] }, which: number(which) })).y!.data);
    expect(await run(1)).toEqual([3, 4]);
    expect(await run(0)).toEqual([10, 11]);
    expect(await run(1)).toEqual([3, 4]);
    const weights = new Map([["y.else_branch.w", { shape: [2], data: [5, 6] }]]);
    const changed = openOnnx(rewriteOnnx({ graph: readOnnx(bytes), bytes, weights }), { machine });
    expect([await run(1, changed), await run(0, changed)]).toEqual([
      [3, 4],
      [5, 6],
    ]);
    expect(program.parameters.names).toEqual(["y.then_branch.w", "y.else_branch.w"]);
    machine.close();
  });
});
