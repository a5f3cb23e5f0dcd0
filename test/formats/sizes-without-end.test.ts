import { beforeAll, expect, test } from "vitest";
import type { Machine } from "../../src/compute/machine.ts";
import { openMachine } from "../../src/compute/open.ts";
import type { CanonicalModel, LayerSpec } from "../../src/formats/canonical.ts";
import { GraphWriter } from "../../src/formats/onnx/graph-writer.ts";
import { openOnnx } from "../../src/formats/onnx/program.ts";
import { openNetwork } from "../../src/formats/open-network.ts";
import type { Program } from "../../src/formats/program.ts";
import { randomInputs } from "../../src/formats/verify.ts";
import { FailureError, LongshortError } from "../../src/shared/errors.ts";

/*
 * A number in a file costs it a few bytes and may ask for any amount of memory: padding, repetitions, windows, shapes of inputs. What
 * comes of it is an ordinary error, at once and before anything of that size is filled.
 */

async function refused(open: (machine: Machine) => Program): Promise<void> {
  const machine = await openMachine("wasm", { maxBytes: 2 ** 26, threads: 1 });
  const [cpu, memory] = [process.cpuUsage(), process.memoryUsage().rss];
  const error = await (async () => {
    const program = open(machine);
    await program.run(await randomInputs(program));
  })().then(
    () => undefined,
    (cause: unknown) => cause,
  );
  const { user, system } = process.cpuUsage(cpu);
  machine.close();
  expect(error).toBeInstanceOf(LongshortError);
  expect((user + system) / 1e6).toBeLessThan(2);
  expect(process.memoryUsage().rss - memory).toBeLessThan(512 * 2 ** 20);
}

const sizes = [2 ** 28, 2 ** 31, 2 ** 40] as const;

const node = (
  op: string,
  more: readonly (readonly number[])[] = [],
  attributes: Parameters<GraphWriter["node"]>[3] = {},
  shape: readonly number[] = [1, 2, 8],
): Uint8Array => {
  const graph = new GraphWriter();
  graph.input("x", "float32", shape);
  const known = more.map((values, k) => graph.whole(`known${k}`, values));
  graph.node(op, ["x", ...known], ["y"], attributes);
  graph.output("y", "float32");
  return graph.finish("one");
};
const graphs: readonly [string, (n: number) => Uint8Array][] = [
  ["Expand", (n) => node("Expand", [[n, 1, 2, 8]])],
  ["Tile", (n) => node("Tile", [[1, 1, n]])],
  ["Pad with a constant", (n) => node("Pad", [[0, 0, n, 0, 0, 0]])],
  ["Pad with the edge", (n) => node("Pad", [[0, 0, n, 0, 0, 0]], { mode: "edge" })],
  ["Pad by reflection", (n) => node("Pad", [[0, 0, n, 0, 0, 0]], { mode: "reflect" })],
  ["MaxPool, its window", (n) => node("MaxPool", [], { kernel_shape: [n], pads: [n, n] })],
  ["MaxPool, its padding", (n) => node("MaxPool", [], { kernel_shape: [2], pads: [n, n] })],
  ["AveragePool", (n) => node("AveragePool", [], { kernel_shape: [n], pads: [n, n] })],
  ["an input", (n) => node("Relu", [], {}, [n])],
];
test.each(graphs)("ONNX: %s", async (_, make) => {
  for (const n of sizes) await refused((machine) => openOnnx(make(n), { machine }));
});

test("ONNX: a constant that no machine holds is a failure, as it is documented, and names its node", async () => {
  const graph = new GraphWriter();
  graph.input("x", "float32", [2]);
  graph.node("ConstantOfShape", [graph.whole("shape", [2 ** 28])], ["y"]);
  graph.output("y", "float32");
  const machine = await openMachine("reference");
  const program = openOnnx(graph.finish("one"), { machine });
  const error: unknown = await program.run({ x: { shape: [2], data: [0, 0] } }).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(FailureError);
  expect(error).toMatchObject({ code: "too-large-onnx", message: expect.stringMatching(/^node .*ConstantOfShape/) });
  machine.close();
});

const dense = { outputSize: 2, bias: false, activation: { name: "identity" } } as const;
const convolution = (o: { dilation: number; padding: "same" | "causal" }): LayerSpec => ({
  ...{ kind: "convolution", inputSize: 2, kernelSize: 2, stride: 1, ...dense, ...o },
});
const layers: readonly [string, (n: number) => readonly LayerSpec[]][] = [
  ["RepeatVector", (n) => [{ kind: "flatten" }, { kind: "repeat", times: n }]],
  ["Conv1D, causal", (n) => [convolution({ dilation: n, padding: "causal" })]],
  ["Conv1D, same", (n) => [convolution({ dilation: n, padding: "same" })]],
  ["Reshape", (n) => [{ kind: "reshape", shape: [n, -1] }]],
];
const chain = (specs: readonly LayerSpec[]): CanonicalModel => ({
  name: "chain",
  inputs: [{ name: "x", type: "float", shape: [4, 2] }],
  layers: new Map(specs.map((spec, k) => [`layer${k}`, spec])),
  nodes: specs.map((_, k) => ({
    ...{ name: `layer${k}`, layer: `layer${k}` },
    ...{ inputs: [k === 0 ? "x" : `v${k - 1}`], outputs: [`v${k}`] },
  })),
  outputs: [{ name: "y", value: `v${specs.length - 1}` }],
  weights: new Map(
    specs.flatMap(({ kind }, k) =>
      kind === "convolution" ? [[`layer${k}.weight`, { shape: [2, 2, 2], data: new Float32Array(8).fill(1) }]] : [],
    ),
  ),
});
test.each(layers)("layers: %s", async (_, make) => {
  for (const n of sizes) await refused((machine) => openNetwork(chain(make(n)), { machine }));
});

// What is loaded and compiled once is not what is measured.
beforeAll(async () => {
  const machine = await openMachine("wasm", { threads: 1 });
  const program = openNetwork(chain([{ kind: "flatten" }]), { machine });
  await program.run(await randomInputs(program));
  machine.close();
});
