import { expect } from "vitest";
import { openReference } from "../../src/compute/reference/machine.ts";
import { size } from "../../src/shared/shapes.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { difference } from "../support/difference.ts";

export type Inputs = Readonly<Record<string, Tensor>>;
export type Values = Readonly<Record<string, readonly number[]>>;
export type Shapes = Readonly<Record<string, readonly number[]>>;

/** Numbers of a fixed seed that are further than `apart` from each other, so that no kink lies within a difference. */
export function distinct(length: number, seed: number): number[] {
  const order = Array.from({ length }, (_, i) => i).sort((i, j) => hash(i + seed * 7919) - hash(j + seed * 7919));
  return order.map((k, i) => ((k + 0.5) / length - 0.5) * 3 + 0.01 * Math.sin(i + seed));
}
const hash = (x: number): number => Math.abs(Math.sin(x * 12.9898 + 78.233) * 43758.5453) % 1;

/** Weights of the elements of a result in the loss whose gradient is taken. */
const weight = (i: number): number => Math.sin(1 + 2.3 * i) + 0.1;

/** The result of `build`, and the gradients of `Σ weight · result` that were derived. */
export async function derived(
  shapes: Shapes,
  values: Values,
  build: (inputs: Inputs, graph: Graph) => Tensor,
  whole: Shapes = {},
): Promise<{ result: number[]; gradients: Record<string, number[]> }> {
  using machine = disposable(openReference());
  const graph = new Graph({ machine });
  const inputs: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(shapes)) inputs[name] = graph.input(name, shape, { differentiable: true });
  for (const [name, shape] of Object.entries(whole)) inputs[name] = graph.input(name, shape, { type: "int" });
  const result = build(inputs, graph);
  graph.output("result", result);
  const seed = graph.constant(
    result.shape,
    Array.from({ length: size(result.shape) }, (_, i) => weight(i)),
  );
  graph.backward([[result, seed]]);
  const executable = await compile(graph, { machine });
  for (const [name, data] of Object.entries(values)) executable.write(name, data);
  // What lay in the memory before must not matter.
  const { activations } = executable.arenas;
  if (activations) {
    const { length } = activations;
    machine.write(
      activations,
      { arena: "activations", offset: 0, length, type: "float" },
      new Array(length).fill(Number.NaN),
    );
  }
  executable.run();
  const gradients: Record<string, number[]> = {};
  for (const name of Object.keys(shapes)) gradients[name] = Array.from(await executable.readAdjoint(inputs[name]!));
  return { result: Array.from(await executable.read("result")), gradients };
}

/** Checks the derived gradients of `build` against central differences of its own results. */
export async function expectGradients(
  shapes: Shapes,
  values: Values,
  build: (inputs: Inputs, graph: Graph) => Tensor,
  whole: Shapes = {},
): Promise<number[]> {
  const { result, gradients } = await derived(shapes, values, build, whole);
  using machine = disposable(openReference());
  const graph = new Graph({ machine });
  const inputs: Record<string, Tensor> = {};
  for (const [name, shape] of Object.entries(shapes)) inputs[name] = graph.input(name, shape);
  for (const [name, shape] of Object.entries(whole)) inputs[name] = graph.input(name, shape, { type: "int" });
  graph.output("result", build(inputs, graph));
  const executable = await compile(graph, { machine });
  for (const [name, data] of Object.entries(values)) executable.write(name, data);
  const out = new Float64Array(result.length);
  const loss = (name: string, data: readonly number[]): number => {
    executable.write(name, data);
    executable.run();
    executable.readInto("result", out);
    return out.reduce((sum, v, i) => sum + weight(i) * v, 0);
  };
  for (const [name, gradient] of Object.entries(gradients)) {
    const data = values[name]!;
    const h = 1e-3;
    const slope = data.map((x, k) => {
      const at = (d: number): number => loss(name, data.with(k, x + d));
      return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    });
    executable.write(name, data);
    expect(difference(gradient, slope), `gradient of ${name}`).toBeLessThan(1e-8);
  }
  return result;
}

/** Machines are closed at the end of a block in tests. */
export function disposable<T extends { close(): void }>(thing: T): T & Disposable {
  return Object.assign(thing, { [Symbol.dispose]: () => thing.close() });
}
