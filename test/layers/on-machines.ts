import { afterAll, beforeAll, describe } from "vitest";
import type { Machine } from "../../src/compute/machine.ts";
import { type MachineName, openMachine } from "../../src/compute/open.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { type HasParameters, layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";
import type { GoldenTensor } from "../support/golden.ts";

/** How far a machine may be from PyTorch's float64. */
export interface Tolerance {
  readonly output: number;
  readonly gradient: number;
}
const tolerances: Record<MachineName, Tolerance> = {
  reference: { output: 1e-10, gradient: 1e-10 },
  wasm: { output: 2e-6, gradient: 1e-5 },
};

/** The same tests on every machine. `machine()` is open while they run. */
export function onMachines(
  title: string,
  tests: (machine: () => Machine, tolerance: Tolerance, name: MachineName) => void,
): void {
  describe.each(Object.keys(tolerances) as MachineName[])(`${title} on %s`, (name) => {
    let open: Machine;
    beforeAll(async () => {
      open = await openMachine(name);
    });
    afterAll(() => open.close());
    tests(() => open, tolerances[name], name);
  });
}

type Plain = Pick<GoldenTensor, "shape" | "data"> & { readonly dtype?: string };
export const isInt = (t: Plain): boolean => t.data instanceof Int32Array;

export interface Case {
  readonly machine: Machine;
  /** Written to inputs of the same names; whole numbers become int inputs. */
  readonly inputs: Readonly<Record<string, Plain>>;
  readonly build: (inputs: Readonly<Record<string, Tensor>>, graph: Graph) => Tensor;
  /** The gradient that is sent back from the result; default 1 everywhere. */
  readonly seed?: Plain;
  /** Layers with the values of their parameters. */
  readonly model?: HasParameters;
  readonly parameters?: Readonly<Record<string, Plain>>;
  readonly training?: boolean;
  readonly scalars?: (graph: Graph) => Readonly<Record<string, number>>;
}

export interface Result {
  readonly shape: readonly number[];
  readonly output: ArrayLike<number>;
  /** ∂/∂ of inputs and parameters by name. */
  readonly gradients: Readonly<Record<string, ArrayLike<number>>>;
}

/** Records, runs and reads one small graph. */
export async function evaluate(c: Case): Promise<Result> {
  const { machine, training = true } = c;
  const layout = c.model && layoutParameters(c.model);
  const store = layout && (await createParameters({ machine, layout }));
  for (const [name, value] of Object.entries(c.parameters ?? {})) store!.write(name, value);
  const graph = new Graph({ machine, training, ...(layout && { parameters: layout }) });
  const tensors: Record<string, Tensor> = {};
  for (const [name, t] of Object.entries(c.inputs))
    tensors[name] = graph.input(name, t.shape, isInt(t) ? { type: "int" } : { differentiable: training });
  const result = c.build(tensors, graph);
  graph.output("result", result);
  if (training) graph.backward([[result, c.seed ? graph.constant(result.shape, c.seed.data) : 1]]);
  store?.arena("gradients");
  const executable = await compile(graph, { machine, ...(store && { arenas: store.arenas }) });
  for (const [name, t] of Object.entries(c.inputs)) executable.write(name, t.data);
  executable.run(c.scalars?.(graph));
  const gradients: Record<string, ArrayLike<number>> = {};
  for (const [name, t] of Object.entries(tensors))
    if (graph.adjoint(t)) gradients[name] = await executable.readAdjoint(t);
  if (training && store) for (const name of store.names) gradients[name] = await store.read(name, "gradients");
  const output = await executable.read("result");
  executable.close();
  store?.close();
  return { shape: result.shape, output, gradients };
}
