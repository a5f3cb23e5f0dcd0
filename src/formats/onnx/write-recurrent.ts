import type { Cell } from "../../cells/define.ts";
import type { CellSpec } from "../../cells/registry.ts";
import type { Recurrent } from "../../layers/recurrent.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { gateOrder, peepholeOrder } from "../gate-order.ts";
import { join } from "../join.ts";
import { type NodeForm, nodeForm } from "./cell-attributes.ts";
import type { GraphWriter } from "./graph-writer.ts";

export interface RecurrentToWrite {
  /** Name of the value [time, batch, D] that the first layer reads. */
  readonly input: string;
  /** Of the parameters' names. */
  readonly prefix: string;
  readonly tensor: (name: string) => NamedTensor;
  readonly cell: CellSpec | undefined;
}

/** Adds one node a layer, states as inputs and outputs of the graph, and returns the name of the last layer's output. */
export function writeRecurrent(graph: GraphWriter, rnn: Recurrent, o: RecurrentToWrite): string {
  const { cell, numLayers, bidirectional, reverse, hiddenSize } = rnn.options;
  const form = nodeForm(cell, o.cell);
  const D = bidirectional ? 2 : 1;
  const states = cell.states.map((s) => s.name);
  for (const state of states) {
    graph.input(state, "float32", [numLayers * D, "batch", hiddenSize]);
    graph.output(`${state}_out`, "float32", [numLayers * D, "batch", hiddenSize]);
  }
  graph.whole("axis.0", [0]);
  graph.whole("axis.1", [1]);
  graph.whole("rows", [0, 0, -1]);
  const single = numLayers === 1;
  let x = o.input;
  for (let layer = 0; layer < numLayers; layer++) {
    const name = (what: string): string => `${o.prefix}${what}_l${layer}`;
    const suffixes = rnn.directions.slice(layer * D, (layer + 1) * D).map((d) => d.suffix);
    const initial = states.map((state) => {
      if (single) return state;
      graph.whole(name(`${state}.start`), [layer * D]);
      graph.whole(name(`${state}.end`), [(layer + 1) * D]);
      graph.node("Slice", [state, name(`${state}.start`), name(`${state}.end`), "axis.0"], [name(state)]);
      return name(state);
    });
    const weights = packed(form, rnn.options, suffixes, (part) => o.tensor(`${o.prefix}${part}`));
    const given = (what: keyof typeof weights): string => {
      const tensor = weights[what];
      return tensor ? graph.float(name(what), tensor) : "";
    };
    const inputs = [x, given("W"), given("R"), given("B"), "", ...initial];
    graph.node(
      form.op,
      weights.P ? [...inputs, given("P")] : inputs,
      [name("Y"), ...states.map((s) => (single ? `${s}_out` : name(`${s}.final`)))],
      attributesOf(form, hiddenSize, D, reverse),
    );
    x = name("output");
    if (D === 1) graph.node("Squeeze", [name("Y"), "axis.1"], [x]);
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

type Attributes = Parameters<GraphWriter["node"]>[3];

/** Attributes of a node of this form, in `D` directions. */
export function attributesOf(form: NodeForm, hiddenSize: number, D: number, reverse: boolean): Attributes {
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
export function packed(
  form: NodeForm,
  { hiddenSize: H, cell }: { readonly hiddenSize: number; readonly cell: Cell },
  suffixes: readonly string[],
  tensor: (name: string) => NamedTensor,
): Record<"W" | "R" | "B" | "P", NamedTensor | undefined> {
  const theirs = gateOrder[form.kind].onnx!;
  const ours = cell.gates.map((g) => g.name);
  const blocks = (name: string): Float64Array => {
    const data = new Float64Array(tensor(name).data);
    const length = data.length / ours.length;
    return concat(
      theirs.map((gate) => {
        const k = ours.indexOf(gate);
        return k < 0 ? new Float64Array(length) : data.subarray(k * length, (k + 1) * length);
      }),
    );
  };
  const stack = (shape: readonly number[], part: (suffix: string) => Float64Array): NamedTensor => ({
    shape: [suffixes.length, ...shape],
    data: concat(suffixes.map(part)),
  });
  const rows = theirs.length * H;
  const columns = tensor(`weight_ih${suffixes[0]}`).shape[1]!;
  const peephole = (suffix: string, gate: string): Float64Array =>
    `p${gate}` in cell.weights ? Float64Array.from(tensor(`weight_p${gate}${suffix}`).data) : new Float64Array(H);
  return {
    W: stack([rows, columns], (s) => blocks(`weight_ih${s}`)),
    R: stack([rows, H], (s) => blocks(`weight_hh${s}`)),
    B:
      cell.bias === "none"
        ? undefined
        : stack([2 * rows], (s) => concat([blocks(`bias_ih${s}`), blocks(`bias_hh${s}`)])),
    P: form.peephole ? stack([3 * H], (s) => concat(peepholeOrder.onnx.map((g) => peephole(s, g)))) : undefined,
  };
}

const concat = (parts: readonly Float64Array[]): Float64Array => join(parts, (length) => new Float64Array(length));
