import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { openMachine } from "../../../src/compute/open.ts";
import { openReference } from "../../../src/compute/reference/machine.ts";
import type { WasmOptions } from "../../../src/compute/wasm/machine.ts";
import { embedding } from "../../../src/layers/embedding.ts";
import { linear } from "../../../src/layers/linear.ts";
import { mul, variable } from "../../../src/math/expression.ts";
import { quantize } from "../../../src/run/quantize.ts";
import { add } from "../../../src/tensor/arithmetic.ts";
import { type CompileOptions, compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import type { GraphOptions } from "../../../src/tensor/graph-options.ts";
import { bestPath, Lattice } from "../../../src/tensor/lattice.ts";
import {
  gather,
  type MatMulOptions,
  matmul,
  type PointwiseOptions,
  pointwise,
} from "../../../src/tensor/operations.ts";
import { type HasParameters, layoutParameters } from "../../../src/tensor/parameter.ts";
import {
  type CreateParametersOptions,
  createParameters,
  type NamedTensor,
} from "../../../src/tensor/parameter-store.ts";
import { type EffectTable, outcomeOf, shows } from "./effects.ts";
import { compute, given, machine, numbers, whole } from "./on-reference.ts";

const layer = linear({ inputSize: 4, outputSize: 3 });
const layout = layoutParameters(layer);
const other = layoutParameters(linear({ inputSize: 2, outputSize: 2 }));
const table = embedding({ vocabularySize: 5, embeddingSize: 2 });

/** A graph that can be seen from outside. */
const graphOf = (options: GraphOptions) => {
  const graph = new Graph(options);
  const learned = options.parameters !== undefined;
  if (learned) graph.backward([[layer.forward(given(graph, [2, 4])), 1]]);
  const { machine: _, parameters: __, ...seen } = graph;
  const taken = learned && graph.adjoint(graph.parameter(layer.weight)) !== undefined;
  return [graph.finish(), seen.training, seen.recompute, seen.touched, taken];
};

const read = async (initialize: object) => {
  const store = await createParameters({ machine, layout, ...initialize } as CreateParametersOptions);
  const result = await store.toTensors();
  store.close();
  return [...result];
};

const lattice = ({
  scores,
  weights,
  arcs = "all",
  mask,
}: {
  scores?: number;
  weights?: number;
  arcs?: "all" | "band";
  mask?: readonly number[];
}) =>
  compute((graph) => {
    const on = {
      scores: given(graph, [3, 2, 2], numbers(12, scores)),
      weights: graph.constant(arcs === "all" ? [2, 2] : [2, 3, 2], numbers(arcs === "all" ? 4 : 12, weights)),
      ...{ arcs, ...(mask && { mask: graph.constant([3, 2], mask) }) },
    };
    return new Lattice(on).logPartition();
  });

const store = async () => createParameters({ machine, layout });
const ones = (shape: readonly number[]): NamedTensor => ({
  shape,
  data: new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(1),
});
const complete = () => new Map([...layout.names].map(([name, { shape }]) => [name, ones(shape)]));
const declared = async (options: NonNullable<Parameters<Graph["input"]>[2]>) => {
  const graph = new Graph({ machine });
  const x = graph.input("x", [2], options);
  graph.output("y", add(x, x));
  if (x.differentiable) graph.backward([[graph.outputs.y!, 1]]);
  const executable = await compile(graph, { machine });
  const write = await outcomeOf(() => executable.write("x", [0.5, 3]));
  return [x.range.type, graph.adjoint(x) !== undefined, write];
};
const dropped = async (given: { perExample?: boolean; seed?: number; update?: number; firstExample?: number }) => {
  const { perExample, ...key } = given;
  const graph = new Graph({ machine, training: true });
  const mask = graph.empty([8]);
  graph.launch(
    { op: "random", shape: [8, 1, 1], strides: [1, 1, 1], draw: { kind: "keep", rate: 0.5, scale: 1 } },
    { key: graph.randomKey(perExample === undefined ? {} : { perExample }), out: mask.range },
  );
  graph.output("mask", mask);
  const executable = await compile(graph, { machine });
  executable.run(graph.randomScalars({ seed: 1, update: 1, ...key }));
  return executable.read("mask");
};

export const tensors: EffectTable = {
  compile: shows(
    async ({ machine: on, arenas }: CompileOptions) => {
      const graph = new Graph({ machine });
      graph.output("y", graph.state("s", [2]));
      const executable = await compile(graph, { machine: on, ...(arenas && { arenas }) });
      executable.run();
      return [executable.machine === machine, await executable.read("y")];
    },
    { machine },
    {
      machine: [openReference()],
      arenas: async () => {
        const arena = machine.arena("state", 16);
        machine.write(arena, { arena: "state", offset: 0, length: 2, type: "float" }, [3, 4]);
        const y = async (arenas?: CompileOptions["arenas"]) => {
          const graph = new Graph({ machine });
          graph.output("y", graph.state("s", [2]));
          const executable = await compile(graph, { machine, ...(arenas && { arenas }) });
          executable.run();
          return executable.read("y");
        };
        return [await y(), await y({ state: arena })];
      },
    },
  ),
  "new Graph": shows(
    graphOf,
    { machine, parameters: layout, training: true },
    {
      parameters: () => [
        graphOf({ machine, training: true }),
        graphOf({ machine, training: true, parameters: layout }),
      ],
      training: [false],
      // What it saves and that it changes no bit: test/layers/recompute.
      recompute: [2],
      touched: [true],
      frozen: [new Set([layer.weight])],
    },
  ),
  "Graph.input": shows(declared, {}, { type: ["int"], differentiable: [true], below: [3] }),
  "Graph.randomKey": shows(dropped, { firstExample: 4 }, { perExample: [false] }),
  "Graph.randomScalars": shows(dropped, {}, { seed: [2], update: [2], firstExample: [4] }),
  bestPath: shows(
    (options: Parameters<typeof bestPath>[0]) => bestPath(options),
    { steps: 3, states: 2, scores: (step, state) => Math.sin(step + 3 * state), weights: [1, 0, 0, 0] },
    { steps: [2], scores: [(step, state) => (step + state) % 2], weights: [[0, 9, 9, 0]] },
  ),
  "new Lattice": shows(lattice, {}, { scores: [3], weights: [3], arcs: ["band"], mask: [[1, 1, 1, 1, 1, 0]] }),
  gather: shows(
    (options: { paddingIndex?: number }) =>
      compute((graph) => gather(whole(graph, [2], [0, 1]), graph.parameter(table.weight), options), {
        of: table,
        training: true,
      }),
    {},
    { paddingIndex: [1] },
  ),
  pointwise: shows(
    (options: PointwiseOptions) =>
      compute((graph) => pointwise({ x: given(graph, [3]) }, mul(3, variable("x")), options)),
    {},
    { type: ["int"] },
  ),
  matmul: shows(
    ({ bias, ...options }: Omit<MatMulOptions, "bias"> & { bias?: readonly number[] }) =>
      compute((graph) =>
        matmul(given(graph, [2, 2]), given(graph, [2, 2], numbers(4, 4)), {
          ...options,
          ...(bias && { bias: graph.constant([2], bias) }),
        }),
      ),
    {},
    { transposeA: [true], transposeB: [true], bias: [[1, 2]] },
  ),
  createParameters: shows(
    read,
    {},
    { seed: [1], initialize: [false], layout: () => Promise.all([read({}), read({ layout: other })]) },
  ),
  "ParameterStore.write": shows(
    async ({ shape, data, parts }: NamedTensor) => {
      const one = await store();
      const written = await outcomeOf(() => one.write("bias", { shape, data, ...(parts && { parts }) }));
      const now = await one.read("bias");
      one.close();
      return [written, now];
    },
    { shape: [3], data: [1, 2, 3] },
    { shape: [[1, 3]], data: [[3, 2, 1]], parts: [() => [[7, 8], [9]]] },
  ),
  "ParameterStore.loadTensors": shows(
    async ({
      only = ["weight", "bias"],
      ...options
    }: {
      strict?: boolean;
      arena?: string;
      only?: readonly string[];
    }) => {
      const one = await store();
      const left = await outcomeOf(() =>
        one.loadTensors(new Map([...complete()].filter(([name]) => only.includes(name))), options),
      );
      const now = [left, await one.read("bias"), await outcomeOf(() => one.read("bias", "moment.m"))];
      one.close();
      return now;
    },
    {},
    { strict: [false, { only: ["weight"] }], arena: ["moment.m"] },
  ),
  layoutParameters: shows(
    async ({ parts, products }: HasParameters) => {
      const of = { parts, ...(products && { products }) };
      const laid = layoutParameters(of);
      const numbersOf = await createParameters({ machine, layout: laid });
      await quantize({ model: of, parameters: numbersOf });
      return [[...laid.names.keys()], [...numbersOf.quantized!.keys()]];
    },
    { parts: { weight: layer.weight } },
    { parts: [{ other: layer.weight }], products: [[layer.weight]] },
  ),
  openMachine: shows(
    async (options: WasmOptions) => {
      const one = await openMachine("wasm", options);
      const { limits, wide } = one as SynchronousMachine & { readonly wide: boolean };
      one.close();
      return [limits, wide];
    },
    { threads: 2, wide: false },
    {
      ...{ fused: [false], threads: [1], maxBytes: [2 ** 26] },
      // What the kernels of one and the other look like: test/compute/wasm/wide.
      wide: [true],
      compile: [(bytes: Uint8Array<ArrayBuffer>) => new WebAssembly.Module(bytes)],
    },
  ),
};
