import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { Recurrent, type RecurrentOptions } from "../../src/layers/recurrent.ts";
import { size } from "../../src/shared/shapes.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph, type Tensor } from "../../src/tensor/graph.ts";
import { layoutParameters } from "../../src/tensor/parameter.ts";
import { createParameters } from "../../src/tensor/parameter-store.ts";

export type Numbers = ArrayLike<number>;
export type Named<V = Numbers> = Readonly<Record<string, V>>;

/** What a recurrent layer is asked to compute. Shapes are those of `Recurrent.forward`. */
export interface RecurrentCase {
  readonly options: RecurrentOptions;
  /** T */
  readonly steps: number;
  /** B */
  readonly batch: number;
  /** By public name (`weight_ih_l0`); those not given keep their initial values. */
  readonly parameters?: Named;
  readonly input: Numbers;
  /** Initial state by name; a state left out is absent, not zeros. */
  readonly initial?: Named;
  /** [T, B] */
  readonly mask?: Numbers;
  readonly maskedOutput?: "zero" | "previous";
  readonly emptyState?: "initial" | "zero";
  readonly trace?: readonly string[];
  /** What is sent back from the output and from each final state; no gradients without it. */
  readonly up?: { readonly output?: Numbers; readonly final?: Named };
  /** Whether random masks are drawn and parameters have gradients. Default: whether `up` is given. */
  readonly training?: boolean;
  /** Parts that the sequence is recomputed in. */
  readonly recompute?: number;
  readonly seed?: number;
  readonly update?: number;
  readonly firstExample?: number;
}

export interface RecurrentResult {
  readonly output: Numbers;
  readonly final: Named;
  readonly traces: Named;
  /** ∂/∂ of `input`, `initial.STATE` and every parameter by its public name. */
  readonly gradients: Named;
  /** ∂/∂ of the traced values. */
  readonly traceGradients: Named;
}

/** What may change from run to run of one prepared layer. */
export type Changes = Pick<RecurrentCase, "parameters" | "initial" | "seed" | "update" | "firstExample"> & {
  readonly input?: Numbers;
};

export interface PreparedRecurrent {
  readonly layer: Recurrent;
  /** Parameters by public name as they are on the machine. */
  parameters(): Promise<Record<string, Numbers>>;
  run(changes?: Changes): Promise<RecurrentResult>;
  close(): void;
}

/** A recurrent layer on a machine, to be run as often as wanted. */
export async function prepareRecurrent(machine: SynchronousMachine, c: RecurrentCase): Promise<PreparedRecurrent> {
  const { options, steps, batch, up, trace } = c;
  const { training = up !== undefined } = c;
  const layer = new Recurrent(options);
  const layout = layoutParameters(layer);
  const store = await createParameters({ machine, layout, seed: 1 });
  store.arena("gradients");
  const graph = new Graph({ machine, parameters: layout, training, recompute: c.recompute });
  const differentiable = up !== undefined;
  const [first, second] = options.batchFirst ? [batch, steps] : [steps, batch];
  const x = graph.input("input", [first, second, options.inputSize], { differentiable });
  const shapes = layer.stateShapes(batch);
  const initial: Record<string, Tensor> = {};
  for (const name of Object.keys(c.initial ?? {}))
    initial[name] = graph.input(`initial.${name}`, shapes[name]!, { differentiable });
  const mask = c.mask && graph.input("mask", [steps, batch]);
  const result = layer.forward(x, {
    initial,
    mask,
    ...(c.maskedOutput && { maskedOutput: c.maskedOutput }),
    ...(c.emptyState && { emptyState: c.emptyState }),
    ...(trace && { trace }),
  });
  graph.output("output", result.output);
  for (const [name, t] of Object.entries(result.final)) graph.output(`final.${name}`, t);
  for (const [name, t] of Object.entries(result.traces)) graph.output(`trace.${name}`, t);
  if (up) {
    const seeds: [Tensor, Tensor][] = [];
    const seed = (t: Tensor, data: Numbers | undefined): void => {
      if (data) seeds.push([t, graph.constant(t.shape, data)]);
    };
    seed(result.output, up.output);
    for (const [name, t] of Object.entries(result.final)) seed(t, up.final?.[name]);
    graph.backward(seeds);
  }
  const executable = await compile(graph, { machine, arenas: store.arenas });
  if (c.mask) executable.write("mask", c.mask);
  const write = (changes: Changes): void => {
    for (const [name, data] of Object.entries(changes.parameters ?? {})) store.write(name, data);
    if (changes.input) executable.write("input", changes.input);
    for (const [name, data] of Object.entries(changes.initial ?? {})) executable.write(`initial.${name}`, data);
  };
  write(c);
  const adjoint = async (t: Tensor): Promise<Numbers> =>
    graph.adjoint(t) ? executable.readAdjoint(t) : new Float64Array(size(t.shape));
  return {
    layer,
    async parameters() {
      return Object.fromEntries(await Promise.all(store.names.map(async (n) => [n, await store.read(n)] as const)));
    },
    async run(changes = {}) {
      write(changes);
      const { seed = 1, update = 0, firstExample = 0 } = { ...c, ...changes };
      executable.run(graph.randomScalars({ seed, update, firstExample }));
      const read = async (prefix: string, tensors: Named<Tensor>): Promise<Record<string, Numbers>> => {
        const found: Record<string, Numbers> = {};
        for (const name of Object.keys(tensors)) found[name] = await executable.read(`${prefix}${name}`);
        return found;
      };
      const gradients: Record<string, Numbers> = {};
      const traceGradients: Record<string, Numbers> = {};
      if (up) {
        gradients.input = await adjoint(x);
        for (const [name, t] of Object.entries(initial)) gradients[`initial.${name}`] = await adjoint(t);
        if (training) for (const name of store.names) gradients[name] = await store.read(name, "gradients");
        for (const [name, t] of Object.entries(result.traces)) traceGradients[name] = await adjoint(t);
      }
      return {
        output: await executable.read("output"),
        final: await read("final.", result.final),
        traces: await read("trace.", result.traces),
        gradients,
        traceGradients,
      };
    },
    close() {
      executable.close();
      store.close();
    },
  };
}

/** One run of a recurrent layer. */
export async function runRecurrent(machine: SynchronousMachine, c: RecurrentCase): Promise<RecurrentResult> {
  const prepared = await prepareRecurrent(machine, c);
  try {
    return await prepared.run();
  } finally {
    prepared.close();
  }
}
