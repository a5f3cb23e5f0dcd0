import { less, select } from "../../../math/expression.ts";
import { UsageError } from "../../../shared/errors.ts";
import { mapValues } from "../../../shared/records.ts";
import { size } from "../../../shared/shapes.ts";
import { gather } from "../../../tensor/operations.ts";
import { type HostValue, isHost, type Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";
import { dequantized, throughBytes } from "./quantization.ts";
import { knownLengths, type RecurrentNode, recurrentNode, type Walk } from "./recurrent.ts";

/**
 * ONNX Runtime's LSTM with 8-bit weights. It rounds what it multiplies them with to 8 bits: the input once, scale and zero point from all
 * of its numbers, and the state h before each step, scale and zero point from the whole batch. (With several threads that runtime takes
 * parts of the batch for themselves; this is what one thread computes.) h is used by the product alone, so a step is a scan of length
 * one from the rounded h.
 */
const byRoundedSteps: Walk = (node, o, x) => {
  const { recorder } = node;
  if (recorder.trace?.gradients) throw new UsageError("not-differentiable", "no gradient passes through its rounding");
  const { T, B, hiddenSize: H } = o;
  const lengths = knownLengths(node, o);
  const count = Math.max(...lengths);
  const input = count > 0 ? throughBytes(node, recorder.slice(x, 0, 0, count)) : x;
  const zeros = (...shape: number[]): Value => known(shape, new Float32Array(size(shape)));
  const keptOutput = node.node.outputs[0] !== "";
  return (layer, { initial, trace, hold }) => {
    // In ONNX Runtime every sequence of a batch begins at step 0, the last ones first where the direction is reverse.
    const inOrder = layer.options.reverse ? turned(node, o, input, lengths, count) : input;
    const outputs: Value[] = [];
    const traces = new Map<string, Value[]>();
    let state = Object.fromEntries(
      ["h", "c"].map((name): [string, Value] => [
        name,
        initial[name] ? recorder.device("float32", initial[name]) : zeros(1, B, H),
      ]),
    );
    let seen = state.h!;
    for (let step = 0; step < count; step++) {
      const result = layer.forward(recorder.tensor(recorder.slice(inOrder, 0, step, 1)), {
        initial: { h: recorder.tensor(throughBytes(node, seen)), c: recorder.tensor(state.c!) },
        ...{ trace, hold },
      });
      const came = (name: string): Value => recorder.device("float32", result.final[name]!);
      const running = Float32Array.from(lengths, (n) => Number(step < n));
      const mask = known([1, B, 1], running);
      const choose = (value: Value, otherwise: Value): Value =>
        running.every((r) => r === 1)
          ? value
          : recorder.pointwise([mask, value, otherwise], (m, a, b) => select(less(0, m), a, b), "float32");
      const output = choose(came("h"), zeros(1, 1, 1));
      // A sequence of length 0 ends with zeros, whatever it was given.
      const ended = (name: string): Value => (step === 0 ? zeros(1, 1, 1) : state[name]!);
      state = { h: choose(came("h"), ended("h")), c: choose(came("c"), ended("c")) };
      seen = keptOutput ? output : state.h!;
      outputs.push(output);
      for (const [name, tensor] of Object.entries(result.traces))
        traces.set(name, [...(traces.get(name) ?? []), recorder.device("float32", tensor)]);
    }
    const inTime = (steps: readonly Value[]): Value => {
      const rest = count < T ? [zeros(T - count, B, H)] : [];
      const all = recorder.concatenate([...steps, ...rest], 0);
      return layer.options.reverse ? turned(node, o, all, lengths, T) : all;
    };
    const empty = count === 0;
    return {
      output: recorder.tensor(inTime(outputs)),
      final: mapValues(state, (value) => recorder.tensor(empty ? zeros(1, B, H) : value)),
      traces: Object.fromEntries([...traces].map(([name, steps]) => [name, recorder.tensor(inTime(steps))])),
    };
  };
};

const known = (shape: readonly number[], data: Float32Array): HostValue => ({
  ...{ type: "float32", shape, data, constant: false },
});

/** The first steps of each sequence, as many as it is long, in reverse; those behind them stay. x is [count, B, …]. */
function turned(node: NodeContext, { B }: RecurrentNode, x: Value, lengths: readonly number[], count: number): Value {
  const { recorder } = node;
  const width = size(x.shape) / (count * B);
  const rows = Float64Array.from({ length: count * B }, (_, k) => {
    const [t, b] = [Math.floor(k / B), k % B];
    return (t < lengths[b]! ? lengths[b]! - 1 - t : t) * B + b;
  });
  const table = recorder.tensor(recorder.reshape(x, [count * B, width]));
  const order = recorder.tensor({ type: "int32", shape: [count * B], data: rows, constant: false });
  return recorder.reshape(recorder.device("float32", gather(order, table)), x.shape);
}

const asLstm = recurrentNode("lstm", byRoundedSteps);

/** Weights [D, inputs, 4H] with one scale a direction or one a column, as the LSTM has them. */
export const dynamicQuantizeLstm: Operator = (node) => {
  const { recorder } = node;
  const weights = (k: number, scale: number, zeroPoint: number): Value => {
    const w = node.input(k);
    const perColumn = (v: Value): Value =>
      recorder.reshape(v, v.shape.length === 2 ? [v.shape[0]!, 1, v.shape[1]!] : [v.shape[0]!, 1, 1]);
    const made = dequantized(node, w, perColumn(node.input(scale)), perColumn(node.input(zeroPoint)));
    const value = recorder.transpose(made, [0, 2, 1]);
    return isHost(value) ? { ...value, name: `${node.node.name}.${k}` } : value;
  };
  const inputs = [...node.inputs.slice(0, 8)];
  inputs[1] = weights(1, 8, 9);
  inputs[2] = weights(2, 10, 11);
  return asLstm(node.withInputs(inputs));
};
