import type { Machine } from "../../../src/compute/machine.ts";
import type { Range } from "../../../src/compute/plan.ts";
import { openReference } from "../../../src/compute/reference/machine.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../../src/tensor/graph.ts";
import type { GraphOptions } from "../../../src/tensor/graph-options.ts";
import { type HasParameters, layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";

export const machine = openReference();

/** The machine once more, and how often each of its methods was called. */
export function watchedMachine() {
  const calls = new Map<string, number>();
  const watched = new Proxy<Machine>(machine, {
    get(target, name: keyof Machine) {
      const value = target[name] as unknown;
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        calls.set(String(name), (calls.get(String(name)) ?? 0) + 1);
        return value.apply(target, given);
      };
    },
  });
  return { machine: watched, calls };
}

/** Numbers without a pattern, the same in every run. */
export const numbers = (count: number, from = 0): number[] =>
  Array.from({ length: count }, (_, k) => Math.sin(1.7 * (k + from) + 0.3));

const toWrite = new WeakMap<Graph, Map<string, ArrayLike<number>>>();

/** An input of a graph that `compute` writes. */
export function given(
  graph: Graph,
  shape: readonly number[],
  data: ArrayLike<number> = numbers(shape.reduce((a, b) => a * b, 1)),
  options: { type?: Range["type"]; differentiable?: boolean } = {},
): Tensor {
  const inputs = toWrite.get(graph) ?? new Map();
  toWrite.set(graph, inputs);
  const name = `given ${inputs.size}`;
  inputs.set(name, data);
  return graph.input(name, shape, { differentiable: options.type !== "int", ...options });
}

/** Whole numbers as `given`. */
export const whole = (graph: Graph, shape: readonly number[], data: ArrayLike<number>): Tensor =>
  given(graph, shape, data, { type: "int" });

export interface ComputeOptions {
  /** What has parameters. */
  readonly of?: HasParameters;
  readonly training?: boolean;
  readonly graph?: Partial<GraphOptions>;
}

/** Numbers of what is recorded and, of the first that comes with a gradient, those of the gradients of all parameters and inputs. */
export async function compute(
  record: (graph: Graph) => Tensor | Readonly<Record<string, Tensor>>,
  { of = { parts: {} }, training = false, graph: more = {} }: ComputeOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const layout = layoutParameters(of);
  const store = await createParameters({ machine, layout });
  const graph = new Graph({ machine, parameters: layout, training, ...more });
  const result = record(graph);
  const outputs = "range" in result ? { result: result as Tensor } : (result as Readonly<Record<string, Tensor>>);
  for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor);
  const root = Object.values(outputs).find(({ differentiable }) => differentiable);
  if (root) graph.backward([[root, given(graph, root.shape)]]);
  const executable = await compile(graph, { machine, arenas: store.arenas });
  for (const [name, data] of toWrite.get(graph) ?? []) executable.write(name, data);
  executable.run(graph.randomScalars({ seed: 1, update: 1 }));
  const read: Record<string, unknown> = {};
  for (const [name, { shape }] of Object.entries(outputs)) read[name] = [shape, await executable.read(name)];
  for (const [name, tensor] of Object.entries(graph.inputs))
    if (graph.adjoint(tensor)) read[`gradient of ${name}`] = await executable.readAdjoint(tensor);
  if (root && training)
    for (const [name, parameter] of layout.names) {
      const tensor = graph.parameter(parameter);
      if (graph.adjoint(tensor)) read[`gradient of ${name}`] = await executable.readAdjoint(tensor);
    }
  executable.close();
  store.close();
  return read;
}
