import { describe, expect, test } from "vitest";
import { openMachine } from "../../src/compute/open.ts";
import { GraphWriter } from "../../src/formats/onnx/graph-writer.ts";
import { type Model, open } from "../../src/formats/open.ts";
import type { ModelArray } from "../../src/formats/plans.ts";
import type { ProgramTrace } from "../../src/formats/program.ts";
import { size } from "../../src/shared/shapes.ts";
import { B, E, H, imported, normal, stateDict, T, V } from "./imported-model.ts";

/*
 * What L thinks of the values of imported models: gradients of a trace against central differences of the parameters, which go
 * another way through the model. The bias of a gate is added to its sum at every step, so ∂L/∂bias = Σ ∂L/∂pre over steps and batch.
 */

/** ∂L/∂ of elements of a parameter, by central differences. */
async function differences(
  { model, inputs, output, seed }: { model: Model; inputs: Record<string, ModelArray>; output: string; seed: object },
  name: string,
  elements: readonly number[],
): Promise<number[]> {
  const loss = async (): Promise<number> => {
    const { data } = (await model.run(inputs))[output]!;
    const weights = (seed as Record<string, number[]>)[output]!;
    return weights.reduce((sum, s, k) => sum + s * data[k]!, 0);
  };
  const data = Float64Array.from(await model.parameters.read(name));
  const found: number[] = [];
  for (const k of elements) {
    const at = async (change: number): Promise<number> => {
      model.parameters.write(
        name,
        data.map((v, j) => (j === k ? v + change : v)),
      );
      return loss();
    };
    found.push(((await at(2 ** -9)) - (await at(-(2 ** -9)))) * 2 ** 8);
  }
  model.parameters.write(name, data);
  return found;
}

const sumOverSteps = ({ shape, data }: ModelArray): number[] => {
  const units = shape[2]!;
  return Array.from({ length: units }, (_, u) => {
    let sum = 0;
    for (let k = u; k < data.length; k += units) sum += data[k]!;
    return sum;
  });
};

describe("traces of imported models", () => {
  test.each([
    ["pytorch", 4, false, false],
    ["pytorch", 3, true, true],
    ["keras", 4, true, true],
    ["onnx", 4, true, false],
    ["onnx", 3, false, true],
  ] as const)("%s, %i gates: gradients are those of central differences", async (to, gates, tokens, both) => {
    const machine = await openMachine("reference");
    const read = await imported(stateDict({ gates, tokens, both }), to, machine);
    const { model, inputs, output, seed } = read;
    // The update gate of a GRU and the forget gate of an LSTM, rows 1 of 3 and of 4.
    const gate = gates === 4 ? "f" : "z";
    const names = [gate, `pre.${gate}`, "h"];
    const { values, gradients, outputs } = await model.trace(inputs, { names, gradients: true, outputGradients: seed });
    expect(outputs[output]).toEqual((await model.run(inputs))[output]);
    const layers = both ? 2 : 1;
    expect(Object.keys(values)).toHaveLength(names.length * layers);
    expect(Object.keys(gradients)).toEqual(Object.keys(values));
    const pre = Object.keys(gradients).find((key) => key.endsWith(`.pre.${gate}`))!;
    expect(gradients[pre]!.shape).toEqual([T, B, H]);
    // The file's own order of gates and name of the bias.
    const onnx = { f: 2, z: 0 }[gate];
    const [bias, row] =
      to === "onnx"
        ? [model.parameters.names.find((n) => model.parameters.shape(n).at(-1) === 2 * gates * H)!, onnx]
        : [model.parameters.names.find((n) => n.endsWith("bias_ih_l0"))!, 1];
    const places = Array.from({ length: H }, (_, u) => row * H + u);
    const expected = await differences(read, bias, places);
    const came = sumOverSteps(gradients[pre]!);
    for (const [u, want] of expected.entries())
      expect(Math.abs(came[u]! - want)).toBeLessThan(1e-4 * Math.max(1e-3, Math.abs(want)));
    // Through the activation: ∂L/∂pre = ∂L/∂gate · gate (1 − gate).
    const [v, d] = [values[pre.replace("pre.", "")]!.data, gradients[pre.replace("pre.", "")]!.data];
    Array.from(gradients[pre]!.data).forEach((g, k) => {
      expect(g).toBeCloseTo(d[k]! * v[k]! * (1 - v[k]!), 10);
    });
    model.close();
    machine.close();
  });

  test("on wasm they are the reference's", async () => {
    const [wasm, reference] = [await openMachine("wasm"), await openMachine("reference")];
    const bytes = stateDict({ gates: 4, tokens: false, both: false });
    const traces: ProgramTrace[] = [];
    for (const machine of [wasm, reference]) {
      const { model, inputs, seed } = await imported(bytes, "pytorch", machine);
      traces.push(await model.trace(inputs, { gradients: true, outputGradients: seed }));
      model.close();
      machine.close();
    }
    for (const [name, { data }] of Object.entries(traces[1]!.gradients))
      Array.from(data).forEach((g, k) => {
        expect(traces[0]!.gradients[name]!.data[k]).toBeCloseTo(g, 5);
      });
  });

  test("a graph of tokens without states has a way back too", async () => {
    const graph = new GraphWriter();
    graph.input("tokens", "int64", ["time", 1]);
    const float = (name: string, shape: number[]) => graph.float(name, { shape, data: normal(size(shape), name) });
    const table = float("table", [V, E]);
    const weights = [float("W", [1, H, E]), float("R", [1, H, H]), float("bias", [1, 2 * H])];
    graph.node("Gather", [table, "tokens"], ["x"], { axis: 0 });
    graph.node("RNN", ["x", ...weights], ["y"], { hidden_size: H });
    graph.output("y", "float32");
    graph.output("x", "float32");
    const machine = await openMachine("reference");
    const model = await open(graph.finish("tokens"), { machine });
    const read = { model, inputs: { tokens: { shape: [T, 1], data: [3, 0, 2] } }, output: "y" };
    const seed = { y: normal(T * H, "seed") };
    const { gradients } = await model.trace(read.inputs, { names: ["pre.a"], gradients: true, outputGradients: seed });
    const [came] = Object.values(gradients).map(sumOverSteps);
    const expected = await differences({ ...read, seed }, "bias", [0, 1, 2, 3]);
    for (const [u, want] of expected.entries()) expect(Math.abs(came![u]! - want)).toBeLessThan(1e-4 * Math.abs(want));
    // Rows of a table by tokens come before all that is traced.
    const reading = model.trace(read.inputs, { gradients: true, outputGradients: { x: normal(T * E, "seed") } });
    await expect(reading).rejects.toMatchObject({
      code: "not-differentiable",
      message: expect.stringMatching(/^outputGradients\.x: this output has no gradient/),
    });
    model.close();
    machine.close();
  });

  test("what cannot be traced is refused, with the reason", async () => {
    const machine = await openMachine("reference");
    const { model, inputs, output } = await imported(
      stateDict({ gates: 4, tokens: true, both: false }),
      "onnx",
      machine,
    );
    await expect(model.trace(inputs, { names: ["q"] })).rejects.toMatchObject({ code: "unknown-choice" });
    await expect(model.trace(inputs, { gradients: true })).rejects.toMatchObject({ code: "missing-output-gradients" });
    await expect(model.trace(inputs, { gradients: true, outputGradients: { y: [1] } })).rejects.toMatchObject({
      code: "unknown-choice",
    });
    await expect(model.trace(inputs, { gradients: true, outputGradients: { [output]: [1] } })).rejects.toMatchObject({
      code: "shape-mismatch",
    });
    await expect(model.trace(inputs, { maxBytes: 100 })).rejects.toMatchObject({ code: "trace-too-large" });
    expect(Object.keys((await model.trace(inputs, { names: ["f"] })).values)).toHaveLength(1);
    model.close();
    machine.close();
  });
});
