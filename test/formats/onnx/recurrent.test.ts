import { expect, test } from "vitest";
import { openMachine } from "../../../src/compute/open.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { RandomStream } from "../../../src/shared/random.ts";
import { size } from "../../../src/shared/shapes.ts";
import type { NamedTensor } from "../../../src/tensor/parameter-store.ts";

const [T, B, D, H] = [4, 3, 2, 5];
const gates = { RNN: 1, GRU: 3, LSTM: 4 } as const;
type Op = keyof typeof gates;

const numbers = (name: string, shape: readonly number[]): NamedTensor => ({
  shape,
  data: Float32Array.from(new RandomStream(2, name).uniform(size(shape)), (u) => u - 0.4),
});

/** Axes in another order. */
function permuted({ shape, data }: NamedTensor, order: readonly number[]): NamedTensor {
  const sizes = order.map((axis) => shape[axis]!);
  const stride = (axis: number): number => size(shape.slice(axis + 1));
  const at = (k: number): number =>
    order.reduce((sum, axis, i) => sum + (Math.floor(k / size(sizes.slice(i + 1))) % sizes[i]!) * stride(axis), 0);
  return { shape: sizes, data: Float32Array.from({ length: data.length }, (_, k) => data[at(k)]!) };
}

/** The node with everything that it can be given; `change` puts another tensor in place of one. */
function nodeOf(op: Op, direction: string, layout: 0 | 1, change: Readonly<Record<string, readonly number[]>> = {}) {
  const [G, way] = [gates[op], direction === "bidirectional" ? 2 : 1];
  const graph = new GraphWriter();
  const shapes: Record<string, readonly number[]> = {
    ...{ W: [way, G * H, D], R: [way, G * H, H], B: [way, 2 * G * H] },
    ...(op === "LSTM" && { P: [way, 3 * H] }),
    ...change,
  };
  for (const [name, shape] of Object.entries(shapes)) graph.float(name, numbers(name, shape));
  graph.tensor("lengths", "int32", { shape: [B], data: [4, 2, 3] });
  const states = op === "LSTM" ? ["h", "c"] : ["h"];
  const inputs: Record<string, NamedTensor> = { x: numbers("x", [T, B, D]) };
  for (const state of states) inputs[state] = numbers(state, [way, B, H]);
  if (layout === 1) for (const name of Object.keys(inputs)) inputs[name] = permuted(inputs[name]!, [1, 0, 2]);
  for (const [name, { shape }] of Object.entries(inputs)) graph.input(name, "float32", shape);
  const outputs = ["Y", ...states.map((state) => `Y_${state}`)];
  graph.node(op, ["x", "W", "R", "B", "lengths", ...states, ...(op === "LSTM" ? ["P"] : [])], outputs, {
    ...{ hidden_size: H, direction, layout },
  });
  for (const name of outputs) graph.output(name, "float32");
  return { bytes: graph.finish("node"), inputs };
}

const machine = await openMachine("reference");
const directions = ["forward", "reverse", "bidirectional"];
const all = (Object.keys(gates) as Op[]).flatMap((op) => directions.map((direction) => [op, direction] as const));

test.each(all)("%s %s: with the batch first it is the same function", async (op, direction) => {
  const [time, batch] = await Promise.all(
    ([0, 1] as const).map(async (layout) => {
      const { bytes, inputs } = nodeOf(op, direction, layout);
      using program = openOnnx(bytes, { machine });
      return await program.run(inputs);
    }),
  );
  for (const [name, value] of Object.entries(time!)) {
    // [T, D, B, H] is [B, T, D, H], a state [D, B, H] is [B, D, H].
    const { shape, data } = permuted(value, name === "Y" ? [2, 0, 1, 3] : [1, 0, 2]);
    expect(batch![name]!.shape, name).toEqual(shape);
    expect([...Float32Array.from(batch![name]!.data)], name).toEqual(Array.from(data));
    expect(new Set(Array.from(data)).size, name).toBeGreaterThan(2);
  }
});

test.each<[Op, string, readonly number[]]>([
  ["LSTM", "W", [1, 4 * H, D + 1]],
  ["GRU", "R", [1, 3 * H, H - 1]],
  ["RNN", "B", [1, H]],
  ["LSTM", "P", [1, 4 * H]],
])("%s: a tensor %s of another shape is refused", async (op, name, shape) => {
  const { bytes, inputs } = nodeOf(op, "forward", 0, { [name]: shape });
  using program = openOnnx(bytes, { machine });
  await expect(program.run(inputs)).rejects.toMatchObject({
    ...{ code: "unsupported-onnx", message: expect.stringContaining(`${name} has shape [${shape.join(", ")}]`) },
  });
});
