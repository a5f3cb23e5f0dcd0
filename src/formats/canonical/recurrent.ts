import { dropout } from "../../layers/dropout.ts";
import { renamed } from "../../layers/held-values.ts";
import { type Recurrent, recurrent } from "../../layers/recurrent.ts";
import { equal, max, select, variable } from "../../math/expression.ts";
import { withGateSums } from "../../scan/gate-sums.ts";
import { mapValues, prefixed } from "../../shared/records.ts";
import { size } from "../../shared/shapes.ts";
import { add, mul } from "../../tensor/arithmetic.ts";
import type { Graph, Tensor } from "../../tensor/graph.ts";
import { concatenate, pointwise, reshape, slice } from "../../tensor/operations.ts";
import type { BidirectionalSpec, RecurrentSpec } from "../canonical.ts";
import { cellOf } from "./cell-of.ts";
import type { MakeLayer, NetworkLayer, NodeContext } from "./layer.ts";
import { reverseSteps, timeMajor, type Value, withTensor } from "./value.ts";

/** One direction of a recurrent layer: ours, with the conventions of the file around it. */
interface Direction {
  readonly layer: Recurrent;
  readonly parts: NetworkLayer["parts"];
  readonly states: Readonly<Record<string, number>>;
  /** Which of them go from the end to the beginning. */
  readonly backward: readonly string[];
  run(x: Value, initial: readonly Value[], context: NodeContext, prefix: string, suffix: string): DirectionResult;
}
interface DirectionResult {
  /** [T, B, W], steps in the order of time. */
  readonly steps: Tensor;
  /** [B, W] in the cell's order. */
  readonly final: readonly Tensor[];
}

function direction(spec: RecurrentSpec): Direction {
  const { biases, inputSize, hiddenSize, projectionSize = 0, reverse } = spec;
  const cell = cellOf(spec);
  const layer = recurrent({ cell, inputSize, hiddenSize, projectionSize, reverse });
  const { bias_hh_l0: second, ...others } = layer.parts;
  const drop = dropout({ rate: spec.dropout ?? 0, per: "sequence" });
  const states = spec.independent ? {} : mapValues(layer.stateShapes(1), (shape) => shape[2]!);
  return {
    layer,
    parts: biases === 1 ? others : layer.parts,
    states,
    backward: reverse ? Object.keys(states) : [],
    run(x, initial, context, prefix, suffix) {
      const sequence = timeMajor(x);
      const { graph } = sequence;
      const batch = sequence.shape[1]!;
      if (biases === 1 && second) graph.substitute(second, zeros(graph, second.shape));
      const names = cell.states.map((s) => s.name);
      const state = (name: string, k: number): Tensor | undefined =>
        initial[k]?.tensor ?? (spec.independent ? undefined : context.initial(prefix + name, batch));
      const before = Object.fromEntries(
        names.flatMap((name, k) => {
          const t = state(name, k);
          return t ? [[name, reshape(t, [1, batch, size(t.shape) / batch])]] : [];
        }),
      );
      const { mask } = x;
      const { output, final, traces } = layer.forward(drop.forward(sequence), {
        ...{ initial: before, mask, trace: context.trace.filter((name) => name in withGateSums(cell).named) },
        maskedOutput: spec.maskedOutput === "zero" ? "zero" : "previous",
        hold: renamed(context.hold, (name) => ofOne(name) + suffix),
      });
      for (const [name, value] of Object.entries(traces)) context.traced(ofOne(name) + suffix, value);
      const states = names.map((name) => reshape(final[name]!, [batch, final[name]!.shape[2]!]));
      names.forEach((name, k) => {
        if (!spec.independent) context.final(prefix + name, states[k]!);
      });
      const h = before[names[0]!];
      // The output of the step before a piece was h. What Keras itself carries from run to run begins with 0.
      const goesOn = spec.maskedOutput === "previous" && context.pieces && !spec.stateful && !initial[0];
      const leads = mask && h && (goesOn || spec.maskedOutput === "previous-or-initial");
      return { steps: leads ? initialBeforeFirst(output, mask, h, reverse) : output, final: states };
    },
  };
}

/** The name of a value without the number of its layer, of which there is one. */
const ofOne = (name: string): string => name.replace(/_l0$/, "");

const zeros = (graph: Graph, shape: readonly number[]): Tensor => graph.constant(shape, new Float32Array(size(shape)));

/** The output with the initial h where no valid step came before, in the direction of the scan. */
function initialBeforeFirst(output: Tensor, mask: Tensor, h: Tensor, reverse: boolean): Tensor {
  const [steps, batch] = mask.shape as [number, number];
  const { graph } = output;
  // Whether a valid step came, looking 1, 2, 4, … steps back.
  let seen = mask;
  for (let back = 1; back < steps; back *= 2) {
    const none = zeros(graph, [back, batch]);
    const before = reverse
      ? concatenate([slice(seen, 0, back, steps), none], 0)
      : concatenate([none, slice(seen, 0, 0, steps - back)], 0);
    seen = pointwise({ seen, before }, max(variable("seen"), variable("before")));
  }
  return pointwise(
    { output, h, seen: reshape(seen, [steps, batch, 1]) },
    select(equal(variable("seen"), 0), variable("h"), variable("output")),
  );
}

/** What a layer gives out of all its steps: all of them in the order of time, or the one computed last. */
function given(spec: RecurrentSpec, steps: Tensor, mask: Tensor | undefined): Value {
  if (spec.returnSequences) return { tensor: steps, timeMajor: true, mask };
  const [T, batch, width] = steps.shape as [number, number, number];
  const last = spec.reverse ? 0 : T - 1;
  return { tensor: reshape(slice(steps, 0, last, last + 1), [batch, width]), timeMajor: false };
}

/** Steps in the order in which the layer gives them out. The mask stays as it is, as in Keras. */
function ordered(spec: RecurrentSpec, value: Value): Value {
  const turns = spec.reverse && spec.returnSequences && spec.outputOrder === "computed";
  return turns ? withTensor(value, reverseSteps(value.tensor)) : value;
}

const stateValue = (tensor: Tensor): Value => ({ tensor, timeMajor: false });

export const recurrentLayer: MakeLayer<RecurrentSpec> = (spec) => {
  const one = direction(spec);
  return {
    parts: one.parts,
    products: one.layer.products,
    states: one.states,
    stateful: spec.stateful,
    backward: one.backward,
    forward([x, ...initial], context) {
      const { steps, final } = one.run(x!, initial, context, "", "");
      return [ordered(spec, given(spec, steps, x!.mask)), ...(spec.returnState ? final.map(stateValue) : [])];
    },
  };
};

const merges: {
  [M in BidirectionalSpec["merge"]]: (forward: Value, backward: Value) => readonly Value[];
} = {
  concat: (a, b) => [{ ...a, tensor: concatenate([a.tensor, b.tensor], a.tensor.shape.length - 1) }],
  sum: (a, b) => [{ ...a, tensor: add(a.tensor, b.tensor) }],
  mul: (a, b) => [{ ...a, tensor: mul(a.tensor, b.tensor) }],
  ave: (a, b) => [{ ...a, tensor: mul(add(a.tensor, b.tensor), 0.5) }],
  separate: (a, b) => [a, b],
};

export const bidirectionalLayer: MakeLayer<BidirectionalSpec> = (spec) => {
  const [forward, backward] = [direction(spec.forward), direction(spec.backward)];
  const count = forward.layer.options.cell.states.length;
  return {
    parts: {
      ...forward.parts,
      ...Object.fromEntries(Object.entries(backward.parts).map(([name, part]) => [`${name}_reverse`, part])),
    },
    products: [...forward.layer.products, ...backward.layer.products],
    states: { ...prefixed("forward.", forward.states), ...prefixed("backward.", backward.states) },
    stateful: spec.forward.stateful,
    backward: [
      ...forward.backward.map((name) => `forward.${name}`),
      ...backward.backward.map((name) => `backward.${name}`),
    ],
    forward([x, ...initial], context) {
      const a = forward.run(x!, initial.slice(0, count), context, "forward.", "");
      const b = backward.run(x!, initial.slice(count), context, "backward.", "_reverse");
      // Steps of both meet in the order of time; the forward layer says in which they are given out.
      const outputs = merges[spec.merge](given(spec.forward, a.steps, x!.mask), given(spec.backward, b.steps, x!.mask));
      return [
        ...outputs.map((value) => ordered(spec.forward, value)),
        ...(spec.forward.returnState ? [...a.final, ...b.final].map(stateValue) : []),
      ];
    },
  };
};
