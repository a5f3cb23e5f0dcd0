import { expect } from "vitest";
import type { CellSpec } from "../../../src/cells/registry.ts";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { readOnnx } from "../../../src/formats/onnx/model.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { writeOnnx } from "../../../src/formats/onnx/write.ts";
import type { ModelArray } from "../../../src/formats/plans.ts";
import { Recurrent } from "../../../src/layers/recurrent.ts";
import type { LanguageModel } from "../../../src/models/language-model.ts";
import { RandomStream } from "../../../src/shared/random.ts";
import { size } from "../../../src/shared/shapes.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { difference } from "../../support/difference.ts";
import { onnxRuntime } from "../../support/onnxruntime.ts";

export const uniform = (seed: number, name: string, shape: readonly number[]): ModelArray => ({
  shape,
  data: Float32Array.from(new RandomStream(seed, name).uniform(size(shape)), (x) => 2 * x - 1),
});

/** What our own model gives, by the names of the exported file, and that file. */
export async function ours(
  machine: SynchronousMachine,
  module: Recurrent | LanguageModel,
  input: ModelArray,
  spec?: CellSpec,
) {
  const seed = 7;
  const rnn = module instanceof Recurrent ? module : module.parts.rnn;
  const layout = layoutParameters(module);
  const parameters = await createParameters({ machine, layout });
  // Numbers that float32 holds, none of them zero.
  for (const [name, { shape }] of layout.names) parameters.write(name, uniform(seed, name, shape).data);
  const graph = new Graph({ machine, parameters: layout });
  const isRecurrent = module instanceof Recurrent;
  const x = graph.input("x", input.shape, { type: isRecurrent ? "float" : "int" });
  const B = input.shape[isRecurrent && rnn.options.batchFirst ? 0 : 1]!;
  const shapes = rnn.stateShapes(B);
  const states = Object.fromEntries(Object.entries(shapes).map(([name, s]) => [name, uniform(seed, name, s)]));
  const initial = Object.fromEntries(Object.entries(shapes).map(([name, s]) => [name, graph.input(name, s)]));
  const result = isRecurrent ? module.forward(x, { initial }) : module.forward(x, { initial });
  graph.output(isRecurrent ? "output" : "logits", "output" in result ? result.output : result.logits);
  for (const [name, t] of Object.entries(result.final)) graph.output(`${name}_out`, t);
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  executable.write("x", input.data);
  for (const [name, { data }] of Object.entries(states)) executable.write(name, data);
  executable.run();
  const outputs: Record<string, ModelArray> = {};
  for (const name of Object.keys(graph.outputs))
    outputs[name] = { shape: executable.shape(name), data: await executable.read(name) };
  const bytes = writeOnnx(module, await parameters.toTensors(), spec ? { cell: spec } : {});
  executable.close();
  parameters.close();
  return { bytes, inputs: { [isRecurrent ? "input" : "tokens"]: input, ...states }, states, outputs };
}

/** What a file says of the shapes that go in and come out holds, the steps and the examples of them being all that it leaves open. */
function expectShapes(made: Awaited<ReturnType<typeof ours>>): void {
  const { inputs, outputs } = readOnnx(made.bytes).graph;
  const open = new Map<unknown, number>();
  for (const { name, shape } of [...inputs, ...outputs]) {
    const came = (made.inputs[name] ?? made.outputs[name])!.shape;
    expect(shape, name).toHaveLength(came.length);
    for (const [axis, n] of shape!.entries()) {
      if (typeof n === "string" && !open.has(n)) open.set(n, came[axis]!);
      expect(typeof n === "string" ? open.get(n) : n, `${name}, axis ${axis}`).toBe(came[axis]);
    }
  }
  expect([...open.keys()].sort()).toEqual(["batch", "time"]);
}

export async function expectSame(
  machine: SynchronousMachine,
  made: Awaited<ReturnType<typeof ours>>,
  tolerance: number,
): Promise<void> {
  expectShapes(made);
  using program = openOnnx(made.bytes, { machine });
  const came = await program.run(made.inputs);
  expect(Object.keys(came).sort()).toEqual(Object.keys(made.outputs).sort());
  for (const [name, { shape, data }] of Object.entries(made.outputs)) {
    expect(came[name]!.shape, name).toEqual(shape);
    expect(difference(came[name]!.data, data), name).toBeLessThanOrEqual(tolerance);
  }
}

export async function expectSameInRuntime(made: Awaited<ReturnType<typeof ours>>): Promise<void> {
  const session = await onnxRuntime!.InferenceSession.create(made.bytes, { logSeverityLevel: 3 });
  const feeds = Object.fromEntries(
    Object.entries(made.inputs).map(([name, { shape, data }]) => [
      name,
      name === "tokens"
        ? new onnxRuntime!.Tensor("int64", BigInt64Array.from(Array.from(data, BigInt)), [...shape])
        : new onnxRuntime!.Tensor("float32", Float32Array.from(data), [...shape]),
    ]),
  );
  const came = await session.run(feeds);
  // A new state is a sum of the old one and a candidate. Where they cancel, float32 leaves 6e-8 of the terms, however small the
  // sum: a GRU of one unit gave 0.00100645 for 0.00100648. So the states that went in count for the scale too.
  const terms = Object.values(made.states).flatMap((state) => Array.from(state.data));
  for (const [name, { shape, data }] of Object.entries(made.outputs)) {
    expect(came[name]!.dims, name).toEqual([...shape]);
    const theirs = Array.from(came[name]!.data as Float32Array);
    expect(difference([...theirs, ...terms], [...Array.from(data), ...terms]), name).toBeLessThanOrEqual(1e-5);
  }
  await session.release();
}
