import { expect, test } from "vitest";
import type { Cell } from "../src/cells/define.ts";
import { gru } from "../src/cells/gru.ts";
import { lstm } from "../src/cells/lstm.ts";
import { rnn } from "../src/cells/rnn.ts";
import type { SynchronousMachine } from "../src/compute/machine.ts";
import { sigmoid, tanh } from "../src/math/expression.ts";
import {
  type Activation,
  affine,
  elu,
  hardSigmoid,
  leakyRelu,
  relu,
  scaledTanh,
  softplus,
  softsign,
  thresholdedRelu,
} from "../src/math/functions.ts";
import { difference } from "./support/difference.ts";
import { describeOnMachines } from "./support/machines.ts";
import { type OnnxCase, type OnnxTensor, onnxCases } from "./support/onnx.ts";
import { type Numbers, type RecurrentCase, type RecurrentResult, runRecurrent } from "./support/recurrent.ts";
import { blocks, gateOrders, sideBySide } from "./support/recurrent-layouts.ts";

/*
 * 36 one-node models over ONNX' whole attribute space with the outputs of ONNX Runtime, which computes in float32: also
 * the float64 reference can be no nearer to them than float32's tolerance.
 */
const tolerance = 2e-6;

/** Activations by ONNX' names, and which of α and β they take from the node's lists. */
const activations: Readonly<Record<string, { takes: "" | "α" | "αβ"; make: (a: number, b: number) => Activation }>> = {
  Affine: { takes: "αβ", make: affine },
  Elu: { takes: "α", make: elu },
  HardSigmoid: { takes: "αβ", make: hardSigmoid },
  LeakyRelu: { takes: "α", make: leakyRelu },
  Relu: { takes: "", make: () => relu },
  ScaledTanh: { takes: "αβ", make: scaledTanh },
  Sigmoid: { takes: "", make: () => sigmoid },
  Softplus: { takes: "", make: () => softplus },
  Softsign: { takes: "", make: () => softsign },
  Tanh: { takes: "", make: () => tanh },
  ThresholdedRelu: { takes: "α", make: thresholdedRelu },
};
const defaults: Readonly<Record<string, readonly string[]>> = {
  RNN: ["Tanh"],
  GRU: ["Sigmoid", "Tanh"],
  LSTM: ["Sigmoid", "Tanh", "Tanh"],
};

/** The activations of each direction; α and β are consumed in the order of the activations that take them. */
function activationsOf({ op, attributes }: OnnxCase, directions: number): Activation[][] {
  const names =
    (attributes.activations as string[] | undefined) ?? Array.from({ length: directions }, () => defaults[op]!).flat();
  const [alphas, betas] = ["activation_alpha", "activation_beta"].map((name) => [
    ...((attributes[name] as number[] | undefined) ?? []),
  ]) as [number[], number[]];
  const made = names.map((name) => {
    const { takes, make } = activations[name]!;
    return make(takes.includes("α") ? alphas.shift()! : 0, takes.includes("β") ? betas.shift()! : 0);
  });
  expect([alphas, betas]).toEqual([[], []]);
  const each = made.length / directions;
  return Array.from({ length: directions }, (_, d) => made.slice(d * each, (d + 1) * each));
}

function cellOf({ op, attributes, inputs }: OnnxCase, f: readonly Activation[]): Cell {
  const common = { bias: inputs.B !== undefined, clip: attributes.clip as number | undefined };
  if (op === "RNN") return rnn({ ...common, activation: f[0]! });
  if (op === "GRU")
    return gru({ ...common, gate: f[0]!, candidate: f[1]!, resetAfter: attributes.linear_before_reset === 1 });
  return lstm({
    ...common,
    ...{ gate: f[0]!, candidate: f[1]!, output: f[2]! },
    ...{ coupled: attributes.input_forget === 1, peephole: inputs.P !== undefined },
  });
}

/** Direction `d` of a tensor [directions, …]. */
const part = (t: OnnxTensor, d: number): Numbers =>
  t.data.subarray((t.data.length / t.shape[0]!) * d, (t.data.length / t.shape[0]!) * (d + 1));

/** Parameters of direction `d` under our names without suffix. */
function parametersOf({ op, attributes, inputs }: OnnxCase, d: number, H: number, D: number): Record<string, Numbers> {
  const coupled = attributes.input_forget === 1;
  const order = { RNN: gateOrders.onnxRnn, GRU: gateOrders.onnxGru, LSTM: gateOrders.onnxLstm }[op]!;
  const rows: readonly number[] = coupled ? gateOrders.onnxCoupledLstm : order;
  const found: Record<string, Numbers> = {
    weight_ih: blocks(part(inputs.W!, d), H * D, rows),
    weight_hh: blocks(part(inputs.R!, d), H * H, rows),
  };
  if (inputs.B) {
    found.bias_ih = blocks(part(inputs.B, d), H, rows);
    found.bias_hh = blocks(part(inputs.B, d), H, rows, order.length * H);
  }
  // P is i, o, f.
  if (inputs.P)
    ["pi", "po", "pf"].forEach((name, k) => {
      if (!coupled || name !== "pf") found[`weight_${name}`] = blocks(part(inputs.P!, d), H, [k]);
    });
  return found;
}

/** Output [T, directions, B, H] and states [directions, B, H], as ONNX has them. */
interface NodeResult {
  readonly Y: Numbers;
  readonly Y_h: Numbers;
  readonly Y_c: Numbers | undefined;
}

async function runNode(machine: SynchronousMachine, node: OnnxCase, form: "as it is" | "taken apart") {
  const { attributes, inputs } = node;
  const [T, B, D] = inputs.X!.shape as [number, number, number];
  const H = attributes.hidden_size as number;
  const direction = (attributes.direction as string | undefined) ?? "forward";
  const count = direction === "bidirectional" ? 2 : 1;
  const cells = activationsOf(node, count).map((f) => cellOf(node, f));
  const lengths = inputs.sequence_lens?.data;
  const common = {
    ...{ steps: T, batch: B, input: inputs.X!.data, emptyState: "zero" as const },
    ...(lengths && {
      mask: Array.from({ length: T * B }, (_, k) => (Math.floor(k / B) < lengths[k % B]! ? 1 : 0)),
    }),
  };
  const sizes = { inputSize: D, hiddenSize: H };
  const initialOf = (pick: (t: OnnxTensor) => Numbers): Record<string, Numbers> => ({
    ...(inputs.initial_h && { h: pick(inputs.initial_h) }),
    ...(inputs.initial_c && { c: pick(inputs.initial_c) }),
  });
  const suffixed = (d: number, suffix: string): Record<string, Numbers> =>
    Object.fromEntries(Object.entries(parametersOf(node, d, H, D)).map(([name, v]) => [`${name}${suffix}`, v]));
  // Equations are hash-consed: the same activations in both directions make the same next state.
  const same = cells.every((c) => c.states.every((s) => c.next[s.name] === cells[0]!.next[s.name]));
  if (same && form === "as it is") {
    const c: RecurrentCase = {
      ...common,
      options: {
        cell: cells[0]!,
        ...sizes,
        reverse: direction === "reverse",
        bidirectional: count === 2,
      },
      parameters: { ...suffixed(0, "_l0"), ...(count === 2 && suffixed(1, "_l0_reverse")) },
      initial: initialOf((t) => t.data),
    };
    const came = await runRecurrent(machine, c);
    return nodeResult([came], T, B, H, count);
  }
  const results: RecurrentResult[] = [];
  for (let d = 0; d < count; d++)
    results.push(
      await runRecurrent(machine, {
        ...common,
        options: { cell: cells[d]!, ...sizes, reverse: direction === "reverse" || d === 1 },
        parameters: suffixed(d, "_l0"),
        initial: initialOf((t) => part(t, d)),
      }),
    );
  return nodeResult(results, T, B, H, count);
}

function nodeResult(results: readonly RecurrentResult[], T: number, B: number, H: number, count: number): NodeResult {
  const [a, b] = results;
  const output = b ? sideBySide(a!.output, b.output, H) : a!.output;
  const Y = Float64Array.from({ length: T * count * B * H }, (_, k) => {
    const [j, n, d, t] = [
      k % H,
      Math.floor(k / H) % B,
      Math.floor(k / (B * H)) % count,
      Math.floor(k / (count * B * H)),
    ];
    return output[((t * B + n) * count + d) * H + j]!;
  });
  const state = (name: string): Numbers => Float64Array.from(results.flatMap((r) => Array.from(r.final[name]!)));
  return { Y, Y_h: state("h"), Y_c: "c" in a!.final ? state("c") : undefined };
}

const cases = onnxCases();

for (const form of ["as it is", "taken apart"] as const)
  describeOnMachines(`ONNX Runtime's recurrent nodes, each direction ${form},`, (m) => {
    const taken = cases.filter((c) => form === "as it is" || c.attributes.direction === "bidirectional");
    test.each(taken.map((c) => [c.name, c] as const))("%s", async (_, node) => {
      const came = await runNode(m.machine, node, form);
      expect(Object.keys(node.outputs).length).toBeGreaterThan(0);
      for (const [name, expected] of Object.entries(node.outputs))
        expect(difference(came[name as keyof NodeResult] ?? [], expected.data), name).toBeLessThanOrEqual(
          Math.max(tolerance, m.outputs),
        );
    });
  });
