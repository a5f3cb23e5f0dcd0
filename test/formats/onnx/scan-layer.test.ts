import { describe, expect, test } from "vitest";
import type { Cell } from "../../../src/cells/define.ts";
import { parseCell } from "../../../src/cells/parse-cell.ts";
import { cellByName, cellNames } from "../../../src/cells/registry.ts";
import type { SynchronousMachine } from "../../../src/compute/machine.ts";
import { openMachine } from "../../../src/compute/open.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import type { ModelArray } from "../../../src/formats/plans.ts";
import type { Program } from "../../../src/formats/program.ts";
import { type Recurrent, recurrent } from "../../../src/layers/recurrent.ts";
import { inferenceCell } from "../../../src/scan/inference-cell.ts";
import { compile } from "../../../src/tensor/executable.ts";
import { Graph } from "../../../src/tensor/graph.ts";
import { layoutParameters } from "../../../src/tensor/parameter.ts";
import { createParameters } from "../../../src/tensor/parameter-store.ts";
import { difference } from "../../support/difference.ts";
import { onnxRuntime, withoutOnnxRuntime } from "../../support/onnxruntime.ts";
import { lawCells } from "../../support/recurrent-cells.ts";
import { ours, uniform } from "./exported.ts";

const [T, B, D, H, P] = [5, 2, 3, 4, 2];
const withRuntime = test.skipIf(onnxRuntime === undefined);

const inWords = parseCell(`
  state h, c
  weight p = 0.1
  f = sigmoid(W_f x + U_f h[t-1] + p * c[t-1])
  n = softplus(W_n x + U_n (f * h[t-1]))
  c = if(n < 1, f * c[t-1], c[t-1]) + (1 - f) * n
  h = tanh(c - mean(c))
`);
const cells: Readonly<Record<string, Cell>> = {
  ...Object.fromEntries(cellNames.map((name) => [name, cellByName(name)])),
  ...Object.fromEntries(lawCells.map(({ name, make }) => [name, make()])),
  "a cell in words": inWords,
};

const layerOf = (name: string, bidirectional: boolean, numLayers: number): Recurrent => {
  const cell = cells[name]!;
  const sizes = { inputSize: D, hiddenSize: H, ...(cell.projections.length > 0 && { projectionSize: P }) };
  return recurrent({ cell, ...sizes, bidirectional, numLayers });
};

/** Every named value of a layer at all steps, by the names that its file has, and ∂(Σ output)/∂ of each. */
async function traced(machine: SynchronousMachine, rnn: Recurrent, made: Awaited<ReturnType<typeof ours>>) {
  const layout = layoutParameters(rnn);
  const parameters = await createParameters({ machine, layout });
  for (const [name, { shape }] of layout.names) parameters.write(name, uniform(7, name, shape).data);
  const graph = new Graph({ machine, parameters: layout });
  const x = graph.input("x", made.inputs.input!.shape, { differentiable: true });
  const initial = Object.fromEntries(
    Object.entries(made.states).map(([name, { shape }]) => [name, graph.input(name, shape, { differentiable: true })]),
  );
  const trace = Object.keys(inferenceCell(rnn.options.cell).named);
  const { output, traces } = rnn.forward(x, { initial, trace });
  graph.backward([[output, graph.input("seed", output.shape)]]);
  for (const [name, tensor] of Object.entries(traces)) graph.output(name, tensor);
  const executable = await compile(graph, { machine, arenas: parameters.arenas });
  executable.write("x", made.inputs.input!.data);
  for (const [name, { data }] of Object.entries(made.states)) executable.write(name, data);
  executable.write("seed", new Float32Array(made.outputs.output!.data.length).fill(1));
  executable.run();
  const all = Object.entries(traces).map(async ([name, tensor]) => {
    const [value, layer, reverse = ""] = /^(.+)_l(\d)(_reverse)?$/.exec(name)!.slice(1);
    const data = { value: await executable.read(name), gradient: await executable.readAdjoint(tensor) };
    return [`scan_l${layer}${reverse}.${value}`, data] as const;
  });
  return Object.fromEntries(await Promise.all(all));
}

/** Cells that no operator of ONNX computes. */
const scans = Object.keys(cells).filter(
  (name) =>
    !["rnn", "lstm", "gru"].includes(name) &&
    !/^(rnn|lstm without|lstm, (peep|coup|recurrent)|lstm$|gru$|gru, reset)/.test(name),
);

describe.each(scans)("a file of ours: %s", (name) => {
  test("every gate and state comes back with its name, its numbers and its gradient", async () => {
    const machine = await openMachine("reference");
    const rnn = layerOf(name, true, 2);
    const made = await ours(machine, rnn, uniform(1, "input", [T, B, D]));
    const expected = await traced(machine, rnn, made);
    using program = openOnnx(made.bytes, { machine });
    const ones = new Float32Array(made.outputs.output!.data.length).fill(1);
    const { values, gradients } = await program.trace(made.inputs, {
      gradients: true,
      outputGradients: { output: ones },
    });
    // What a matrix gives by itself is no gate that a graph has a name for.
    const names = Object.keys(expected).filter((one) => one in values);
    const unnamed = Object.keys(expected).filter((one) => !(one in values));
    for (const one of unnamed) expect(one, one).toMatch(/\.(n|a)(_reverse)?$/);
    expect(Object.keys(values).sort()).toEqual(names.sort());
    for (const one of names) {
      expect(difference(values[one]!.data, expected[one]!.value), one).toBeLessThanOrEqual(1e-6);
      expect(difference(gradients[one]!.data, expected[one]!.gradient), one).toBeLessThanOrEqual(1e-5);
    }
    machine.close();
  });

  test("a session goes on from piece to piece, of any length", async () => {
    const machine = await openMachine("reference");
    const steps = 40;
    const input = uniform(1, "input", [steps, 1, D]);
    const made = await ours(machine, layerOf(name, false, 2), input);
    using program = openOnnx(made.bytes, { machine });
    using session = await program.openSession();
    session.setState(made.states);
    const output: number[] = [];
    for (const [from, to] of [
      [0, 1],
      [1, 30],
      [30, steps],
    ] as const) {
      const data = Array.from(input.data).slice(from * D, to * D);
      const came = await session.next({ input: { shape: [to - from, 1, D], data } });
      output.push(...Array.from(came.output!.data));
    }
    expect(difference(output, made.outputs.output!.data)).toBeLessThanOrEqual(1e-6);
    machine.close();
  });
});

test("a sequence of any length is one layer, where the operators would be too many for a plan", async () => {
  const machine = await openMachine("wasm");
  const steps = 20_000;
  const made = await ours(machine, layerOf("a cell in words", false, 1), uniform(1, "input", [steps, 1, D]));
  using program = openOnnx(made.bytes, { machine });
  const came = await program.run(made.inputs);
  expect(difference(came.output!.data, made.outputs.output!.data)).toBeLessThanOrEqual(1e-5);
  machine.close();
});

type Attributes = Parameters<GraphWriter["node"]>[3];
/** A scan as somebody else writes it: the nodes of its body, and what it reads and gives. */
interface Written {
  readonly states: Readonly<Record<string, readonly [next: string, width: number]>>;
  /** By the name in the body; `from`: which input of the graph, if it is not `x`. */
  readonly scanned?: Readonly<Record<string, { readonly from: string; readonly shape: readonly number[] }>>;
  readonly gives: Readonly<Record<string, number>>;
  readonly body: (body: GraphWriter, weight: (name: string, shape: readonly number[]) => string) => void;
  readonly attributes?: Attributes;
  /** Further inputs of the graph. */
  readonly inputs?: Readonly<Record<string, readonly number[]>>;
  /** Before the scan. */
  readonly before?: Written["body"];
  /** Whether it is a layer. */
  readonly layer: boolean;
  /** Names of gates and values that are traced, if they are asked for. */
  readonly names?: readonly string[];
}

const sized = (shape: readonly number[]): readonly number[] => shape;

function written({ states, scanned, gives, body, attributes, inputs = {}, before, layer }: Written, blocked = false) {
  const graph = new GraphWriter();
  const inner = new GraphWriter();
  const weight =
    (holder: GraphWriter) =>
    (name: string, shape: readonly number[]): string =>
      holder.float(name, { shape, data: Array.from(uniform(3, name, shape).data, (value) => value * 0.7) });
  const given: Record<string, readonly number[]> = {
    ...(scanned ? {} : { x: [T, B, D] }),
    ...Object.fromEntries(Object.values(scanned ?? {}).map(({ from, shape }) => [from, shape])),
    ...inputs,
  };
  for (const [name, shape] of Object.entries(given)) graph.input(name, "float32", shape);
  for (const [name, [, width]] of Object.entries(states)) {
    graph.input(`${name}0`, "float32", [B, width]);
    inner.input(`${name}_in`, "float32", [B, width]);
  }
  const reads = scanned ?? { x_t: { from: "x", shape: [T, B, D] } };
  const [axis = 0] = (attributes?.scan_input_axes ?? []) as readonly number[];
  for (const [name, { shape }] of Object.entries(reads)) inner.input(name, "float32", shape.toSpliced(axis, 1));
  before?.(graph, weight(graph));
  body(inner, weight(inner));
  for (const [name, [next, width]] of Object.entries(states)) {
    if (blocked) {
      inner.node("Transpose", [next], [`${name}.turned`], { perm: [1, 0] });
      inner.node("Transpose", [`${name}.turned`], [`${name}.back`], { perm: [1, 0] });
    }
    inner.output(blocked ? `${name}.back` : next, "float32", [B, width]);
    graph.output(`${name}_out`, "float32");
  }
  for (const name of Object.keys(gives)) {
    inner.output(name, "float32");
    graph.output(`all.${name}`, "float32");
  }
  const sources = Object.values(reads).map(({ from }) => from);
  graph.node(
    "Scan",
    [...Object.keys(states).map((name) => `${name}0`), ...sources],
    [...Object.keys(states).map((name) => `${name}_out`), ...Object.keys(gives).map((name) => `all.${name}`)],
    { body: inner, num_scan_inputs: sources.length, ...attributes },
    "",
    "scan",
  );
  const values: Record<string, ModelArray> = Object.fromEntries(
    Object.entries(given).map(([name, shape]) => [name, uniform(5, name, shape)]),
  );
  for (const [name, [, width]] of Object.entries(states)) values[`${name}0`] = uniform(5, name, [B, width]);
  return { bytes: graph.finish("scan"), values, layer };
}

/** An LSTM as TensorFlow has it: one matrix over [x, h], and a constant that keeps the forget gate open. */
const packedLstm: Written["body"] = (body, weight) => {
  body.node("Concat", ["x_t", "h_in"], ["xh"], { axis: 1 });
  body.node("MatMul", ["xh", weight("kernel", [D + H, 4 * H])], ["product"]);
  body.node("Add", ["product", weight("bias", [4 * H])], ["sums"]);
  body.node("Split", ["sums"], ["si", "sg", "sf", "so"], { axis: 1 });
  body.node("Add", ["sf", body.float("one", { shape: [], data: [1] })], ["open"]);
  for (const gate of ["i", "o"]) body.node("Sigmoid", [`s${gate}`], [gate]);
  body.node("Sigmoid", ["open"], ["f"]);
  body.node("Tanh", ["sg"], ["g"]);
  body.node("Mul", ["f", "c_in"], ["kept"]);
  body.node("Mul", ["i", "g"], ["new"]);
  body.node("Add", ["kept", "new"], ["c"]);
  body.node("Tanh", ["c"], ["shown"]);
  body.node("Mul", ["o", "shown"], ["h"]);
};
const lstmStates = { h: ["h", H], c: ["c", H] } as const;

/** A GRU as PyTorch's exporters write its equations: two Gemms, cut by Slice. */
const slicedGru: Written["body"] = (body, weight) => {
  const weights = (part: string, columns: number) => [
    weight(`w_${part}`, [3 * H, columns]),
    weight(`b_${part}`, [3 * H]),
  ];
  body.node("Gemm", ["x_t", ...weights("ih", D)], ["gi"], { transB: 1 });
  body.node("Gemm", ["h_in", ...weights("hh", H)], ["gh"], { transB: 1 });
  const axis = body.whole("one", [1]);
  for (const [k, gate] of ["r", "z", "n"].entries()) {
    const [from, to] = [body.whole(`from${k}`, [k * H]), body.whole(`to${k}`, [(k + 1) * H])];
    for (const part of ["i", "h"]) body.node("Slice", [`g${part}`, from, to, axis], [`${part}${gate}`]);
  }
  for (const gate of ["r", "z"]) {
    body.node("Add", [`i${gate}`, `h${gate}`], [`sum.${gate}`]);
    body.node("Sigmoid", [`sum.${gate}`], [gate]);
  }
  body.node("Mul", ["r", "hn"], ["reset"]);
  body.node("Add", ["in", "reset"], ["candidate"]);
  body.node("Tanh", ["candidate"], ["n"]);
  body.node("Sub", ["h_in", "n"], ["difference"]);
  body.node("Mul", ["z", "difference"], ["part"]);
  body.node("Add", ["n", "part"], ["h"]);
};

const elman =
  (more: Written["body"] = () => undefined, input = "x_t", width = D): Written["body"] =>
  (body, weight) => {
    body.node("MatMul", [input, weight("wx", [width, H])], ["px"]);
    body.node("MatMul", ["h_in", weight("wh", [H, H])], ["ph"]);
    body.node("Add", ["px", "ph"], ["sum"]);
    body.node("Add", ["sum", weight("b", [H])], ["pre"]);
    body.node("Tanh", ["pre"], ["h"]);
    more(body, weight);
  };

const byOthers: Readonly<Record<string, Written>> = {
  "an LSTM of one matrix over input and state": {
    ...{ states: lstmStates, gives: { h_all: H }, layer: true, names: ["c", "f", "g", "h", "i", "o"] },
    body: (body, weight) => {
      packedLstm(body, weight);
      body.node("Identity", ["h"], ["h_all"]);
    },
  },
  "a GRU of two products that are cut": {
    ...{ states: { h: ["h", H] }, gives: { y: H }, layer: true, names: ["h", "n", "r", "z"] },
    body: (body, weight) => {
      slicedGru(body, weight);
      body.node("Identity", ["h"], ["y"]);
    },
  },
  "all steps of two states": {
    ...{ states: lstmStates, gives: { h_all: H, c_all: H }, layer: true },
    body: (body, weight) => {
      packedLstm(body, weight);
      body.node("Identity", ["h"], ["h_all"]);
      body.node("Identity", ["c"], ["c_all"]);
    },
  },
  "another value of all steps than a state": {
    ...{ states: { h: ["h", H] }, gives: { gate: H, level: 1 }, layer: true },
    body: elman((body) => {
      body.node("Sigmoid", ["pre"], ["gate"]);
      body.node("ReduceMean", ["gate"], ["level"], { axes: [1] });
    }),
  },
  "nothing of all steps": { states: { h: ["h", H] }, gives: {}, layer: true, body: elman() },
  "from the last step to the first": {
    ...{ states: { h: ["h", H] }, gives: { y: H }, layer: true },
    body: elman((body) => body.node("Identity", ["h"], ["y"])),
    attributes: { scan_input_directions: [1], scan_output_directions: [1] },
  },
  "given out in the order of computation": {
    ...{ states: { h: ["h", H] }, gives: { y: H }, layer: true },
    body: elman((body) => body.node("Identity", ["h"], ["y"])),
    attributes: { scan_input_directions: [1] },
  },
  "the batch first": {
    ...{ states: { h: ["h", H] }, gives: { y: H }, layer: true },
    scanned: { x_t: { from: "x", shape: [B, T, D] } },
    body: elman((body) => body.node("Identity", ["h"], ["y"])),
    attributes: { scan_input_axes: [1], scan_output_axes: [1] },
  },
  "two inputs, of which one decides whether a step counts": {
    ...{ states: { h: ["h.next", H] }, gives: { y: H }, layer: true },
    scanned: { x_t: { from: "x", shape: [T, B, D] }, counts: { from: "mask", shape: [T, B, 1] } },
    body: elman((body) => {
      body.node("Less", [body.float("zero", { shape: [], data: [0] }), "counts"], ["does"]);
      body.node("Where", ["does", "h", "h_in"], ["h.next"]);
      body.node("Identity", ["h.next"], ["y"]);
    }),
  },
  "one number of each step as the gate of all units": {
    ...{ states: { h: ["h.next", H] }, gives: { y: H }, layer: true, names: ["attention"] },
    body: elman((body, weight) => {
      body.node("Gemm", ["h_in", weight("wa", [1, H]), weight("ba", [1])], ["score"], { transB: 1 });
      body.node("Sigmoid", ["score"], ["attention"]);
      body.node("Mul", ["attention", "h"], ["h.next"]);
      body.node("Identity", ["h.next"], ["y"]);
    }),
  },
  "products with nothing of the input, and a matrix used twice": {
    ...{ states: { h: ["h.next", H] }, gives: { y: H }, layer: true },
    body: elman((body, weight) => {
      body.node("MatMul", ["h", weight("again", [H, H])], ["first"]);
      body.node("Tanh", ["first"], ["once"]);
      body.node("MatMul", ["once", "again"], ["second"]);
      body.node("Sub", ["second", "first"], ["h.next"]);
      body.node("Identity", ["h.next"], ["y"]);
    }),
  },
  "two inputs with a matrix each": {
    ...{ states: { h: ["h", H] }, gives: { y: H }, layer: true },
    scanned: { x_t: { from: "x", shape: [T, B, D] }, z_t: { from: "z", shape: [T, B, 2] } },
    body: (body, weight) => {
      body.node("MatMul", ["x_t", weight("wx", [D, H])], ["px"]);
      body.node("MatMul", ["z_t", weight("wz", [2, H])], ["pz"]);
      body.node("Gemm", ["h_in", weight("wh", [H, H])], ["ph"], { alpha: { float: 0.5 } });
      body.node("Sum", ["px", "pz", "ph"], ["sum"]);
      body.node("HardSigmoid", ["sum"], ["h"]);
      body.node("Identity", ["h"], ["y"]);
    },
  },
  "products of all steps that stand before it, with gates cut inside": {
    ...{ states: { h: ["h", H] }, gives: { y: H }, layer: true },
    scanned: { x_t: { from: "px", shape: [T, B, 2 * H] } },
    body: (body, weight) => {
      body.node("Split", ["x_t"], ["xa", "xb"], { axis: -1 });
      body.node("MatMul", ["h_in", weight("wh", [H, H])], ["ph"]);
      body.node("Add", ["xa", "ph"], ["sum"]);
      body.node("Tanh", ["sum"], ["n"]);
      body.node("Sigmoid", ["xb"], ["z"]);
      body.node("Mul", ["z", "n"], ["h"]);
      body.node("Identity", ["h"], ["y"]);
    },
  },
  "something of each sequence that is the same at all steps": {
    ...{ states: { h: ["h", H] }, gives: { y: H }, inputs: { context: [B, H] }, layer: true },
    body: elman((body) => body.node("Mul", ["h", "context"], ["y"])),
  },
  "a normalization of each step": {
    ...{ states: { h: ["h.next", H] }, gives: { y: H }, layer: true },
    body: elman((body, weight) => {
      body.node("LayerNormalization", ["h", weight("gain", [H]), weight("shift", [H])], ["h.next"], { axis: -1 });
      body.node("Identity", ["h.next"], ["y"]);
    }),
  },
  "a projected state": {
    ...{ states: { h: ["h", P], c: ["c", H] }, gives: { y: P }, layer: true },
    body: (body, weight) => {
      body.node("MatMul", ["x_t", weight("wx", [D, H])], ["px"]);
      body.node("MatMul", ["h_in", weight("wh", [P, H])], ["ph"]);
      body.node("Add", ["px", "ph"], ["sum"]);
      body.node("Tanh", ["sum"], ["g"]);
      body.node("Add", ["g", "c_in"], ["c"]);
      body.node("MatMul", ["c", weight("wr", [H, P])], ["h"]);
      body.node("Identity", ["h"], ["y"]);
    },
  },
  "states of two widths that no projection joins": {
    ...{ states: { h: ["h", H], k: ["k", 3] }, gives: { y: H }, layer: false },
    body: elman((body, weight) => {
      body.node("MatMul", ["k_in", weight("wk", [3, 3])], ["pk"]);
      body.node("Tanh", ["pk"], ["k"]);
      body.node("Identity", ["h"], ["y"]);
    }),
  },
  "units in another order": {
    ...{ states: { h: ["h.next", H] }, gives: { y: H }, layer: false },
    body: elman((body) => {
      body.node("Split", ["h"], ["left", "right"], { axis: 1 });
      body.node("Concat", ["right", "left"], ["h.next"], { axis: 1 });
      body.node("Identity", ["h"], ["y"]);
    }),
  },
  "a softmax over units": {
    ...{ states: { h: ["h.next", H] }, gives: { y: H }, layer: false },
    body: elman((body) => {
      body.node("Softmax", ["h"], ["h.next"], { axis: 1 });
      body.node("Identity", ["h"], ["y"]);
    }),
  },
};

/** The names of what is traced, without that of the node. */
async function tracedNames(program: Program, values: Readonly<Record<string, ModelArray>>): Promise<string[]> {
  const { values: traced } = await program.trace(values);
  return Object.keys(traced).map((name) => name.replace(/^scan\./, ""));
}

describe.each(Object.entries(byOthers))("a scan that somebody else wrote: %s", (_, one) => {
  const { bytes, values, layer } = written(one);

  test(layer ? "is a layer" : "is recorded step by step", async () => {
    const machine = await openMachine("reference");
    using program = openOnnx(bytes, { machine });
    const names = await tracedNames(program, values);
    expect(names.length > 0).toBe(layer);
    expect(names).toEqual(expect.arrayContaining([...(one.names ?? [])]));
    machine.close();
  });

  test("gives what its operators give step by step", async () => {
    const machine = await openMachine("reference");
    const blocked = written(one, true);
    using whole = openOnnx(bytes, { machine });
    using steps = openOnnx(blocked.bytes, { machine });
    expect(await tracedNames(steps, values)).toEqual([]);
    const [a, b] = [await whole.run(values), await steps.run(values)];
    expect(Object.keys(a)).toEqual(Object.keys(b));
    for (const [name, { shape, data }] of Object.entries(b)) {
      expect(a[name]!.shape, name).toEqual(shape);
      // Where a layer adds two biases of the file, their sum is float32.
      expect(difference(a[name]!.data, data), name).toBeLessThanOrEqual(1e-7);
    }
    machine.close();
  });

  test("its weights have the gradients that they have step by step", async () => {
    const machine = await openMachine("reference");
    const gradients = await Promise.all(
      [bytes, written(one, true).bytes].map(async (file) => {
        using program = openOnnx(file, { machine });
        const { layout } = program.parameters;
        const graph = new Graph({ machine, parameters: layout, training: true });
        const given = Object.entries(values).map(([name, { shape }]) => [name, graph.input(name, shape)] as const);
        const outputs = program.forward(graph, Object.fromEntries(given));
        graph.backward(
          Object.entries(outputs)
            .filter(([, tensor]) => tensor.differentiable)
            .map(([name, tensor]) => [tensor, graph.input(`seed.${name}`, tensor.shape)] as const),
        );
        const executable = await compile(graph, { machine, arenas: program.parameters.arenas });
        for (const [name, { data }] of Object.entries(values)) executable.write(name, data);
        for (const [name, tensor] of Object.entries(outputs))
          if (tensor.differentiable) executable.write(`seed.${name}`, uniform(9, name, tensor.shape).data);
        executable.run();
        const found = [...layout.names].map(
          async ([name, parameter]) => [name, await executable.readAdjoint(graph.parameter(parameter))] as const,
        );
        return Object.fromEntries(await Promise.all(found));
      }),
    );
    const [whole, steps] = gradients as unknown as readonly [
      Readonly<Record<string, ArrayLike<number>>>,
      Readonly<Record<string, ArrayLike<number>>>,
    ];
    expect(Object.keys(whole)).toEqual(Object.keys(steps));
    for (const [name, data] of Object.entries(steps))
      expect(difference(whole[name]!, data), name).toBeLessThanOrEqual(1e-7);
    machine.close();
  });

  withRuntime(`gives what ONNX Runtime gives${withoutOnnxRuntime}`, async () => {
    const machine = await openMachine("wasm");
    using program = openOnnx(bytes, { machine });
    const came = await program.run(values);
    const session = await onnxRuntime!.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const given = Object.entries(values).map(
      ([name, { shape, data }]) =>
        [name, new onnxRuntime!.Tensor("float32", Float32Array.from(data), [...sized(shape)])] as const,
    );
    const theirs = await session.run(Object.fromEntries(given));
    for (const [name, { data, shape }] of Object.entries(came)) {
      expect(theirs[name]!.dims, name).toEqual([...shape]);
      expect(difference(data, Array.from(theirs[name]!.data as Float32Array)), name).toBeLessThanOrEqual(1e-5);
    }
    await session.release();
    machine.close();
  });
});
