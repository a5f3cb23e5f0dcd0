import type { Machine } from "../../src/compute/machine.ts";
import { constant, mul, variable } from "../../src/math/expression.ts";
import type { Optimizer } from "../../src/optimizers/define.ts";
import { createMoments, type UpdateOptions, updateParameters } from "../../src/optimizers/update.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";
import { sumAll } from "../../src/tensor/operations.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

const [first, second] = [
  [1, -2, 3],
  [0.5, -0.25],
];

export interface DescendOptions extends UpdateOptions {
  readonly rate: number;
  readonly steps: number;
  /** Multiplies the loss, from its step on: NaN or Infinity make a step that must be left out. */
  readonly scale?: (step: number) => number;
  /** Added to each k; default 0. */
  readonly more?: number;
  /** The number given to the optimizer as the first step; default 1. */
  readonly from?: number;
}

/** Steps on the loss `scale · ½ Σ k p²`, whose gradient is k p: two parameters of 3 and 2 numbers, so that the arenas have gaps. */
export async function descend(machine: Machine, optimizer: Optimizer, options: DescendOptions) {
  const { rate, steps, scale = () => 1, more = 0, from = 1, ...limits } = options;
  const parameter = (values: readonly number[]) => ({ shape: [values.length], initialize: () => values });
  const model = { parts: { a: parameter(first!), b: parameter(second!), unused: parameter([7]) } };
  const layout = layoutParameters(model);
  const store = await createParameters({ machine, layout });
  const graph = new Graph({ machine, parameters: layout, training: true });
  const [k, p, s] = [variable("k"), variable("p"), variable("s")];
  const factor = graph.input("scale", []);
  const curvature = [1, 0.5, 2, 4, 0.1].map((value) => value + more);
  const loss = (["a", "b"] as const).map((name, i) => {
    const own = graph.constant([3 - i], i ? curvature.slice(3) : curvature.slice(0, 3));
    const value = mul(mul(constant(0.5), s), mul(k, mul(p, p)));
    return sumAll({ p: graph.parameter(model.parts[name]), k: own, s: factor }, value);
  });
  graph.backward(loss.map((l) => [l, 1] as const));
  const update = updateParameters(graph, optimizer, limits);
  const gradients = store.arena("gradients");
  createMoments(store, optimizer);
  const executable = await compile(graph, { machine, arenas: store.arenas });
  const norms: number[] = [];
  const skipped: number[] = [];
  const read = async (arena: string) => [...(await store.read("a", arena)), ...(await store.read("b", arena))];
  for (let step = 0; step < steps; step++) {
    executable.write("scale", [scale(step)]);
    executable.run(update.scalars(from + step, rate));
    norms.push((await executable.read("gradientNorm"))[0]!);
    skipped.push((await executable.read("skipped"))[0]!);
  }
  const moments: Record<string, number[]> = {};
  for (const name of Object.keys(optimizer.moments)) moments[name] = await read(`moment.${name}`);
  const result = {
    start: [...first!, ...second!],
    curvature,
    parameters: await read("parameters"),
    unused: (await store.read("unused"))[0],
    moments,
    norms,
    skipped,
    /** All of the arena, gaps included. */
    gradients: await machine.read(gradients, {
      arena: "gradients",
      offset: 0,
      length: layout.length,
      type: "float",
    }),
    /** Launches over the whole arena of parameters. */
    passes: graph
      .finish()
      .launches.filter(({ kernel, operands }) => kernel.op === "pointwise" && operands.p?.length === layout.length)
      .length,
  };
  executable.close();
  store.close();
  return result;
}
