import { cellOfSpec, isInWords } from "../../cells/cell-of-spec.ts";
import type { Cell } from "../../cells/define.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { cellOf } from "../canonical/cell-of.ts";
import type { BidirectionalSpec, RecurrentSpec } from "../canonical.ts";
import type { GraphWriter } from "./graph-writer.ts";
import { type NodeForm, nodeForm } from "./node-form.ts";
import type { LayerWriter, LayerWriting } from "./write-layers.ts";
import { writeLayer } from "./write-recurrent.ts";

/** The end of a slice that goes back over the first element. */
const BEFORE_FIRST = 1 - 2 ** 31;

/** Names of what the directions of a layer give: the output of each, and the final states of the first, then of the second. */
interface Given {
  readonly outputs: readonly string[];
  readonly finals: readonly string[];
}

/** A layer in one or two directions; `prefixes` stand before the names of their states where these are inputs and outputs of the graph. */
function writeDirections(specs: readonly RecurrentSpec[], prefixes: readonly string[], context: LayerWriting): Given {
  const { graph, node, inputs, weight, lengths, refuse } = context;
  const [spec] = specs as [RecurrentSpec];
  if (lengths !== undefined && specs.some((s) => s.returnSequences && s.maskedOutput !== "zero"))
    throw refuse("ONNX gives zeros at steps that do not count, here it is the output before");
  if (specs.length > 1 && specs.some((s, d) => s.reverse !== (d === 1))) throw refuse("its directions are unusual");
  const shapeOf = (s: RecurrentSpec) => JSON.stringify([s.cell, s.hiddenSize, s.projectionSize ?? 0, s.biases]);
  if (specs.some((s) => shapeOf(s) !== shapeOf(spec)))
    throw refuse("its two directions have different cells, units or biases");
  const cell = cellOf(spec);
  const x = `${node}/by-time`;
  graph.node("Transpose", [inputs[0]!], [x], { perm: [1, 0, 2] });
  const tensor = (name: string): NamedTensor => {
    if (!name.startsWith("bias_hh") || spec.biases === 2) return weight(name);
    // What is not in the model is zeros, one for each row of the matrix.
    const { shape } = weight(name.replace("bias_hh", "weight_hh"));
    return { shape: shape.slice(0, 1), data: new Float32Array(shape[0]!) };
  };
  const states = cell.states.map((s) => s.name);
  const initial = states.map((state, k) => {
    if (spec.independent) return undefined;
    const parts = specs.map((_, d) => {
      const name = `${node}/${state}.before.${d}`;
      const value = inputs[1 + d * states.length + k] ?? `${node}.${prefixes[d]}${state}`;
      graph.node("Unsqueeze", [value, graph.axis(0)], [name]);
      return name;
    });
    if (parts.length === 1) return parts[0]!;
    graph.node("Concat", parts, [`${node}/${state}.before`], { axis: 0 });
    return `${node}/${state}.before`;
  });
  const { hiddenSize, projectionSize = 0, reverse } = spec;
  // [T, D, B, H], and of each state [D, B, H].
  const steps = `${node}/Y`;
  const after = states.map((state) => `${node}/${state}.after`);
  writeLayer(graph, {
    ...{ form: formOf(spec, cell), cell, sizes: { hiddenSize, projectionSize }, reverse, x, initial, lengths },
    directions: specs.map((_, d) => ({
      tensor: (part) => tensor(`${part}_l0${d === 0 ? "" : "_reverse"}`),
      name: (what) => `${node}/${what}${d === 0 ? "" : "_reverse"}`,
    })),
    ...{ steps, finals: after },
  });
  const finals = specs.map((_, d) =>
    states.map((state, k) => direction(graph, after[k]!, d, 0, `${node}.${prefixes[d]}${state}_out`)),
  );
  // The steps of two directions meet in the order of time.
  const flip = specs.length === 1 && spec.reverse && spec.outputOrder === "computed";
  const outputs = specs.map(({ returnSequences }, d) => {
    if (!returnSequences) return finals[d]![0]!;
    const own = direction(graph, steps, d, 1, `${node}/steps.${d}`);
    graph.node("Transpose", [own], [`${own}.by-batch`], { perm: [1, 0, 2] });
    return flip ? flipped(graph, `${own}.by-batch`) : `${own}.by-batch`;
  });
  return { outputs, finals: finals.flat() };
}

/** The operator that computes the cell of a layer. What one in words computes is known by its equations alone. */
function formOf({ cell: spec }: RecurrentSpec, cell: Cell): NodeForm | undefined {
  if (isInWords(spec)) return nodeForm(cell);
  const without = cell.bias === "none" && cellOfSpec(spec).bias === "both";
  return nodeForm(cell, without ? { ...spec, options: { ...spec.options, bias: false } } : spec);
}

/** Element `d` of an axis, under this name. */
function direction(graph: GraphWriter, value: string, d: number, axis: number, name: string): string {
  graph.node("Gather", [value, graph.tensor(`${name}.at`, "int64", { shape: [], data: [d] })], [name], { axis });
  return name;
}

/** The steps of [B, T, H] from the last to the first. */
function flipped(graph: GraphWriter, value: string): string {
  const back = graph.whole(`${value}.back`, [-1]);
  const end = graph.whole(`${value}.end`, [BEFORE_FIRST]);
  graph.node("Slice", [value, back, end, graph.axis(1), back], [`${value}.flipped`]);
  return `${value}.flipped`;
}

export const writeOneDirection: LayerWriter<RecurrentSpec> = (spec, context) => {
  const { outputs, finals } = writeDirections([spec], [""], context);
  return [...outputs, ...(spec.returnState ? finals : [])];
};

const merges = { sum: "Sum", mul: "Mul", ave: "Mean" } as const;

export const writeBidirectional: LayerWriter<BidirectionalSpec> = ({ forward, backward, merge }, context) => {
  const { graph, node } = context;
  const { outputs, finals } = writeDirections([forward, backward], ["forward.", "backward."], context);
  const more = forward.returnState ? finals : [];
  if (merge === "separate") return [...outputs, ...more];
  const merged = `${node}/merged`;
  if (merge === "concat") graph.node("Concat", outputs, [merged], { axis: -1 });
  else graph.node(merges[merge], outputs, [merged]);
  return [merged, ...more];
};
