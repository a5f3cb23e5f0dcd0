import type { Cell } from "../../cells/define.ts";
import type { CellSpec } from "../../cells/registry.ts";
import type { Recurrent } from "../../layers/recurrent.ts";
import { inferenceCell } from "../../scan/inference-cell.ts";
import { sizeOf } from "../../scan/widths.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { gateOrder, peepholeOrder } from "../gate-order.ts";
import { join } from "../join.ts";
import type { GraphWriter } from "./graph-writer.ts";
import { type NodeForm, nodeForm } from "./node-form.ts";
import { codeOf } from "./tensor-data.ts";
import { writeCounts } from "./write-lengths.ts";
import { type ScanToWrite, writeScan } from "./write-scan.ts";

export interface RecurrentToWrite {
  /** Name of the value [time, batch, D] that the first layer reads. */
  readonly input: string;
  /** Of the parameters' names. */
  readonly prefix: string;
  readonly tensor: (name: string) => NamedTensor;
  readonly cell: CellSpec | undefined;
}

/** Adds the layers, states as inputs and outputs of the graph, and returns the name of the last layer's output. */
export function writeRecurrent(graph: GraphWriter, rnn: Recurrent, o: RecurrentToWrite): string {
  const { cell, numLayers, bidirectional, reverse } = rnn.options;
  const form = nodeForm(cell, o.cell);
  const D = bidirectional ? 2 : 1;
  const states = cell.states.map((s) => s.name);
  for (const { name, width } of cell.states) {
    graph.input(name, "float32", [numLayers * D, "batch", sizeOf(width, rnn.options)]);
    graph.output(`${name}_out`, "float32", [numLayers * D, "batch", sizeOf(width, rnn.options)]);
  }
  if (D === 2) graph.whole("rows", [0, 0, -1]);
  const single = numLayers === 1;
  let x = o.input;
  for (let layer = 0; layer < numLayers; layer++) {
    const name = (what: string): string => `${o.prefix}${what}_l${layer}`;
    const suffixes = rnn.directions.slice(layer * D, (layer + 1) * D).map((d) => d.suffix);
    const initial = states.map((state) => {
      if (single) return state;
      graph.whole(name(`${state}.start`), [layer * D]);
      graph.whole(name(`${state}.end`), [(layer + 1) * D]);
      graph.node("Slice", [state, name(`${state}.start`), name(`${state}.end`), graph.axis(0)], [name(state)]);
      return name(state);
    });
    writeLayer(graph, {
      ...{ form, cell, sizes: rnn.options, reverse, x, initial },
      directions: suffixes.map((suffix) => ({
        tensor: (part) => o.tensor(`${o.prefix}${part}${suffix}`),
        name: (what) => `${o.prefix}${what}${suffix}`,
      })),
      steps: name("Y"),
      finals: states.map((s) => (single ? `${s}_out` : name(`${s}.final`))),
    });
    x = name("output");
    if (D === 1) graph.node("Squeeze", [name("Y"), graph.axis(1)], [x]);
    else {
      graph.node("Transpose", [name("Y")], [name("Y.by-row")], { perm: [0, 2, 1, 3] });
      graph.node("Reshape", [name("Y.by-row"), "rows"], [x]);
    }
  }
  if (!single)
    for (const state of states) {
      const finals = Array.from({ length: numLayers }, (_, layer) => `${o.prefix}${state}.final_l${layer}`);
      graph.node("Concat", finals, [`${state}_out`], { axis: 0 });
    }
  return x;
}

/** A layer of one or two directions. */
export interface LayerToWrite {
  /** How an operator says the cell; undefined where none does. */
  readonly form: NodeForm | undefined;
  readonly cell: Cell;
  readonly sizes: ScanToWrite["sizes"];
  /** Whether its only direction goes from the end to the beginning; the second of two always does. */
  readonly reverse: boolean;
  /** Name of the input [T, B, D]. */
  readonly x: string;
  /** Names of the states before the first step, [directions, B, W] each; undefined: zeros. */
  readonly initial: readonly (string | undefined)[];
  /** Name of how many steps of each sequence count, int64 [B]: behind them it gives zeros. Undefined: all do. */
  readonly lengths?: string | undefined;
  readonly directions: readonly Pick<ScanToWrite, "tensor" | "name">[];
  /** Names for what it makes: the first state at all steps [T, directions, B, W], and the states behind the last one. */
  readonly steps: string;
  readonly finals: readonly string[];
}

/** Prints a layer: as an operator of ONNX where one computes its cell, else as scans that give out the same. */
export function writeLayer(graph: GraphWriter, layer: LayerToWrite): void {
  const { form, cell, sizes, x, initial, lengths, directions, reverse, steps, finals } = layer;
  const D = directions.length;
  if (form) {
    const weights = packed(form, { hiddenSize: sizes.hiddenSize, cell }, directions);
    const given = (what: keyof typeof weights): string =>
      weights[what] ? graph.float(directions[0]!.name(what), weights[what]) : "";
    const ends = lengths === undefined ? "" : directions[0]!.name("lengths");
    if (lengths !== undefined) graph.node("Cast", [lengths], [ends], { to: codeOf("int32") });
    const inputs = [x, given("W"), given("R"), given("B"), ends, ...initial.map((value) => value ?? "")];
    const attributes = attributesOf(form, sizes.hiddenSize, D, reverse);
    const kept = initial.map((value) => lengths !== undefined && value !== undefined);
    const computed = finals.map((final, k) => (kept[k] ? `${final}.computed` : final));
    graph.node(form.op, weights.P ? [...inputs, given("P")] : inputs, [steps, ...computed], attributes);
    if (!kept.includes(true)) return;
    // Of a sequence without steps the state is what it was: ONNX Runtime gives zeros.
    const some = someSteps(graph, lengths!, directions[0]!.name("some"));
    finals.forEach((final, k) => {
      if (kept[k]) graph.node("Where", [some, computed[k]!, initial[k]!], [final]);
    });
    return;
  }
  const counts = lengths === undefined ? undefined : countedSteps(graph, x, lengths, directions[0]!.name("counts"));
  const written = directions.map(({ tensor, name }, d) => {
    const own = initial.map((value, k) => {
      const state = name(`scan/initial.${cell.states[k]!.name}`);
      if (value === undefined) return undefined;
      graph.node("Gather", [value, graph.tensor(`${state}.at`, "int64", { shape: [], data: [d] })], [state]);
      return state;
    });
    return writeScan(graph, {
      ...{ cell: inferenceCell(cell), sizes, x, initial: own, counts, tensor, name },
      reverse: D === 2 ? d === 1 : reverse,
    });
  });
  const stack = (parts: readonly string[], axis: 0 | 1, whole: string): void => {
    const rows = parts.map((part) => (D === 1 ? whole : `${part}.row`));
    parts.forEach((part, d) => {
      graph.node("Unsqueeze", [part, graph.axis(axis)], [rows[d]!]);
    });
    if (D > 1) graph.node("Concat", rows, [whole], { axis });
  };
  stack(
    written.map((one) => one.steps),
    1,
    steps,
  );
  finals.forEach((whole, k) => {
    stack(
      written.map((one) => one.finals[k]!),
      0,
      whole,
    );
  });
}

/** Which sequences have steps, bool [1, B, 1]. */
function someSteps(graph: GraphWriter, lengths: string, name: string): string {
  graph.node("Greater", [lengths, graph.tensor(`${name}.none`, "int64", { shape: [], data: [0] })], [`${name}.flat`]);
  graph.node("Unsqueeze", [`${name}.flat`, graph.whole(`${name}.axes`, [0, 2])], [name]);
  return name;
}

/** Which steps of [T, B, D] count, bool [T, B, 1], as a scan reads them. */
function countedSteps(graph: GraphWriter, x: string, lengths: string, name: string): string {
  graph.node("Transpose", [writeCounts(graph, { x, axis: 0, lengths, name })], [`${name}.by-time`], { perm: [1, 0] });
  graph.node("Unsqueeze", [`${name}.by-time`, graph.axis(2)], [`${name}.column`]);
  return `${name}.column`;
}

type Attributes = Parameters<GraphWriter["node"]>[3];

/** Attributes of a node of this form, in `D` directions. */
function attributesOf(form: NodeForm, hiddenSize: number, D: number, reverse: boolean): Attributes {
  const all = Array.from({ length: D }, () => form.activations).flat();
  const constants = (key: "alpha" | "beta"): { floats: number[] } | undefined => {
    const floats = all.flatMap((a) => (a[key] === undefined ? [] : [a[key]]));
    return floats.length > 0 ? { floats } : undefined;
  };
  return {
    hidden_size: hiddenSize,
    direction: D === 2 ? "bidirectional" : reverse ? "reverse" : "forward",
    activations: all.map((a) => a.name),
    activation_alpha: constants("alpha"),
    activation_beta: constants("beta"),
    clip: form.clip === undefined ? undefined : { float: form.clip },
    input_forget: form.coupled ? 1 : undefined,
    linear_before_reset: form.kind === "gru" ? Number(form.resetAfter) : undefined,
  };
}

/** W, R, B and P of a node: the parameters of its directions in ONNX' order. A gate that a cell does not have is zeros. */
function packed(
  form: NodeForm,
  { hiddenSize: H, cell }: { readonly hiddenSize: number; readonly cell: Cell },
  directions: readonly Pick<ScanToWrite, "tensor">[],
): Record<"W" | "R" | "B" | "P", NamedTensor | undefined> {
  const theirs = gateOrder[form.kind].onnx!;
  const ours = cell.gates.map((g) => g.name);
  const blocks = (tensor: NamedTensor): Float64Array => {
    const data = new Float64Array(tensor.data);
    const length = data.length / ours.length;
    return concat(
      theirs.map((gate) => {
        const k = ours.indexOf(gate);
        return k < 0 ? new Float64Array(length) : data.subarray(k * length, (k + 1) * length);
      }),
    );
  };
  type Weights = ScanToWrite["tensor"];
  const stack = (shape: readonly number[], part: (tensor: Weights) => Float64Array): NamedTensor => ({
    shape: [directions.length, ...shape],
    data: concat(directions.map(({ tensor }) => part(tensor))),
  });
  const rows = theirs.length * H;
  const columns = directions[0]!.tensor("weight_ih").shape[1]!;
  const peephole = (tensor: Weights, gate: string): Float64Array =>
    `p${gate}` in cell.weights ? Float64Array.from(tensor(`weight_p${gate}`).data) : new Float64Array(H);
  return {
    W: stack([rows, columns], (tensor) => blocks(tensor("weight_ih"))),
    R: stack([rows, H], (tensor) => blocks(tensor("weight_hh"))),
    B:
      cell.bias === "none"
        ? undefined
        : stack([2 * rows], (tensor) => concat([blocks(tensor("bias_ih")), blocks(tensor("bias_hh"))])),
    P: form.peephole
      ? stack([3 * H], (tensor) => concat(peepholeOrder.onnx.map((gate) => peephole(tensor, gate))))
      : undefined,
  };
}

const concat = (parts: readonly Float64Array[]): Float64Array => join(parts, Float64Array);
