import { type CellSpec, cellByName } from "../../cells/registry.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { BidirectionalSpec, RecurrentSpec } from "../canonical.ts";
import { nodeForm } from "./cell-attributes.ts";
import type { LayerWriter, LayerWriting } from "./write-layers.ts";
import { writeLayer } from "./write-recurrent.ts";

const REVERSED = 2 ** 31 - 1;

interface Parts {
  /** [D, batch, H] by state: the initial ones as values, the final ones as they come out. */
  readonly steps: string;
  readonly finals: readonly string[];
  readonly states: readonly string[];
}

/** A layer in one or two directions; `steps` is [time, D, batch, H]. */
function recurrentNode(
  specs: readonly RecurrentSpec[],
  context: LayerWriting,
  initial: (state: number, direction: number) => string,
): Parts {
  const { graph, node, inputs, weight, refuse } = context;
  const [spec] = specs as [RecurrentSpec];
  if (specs.length > 1 && specs.some((s, d) => s.reverse !== (d === 1))) throw refuse("its directions are unusual");
  const shapeOf = (s: RecurrentSpec) => JSON.stringify([s.cell, s.hiddenSize, s.projectionSize ?? 0, s.biases]);
  if (specs.some((s) => shapeOf(s) !== shapeOf(spec)))
    throw refuse("its two directions have different cells, units or biases");
  const known: CellSpec = {
    ...spec.cell,
    options: { ...spec.cell.options, ...(spec.biases === 0 && { bias: false }) },
  };
  const cell = cellByName(known);
  const x = `${node}/by-time`;
  graph.node("Transpose", [inputs[0]!], [x], { perm: [1, 0, 2] });
  const tensor = (name: string): NamedTensor => {
    if (!name.startsWith("bias_hh") || spec.biases === 2) return weight(name);
    // What is not in the model is zeros, one for each row of the matrix.
    const { shape } = weight(name.replace("bias_hh", "weight_hh"));
    return { shape: shape.slice(0, 1), data: new Float32Array(shape[0]!) };
  };
  const states = cell.states.map((s) => s.name);
  const before = states.map((state, k) => {
    if (spec.independent) return undefined;
    const parts = specs.map((_, d) => {
      const name = `${node}/${state}.before.${d}`;
      graph.node("Unsqueeze", [initial(k, d), graph.axis(0)], [name]);
      return name;
    });
    if (parts.length === 1) return parts[0]!;
    graph.node("Concat", parts, [`${node}/${state}.before`], { axis: 0 });
    return `${node}/${state}.before`;
  });
  const { hiddenSize, projectionSize = 0, reverse } = spec;
  const finals = states.map((state) => `${node}/${state}.after`);
  writeLayer(graph, {
    ...{ form: nodeForm(cell, known), cell, sizes: { hiddenSize, projectionSize }, reverse, x, initial: before },
    directions: specs.map((_, d) => ({
      tensor: (part) => tensor(`${part}_l0${d === 0 ? "" : "_reverse"}`),
      name: (what) => `${node}/${what}${d === 0 ? "" : "_reverse"}`,
    })),
    ...{ steps: `${node}/Y`, finals },
  });
  return { steps: `${node}/Y`, finals, states };
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
    [name, `${node}/flip.${d}.start`, `${node}/flip.${d}.end`, graph.axis(1), `${node}/flip.${d}.start`],
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
    graph.node("Squeeze", [value, graph.axis(0)], [name]);
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
