import { type CellSpec, cellByName } from "../../cells/registry.ts";
import { size } from "../../shared/shapes.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { BidirectionalSpec, RecurrentSpec } from "../canonical.ts";
import { type NodeForm, nodeForm } from "./cell-attributes.ts";
import type { LayerWriter, LayerWriting } from "./write-layers.ts";
import { attributesOf, packed } from "./write-recurrent.ts";

const REVERSED = 2 ** 31 - 1;

interface Parts {
  /** [D, batch, H] by state: the initial ones as values, the final ones as they come out. */
  readonly steps: string;
  readonly finals: readonly string[];
  readonly states: readonly string[];
}

/** One ONNX node for a layer in one or two directions; `steps` is [time, D, batch, H]. */
function recurrentNode(
  specs: readonly RecurrentSpec[],
  context: LayerWriting,
  initial: (state: number, direction: number) => string,
): Parts {
  const { graph, node, inputs, weight, refuse } = context;
  const [spec] = specs as [RecurrentSpec];
  if (specs.length > 1 && specs.some((s, d) => s.reverse !== (d === 1))) throw refuse("its directions are unusual");
  const { form, cell } = formOf(spec, refuse);
  const shapeOf = (s: RecurrentSpec) => JSON.stringify([s.cell, s.hiddenSize, s.biases]);
  if (specs.some((s) => shapeOf(s) !== shapeOf(spec)))
    throw refuse("its two directions have different cells, units or biases");
  const x = `${node}/by-time`;
  graph.node("Transpose", [inputs[0]!], [x], { perm: [1, 0, 2] });
  const tensor = (name: string): NamedTensor => {
    if (name.startsWith("bias_hh") && spec.biases === 1) {
      const { shape } = weight(name.replace("_hh", "_ih"));
      return { shape, data: new Float32Array(size(shape)) };
    }
    return weight(name);
  };
  const suffixes = specs.map((_, d) => (d === 0 ? "_l0" : "_l0_reverse"));
  const weights = packed(form, { hiddenSize: spec.hiddenSize, cell }, suffixes, tensor);
  const given = (what: keyof typeof weights): string =>
    weights[what] ? graph.float(`${node}/${what}`, weights[what]) : "";
  const states = cell.states.map((s) => s.name);
  // Left out, states are zero.
  const before = states.map((state, k) => {
    if (spec.independent) return "";
    const parts = specs.map((_, d) => {
      const name = `${node}/${state}.before.${d}`;
      graph.node("Unsqueeze", [initial(k, d), "axis.0"], [name]);
      return name;
    });
    if (parts.length === 1) return parts[0]!;
    graph.node("Concat", parts, [`${node}/${state}.before`], { axis: 0 });
    return `${node}/${state}.before`;
  });
  const args = [x, given("W"), given("R"), given("B"), "", ...before, ...(weights.P ? [given("P")] : [])];
  const finals = states.map((state) => `${node}/${state}.after`);
  graph.node(form.op, args, [`${node}/Y`, ...finals], attributesOf(form, spec.hiddenSize, specs.length, spec.reverse));
  return { steps: `${node}/Y`, finals, states };
}

function formOf(spec: RecurrentSpec, refuse: LayerWriting["refuse"]) {
  // Left out like any other dropout: it does nothing at inference.
  const { recurrentDropout: _, ...own } = spec.cell.options ?? {};
  const options = { ...own, ...(spec.biases === 0 && { bias: false }) };
  const known: CellSpec = { ...spec.cell, options };
  const cell = cellByName(known);
  try {
    return { form: nodeForm(cell, known) as NodeForm, cell };
  } catch (cause) {
    throw refuse(
      cause instanceof Error ? cause.message.replace(/^cell "[^"]*" cannot be written as an ONNX node: /, "") : "",
    );
  }
}

/** Element `d` of the first axis. */
function direction({ graph, node }: LayerWriting, value: string, d: number, axis: number, what: string): string {
  const [name, at] = [
    `${node}/${what}.${d}`,
    graph.tensor(`${node}/${what}.${d}.at`, "int64", { shape: [], data: [d] }),
  ];
  graph.node("Gather", [value, at], [name], { axis });
  return name;
}

/** What is given out of all steps [time, batch, H]: all of them, batch first, or the state after the last. */
function given(
  spec: RecurrentSpec,
  context: LayerWriting,
  steps: string,
  last: string,
  d: number,
  flip: boolean,
): string {
  const { graph, node } = context;
  if (!spec.returnSequences) return last;
  const name = `${node}/steps.${d}.by-batch`;
  graph.node("Transpose", [steps], [name], { perm: [1, 0, 2] });
  if (!flip) return name;
  graph.whole(`${node}/flip.${d}.start`, [-1]);
  graph.whole(`${node}/flip.${d}.end`, [-REVERSED]);
  graph.node(
    "Slice",
    [name, `${node}/flip.${d}.start`, `${node}/flip.${d}.end`, "axis.1", `${node}/flip.${d}.start`],
    [`${node}/flipped.${d}`],
  );
  return `${node}/flipped.${d}`;
}

export const writeOneDirection: LayerWriter<RecurrentSpec> = (spec, context) => {
  const { graph, node, inputs } = context;
  const names = cellByName(spec.cell).states.map((s) => s.name);
  const { steps, finals, states } = recurrentNode([spec], context, (k) => inputs[1 + k] ?? `${node}.${names[k]}`);
  const all = direction(context, steps, 0, 1, "steps");
  const last = finals.map((value, k) => {
    const name = `${node}.${states[k]}_out`;
    graph.node("Squeeze", [value, "axis.0"], [name]);
    return name;
  });
  const flip = spec.reverse && spec.outputOrder === "computed";
  return [given(spec, context, all, last[0]!, 0, flip), ...(spec.returnState ? last : [])];
};

const merges = { sum: "Sum", mul: "Mul", ave: "Mean" } as const;

export const writeBidirectional: LayerWriter<BidirectionalSpec> = (spec, context) => {
  const { graph, node, inputs } = context;
  const both = [spec.forward, spec.backward];
  const names = cellByName(spec.forward.cell).states.map((s) => s.name);
  const { steps, finals, states } = recurrentNode(
    both,
    context,
    (k, d) => inputs[1 + d * names.length + k] ?? `${node}.${d === 0 ? "forward" : "backward"}.${names[k]}`,
  );
  const last = both.map((_, d) =>
    finals.map((value, k) => {
      const [one, name] = [
        direction(context, value, d, 0, `${states[k]}.after`),
        `${node}.${d === 0 ? "forward" : "backward"}.${states[k]}_out`,
      ];
      graph.node("Identity", [one], [name]);
      return name;
    }),
  );
  const outputs = both.map((one, d) =>
    given(one, context, direction(context, steps, d, 1, "steps"), last[d]![0]!, d, false),
  );
  const more = spec.forward.returnState ? last.flat() : [];
  if (spec.merge === "separate") return [...outputs, ...more];
  const merged = `${node}/merged`;
  if (spec.merge === "concat") graph.node("Concat", outputs, [merged], { axis: -1 });
  else graph.node(merges[spec.merge], outputs, [merged]);
  return [merged, ...more];
};
