import type { Cell } from "../../src/cells/define.ts";
import { gru } from "../../src/cells/gru.ts";
import { lstm } from "../../src/cells/lstm.ts";
import { rnn } from "../../src/cells/rnn.ts";
import type { SynchronousMachine } from "../../src/compute/machine.ts";
import { sigmoid, tanh } from "../../src/math/expression.ts";
import { type Activation, hardSigmoid } from "../../src/math/functions.ts";
import type { KerasBidirectional, KerasCall, KerasCase, KerasRecurrent } from "./keras.ts";
import { type Named, type Numbers, runRecurrent } from "./recurrent.ts";
import { blocks, flipped, gateOrders, swapped, transposed } from "./recurrent-layouts.ts";

/** Keras' layers by the product's: its weights in our layout, its options as ours, its conventions around them. */

const activations: Readonly<Record<string, Activation>> = {
  tanh,
  sigmoid,
  hard_sigmoid: hardSigmoid(0.2, 0.5),
};
const orders = { SimpleRNN: gateOrders.kerasSimpleRnn, LSTM: gateOrders.kerasLstm, GRU: gateOrders.kerasGru };

function cellOf(layer: KerasRecurrent): Cell {
  const bias = layer.bias !== undefined;
  const activation = activations[layer.activation]!;
  if (layer.class === "SimpleRNN") return rnn({ bias, activation });
  const gate = activations[layer.recurrentActivation!]!;
  if (layer.class === "GRU") return gru({ bias, gate, candidate: activation, resetAfter: layer.resetAfter });
  return lstm({ bias, gate, candidate: activation, output: activation });
}

function parametersOf({ class: name, units: H, kernel, recurrentKernel, bias }: KerasRecurrent): Named {
  const order: readonly number[] = orders[name];
  const [D, width] = kernel.shape as [number, number];
  return {
    weight_ih_l0: blocks(transposed(kernel.data, D, width), H * D, order),
    weight_hh_l0: blocks(transposed(recurrentKernel.data, H, width), H * H, order),
    ...(bias && {
      bias_ih_l0: blocks(bias.data, H, order),
      bias_hh_l0: bias.shape.length === 2 ? blocks(bias.data, H, order, width) : new Float64Array(width),
    }),
  };
}

interface Result {
  /** [T, B, H] in the order of computation. */
  readonly output: Numbers;
  /** h, then c, each [B, H]. */
  readonly state: readonly Numbers[];
}

async function runLayer(
  machine: SynchronousMachine,
  layer: KerasRecurrent,
  call: KerasCall,
  initial: readonly Numbers[] | undefined,
): Promise<Result> {
  const [B, T, D] = call.x.shape as [number, number, number];
  const cell = cellOf(layer);
  const { output, final } = await runRecurrent(machine, {
    options: { cell, inputSize: D, hiddenSize: layer.units, reverse: layer.goBackwards },
    ...{ steps: T, batch: B, parameters: parametersOf(layer), input: swapped(call.x.data, B, T) },
    ...(call.mask && { mask: swapped(call.mask.data, B, T) }),
    ...(initial && { initial: Object.fromEntries(cell.states.map((s, k) => [s.name, initial[k]!])) }),
    maskedOutput: layer.zeroOutputForMask ? "zero" : "previous",
  });
  return {
    output: layer.goBackwards ? flipped(output, T) : output,
    state: cell.states.map((s) => final[s.name]!),
  };
}

/** What Keras returns for one call: the output or the outputs [B, …], then states. */
function partsOf(layer: KerasRecurrent | KerasBidirectional, results: readonly Result[], call: KerasCall): Numbers[] {
  const [B, T] = call.x.shape as [number, number];
  const one = layer.class === "Bidirectional" ? layer.forward : layer;
  // The second direction's sequence is put back into the order of time; its last output is the last one computed.
  const outputs = results.map(({ output }, direction) =>
    one.returnSequences
      ? swapped(direction === 1 ? flipped(output, T) : output, T, B)
      : Float64Array.from(output).subarray((T - 1) * B * one.units),
  );
  const states = one.returnState ? results.flatMap((r) => r.state) : [];
  if (layer.class !== "Bidirectional" || layer.mergeMode === null) return [...outputs, ...states];
  const [a, b] = outputs.map((o) => Array.from(o)) as [number[], number[]];
  if (layer.mergeMode === "concat") {
    const H = one.units;
    const rows = a.length / H;
    const both = Array.from({ length: rows }, (_, n) => [
      ...a.slice(n * H, (n + 1) * H),
      ...b.slice(n * H, (n + 1) * H),
    ]);
    return [both.flat(), ...states];
  }
  const merge = {
    sum: (x: number, y: number): number => x + y,
    mul: (x: number, y: number): number => x * y,
    ave: (x: number, y: number): number => (x + y) / 2,
  }[layer.mergeMode];
  return [a.map((x, k) => merge(x, b[k]!)), ...states];
}

/** Runs the calls of a case and returns what its `take` names, row-major. */
export async function runKerasOn(
  machine: SynchronousMachine,
  { layer, calls, take, expected }: KerasCase,
): Promise<number[]> {
  const layers = layer.class === "Bidirectional" ? [layer.forward, layer.backward] : [layer];
  let kept: readonly Result[] | undefined;
  let parts: Numbers[] = [];
  for (const call of calls) {
    if (call === "reset_state") {
      kept = undefined;
      continue;
    }
    const results: Result[] = [];
    for (const [k, one] of layers.entries()) {
      const states = one.class === "LSTM" ? 2 : 1;
      const given = call.initialState?.slice(k * states, (k + 1) * states).map((s) => s.data);
      results.push(await runLayer(machine, one, call, kept ? kept[k]!.state : given));
    }
    kept = layers[0]!.stateful ? results : undefined;
    parts = partsOf(layer, results, call);
  }
  const part = Array.from(parts[take.kind === "part" ? take.index : 0]!);
  const length = expected.data.length;
  return take.kind === "row" ? part.slice(take.index * length, (take.index + 1) * length) : part;
}
