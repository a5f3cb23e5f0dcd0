import type { Cell } from "../../../cells/define.ts";
import { gru } from "../../../cells/gru.ts";
import { lstm } from "../../../cells/lstm.ts";
import { rnn } from "../../../cells/rnn.ts";
import { type Hold, renamed } from "../../../layers/held-values.ts";
import { type Recurrent, type RecurrentOutput, recurrent } from "../../../layers/recurrent.ts";
import { less, select } from "../../../math/expression.ts";
import type { Activation } from "../../../math/functions.ts";
import { withGateSums } from "../../../scan/gate-sums.ts";
import { formatShape, sameShape, size } from "../../../shared/shapes.ts";
import type { Tensor } from "../../../tensor/graph.ts";
import { type GatedCell, gateOrder, peepholeOrder, permutation } from "../../gate-order.ts";
import { isHost, type Value } from "../../value.ts";
import { activationsOf, defaultActivations } from "../activations.ts";
import type { NodeContext, Operator } from "../node.ts";

/** What a node says of itself, sizes checked against its weights. */
export interface RecurrentNode {
  readonly kind: GatedCell;
  /** H */
  readonly hiddenSize: number;
  /** D of the input */
  readonly inputSize: number;
  readonly T: number;
  readonly B: number;
  /** Per direction: whether it runs backwards. */
  readonly directions: readonly boolean[];
  readonly cells: readonly Cell[];
}

/** Positions of inputs; P is of the LSTM only. */
const [X, W, R, BIAS, LENGTHS, INITIAL_H, INITIAL_C, PEEPHOLES] = [0, 1, 2, 3, 4, 5, 6, 7];

/** What the layer of a direction starts from, and which of its values are written out. */
export interface WalkOptions {
  /** State by name, [1, B, H]; one that is left out is zero. */
  readonly initial: Readonly<Record<string, Tensor>>;
  readonly trace: readonly string[];
  readonly hold: Hold | undefined;
}

/** How the layers of a node go over its input [T, B, D]. Called once a node, and what it returns once a direction. */
export type Walk = (
  node: NodeContext,
  o: RecurrentNode,
  x: Value,
) => (layer: Recurrent, options: WalkOptions) => RecurrentOutput;

/** All steps in one scan. */
const inOneScan: Walk = (node, o, x) => {
  const mask = maskOf(node, o);
  const input = node.recorder.tensor(x);
  return (layer, options) => layer.forward(input, { ...options, emptyState: "zero", mask });
};

const directionsOf: ReadonlyMap<string, readonly boolean[]> = new Map([
  ["forward", [false]],
  ["reverse", [true]],
  ["bidirectional", [false, true]],
]);

/** A node of ONNX' RNN, LSTM or GRU as a cell and a layer for each direction. */
export const recurrentNode =
  (kind: GatedCell, walkOver: Walk = inOneScan): Operator =>
  (node) => {
    const { recorder } = node;
    const batchFirst = node.number("layout", 0) === 1;
    const x = batchFirst ? recorder.transpose(node.input(X), [1, 0, 2]) : node.input(X);
    const o = describeNode(node, kind, x);
    const walk = walkOver(node, o, x);
    const parts = o.directions.map((reverse, d) => {
      const layer = layerOf(node, o, d, reverse);
      const initial = Object.fromEntries(
        o.cells[d]!.states.flatMap(({ name }, k) => {
          const state = initialState(node, o, k === 0 ? INITIAL_H! : INITIAL_C!, d, batchFirst);
          if (state) return [[name, state]];
          return recorder.trace?.gradients ? [[name, zeroState(node, o)]] : [];
        }),
      );
      const named = (name: string): string => `${node.node.name}.${name.replace(/_l0$/, d > 0 ? "_reverse" : "")}`;
      const hold = renamed(recorder.trace?.hold, named);
      const result = walk(layer, { initial, trace: tracedOf(node, o.cells[d]!), hold });
      for (const [name, tensor] of Object.entries(result.traces)) recorder.traces.set(named(name), tensor);
      return result;
    });
    const device = (t: Tensor): Value => recorder.device("float32", t);
    const { T, B, hiddenSize: H } = o;
    const Y = recorder.concatenate(
      parts.map(({ output }) => recorder.reshape(device(output), [T, 1, B, H])),
      1,
    );
    const finals = o.cells[0]!.states.map(({ name }) =>
      recorder.concatenate(
        parts.map(({ final }) => device(final[name]!)),
        0,
      ),
    );
    if (!batchFirst) return [Y, ...finals];
    return [recorder.transpose(Y, [2, 0, 1, 3]), ...finals.map((s) => recorder.transpose(s, [1, 0, 2]))];
  };

/** Names of what the cell writes out. */
export function tracedOf({ recorder }: NodeContext, cell: Cell): string[] {
  if (!recorder.trace) return [];
  const known = Object.keys(withGateSums(cell).named);
  for (const name of known) recorder.traceable.add(name);
  return recorder.trace.names?.filter((name) => known.includes(name)) ?? Object.keys(cell.named);
}

/** A state of zeros that wants a gradient: with it the scan has a way back, though none of its weights is learned. */
function zeroState({ recorder }: NodeContext, { B, hiddenSize }: RecurrentNode): Tensor {
  const shape = [1, B, hiddenSize];
  return { ...recorder.graph.constant(shape, new Float32Array(size(shape))), differentiable: true };
}

function describeNode(node: NodeContext, kind: GatedCell, x: Value): RecurrentNode {
  const direction = node.string("direction", "forward");
  const directions = directionsOf.get(direction);
  if (!directions) throw node.fail(`direction ${JSON.stringify(direction)}`);
  const [w, r] = [node.input(W!), node.input(R!)];
  const G = gateOrder[kind].onnx!.length;
  if (x.shape.length !== 3) throw node.fail(`X must have three axes, it has shape ${formatShape(x.shape)}`);
  const [T, B, inputSize] = x.shape as [number, number, number];
  const hiddenSize = node.number("hidden_size", r.shape[2] ?? 0);
  const D = directions.length;
  expectShape(node, "W", w, [D, G * hiddenSize, inputSize]);
  expectShape(node, "R", r, [D, G * hiddenSize, hiddenSize]);
  if (node.has(BIAS!)) expectShape(node, "B", node.input(BIAS!), [D, 2 * G * hiddenSize]);
  const peephole = kind === "lstm" && node.has(PEEPHOLES!);
  if (peephole) expectShape(node, "P", node.input(PEEPHOLES!), [D, 3 * hiddenSize]);
  const names = node.strings("activations") ?? directions.flatMap(() => defaultActivations[kind]);
  const activations = activationsOf(
    names,
    node.numbers("activation_alpha") ?? [],
    node.numbers("activation_beta") ?? [],
    (reason) => node.fail(reason),
  );
  const each = defaultActivations[kind].length;
  if (activations.length !== each * D)
    throw node.fail(`${activations.length} activations for ${D} directions of a cell with ${each}`);
  const cells = directions.map((_, d) => cellOf(node, kind, activations.slice(d * each, (d + 1) * each)));
  return { kind, hiddenSize, inputSize, T, B, directions, cells };
}

function expectShape(node: NodeContext, name: string, { shape }: Value, expected: readonly number[]): void {
  if (!sameShape(shape, expected))
    throw node.fail(`${name} has shape ${formatShape(shape)}, hidden_size and input need ${formatShape(expected)}`);
}

function cellOf(node: NodeContext, kind: GatedCell, [f, g, h]: readonly Activation[]): Cell {
  const clip = node.number("clip", 0);
  const common = { bias: node.has(BIAS!), ...(clip > 0 && { clip }) };
  if (kind === "rnn") return rnn({ ...common, activation: f! });
  if (kind === "gru")
    return gru({ ...common, gate: f!, candidate: g!, resetAfter: node.number("linear_before_reset", 0) !== 0 });
  const coupled = node.number("input_forget", 0) === 1;
  return lstm({ ...common, gate: f!, candidate: g!, output: h!, coupled, peephole: node.has(PEEPHOLES!) });
}

/** The layer of one direction, its weights brought into our order: at once where the file holds them, else in the plan. */
function layerOf(node: NodeContext, o: RecurrentNode, d: number, reverse: boolean): Recurrent {
  const { recorder } = node;
  const { hiddenSize: H, inputSize } = o;
  const cell = o.cells[d]!;
  const layer = recurrent({ cell, inputSize, hiddenSize: H, reverse });
  const theirs = gateOrder[o.kind].onnx!;
  const rows = permutation(
    theirs,
    cell.gates.map((g) => g.name),
  );
  const hidden = rows.map((block) => block + theirs.length);
  const sources: Record<string, readonly [input: number, blocks: readonly number[]]> = {
    weight_ih_l0: [W!, rows],
    weight_hh_l0: [R!, rows],
    bias_ih_l0: [BIAS!, rows],
    bias_hh_l0: [BIAS!, hidden],
  };
  peepholeOrder.onnx.forEach((gate, k) => {
    sources[`weight_p${gate}_l0`] = [PEEPHOLES!, [k]];
  });
  const prefix = `${node.node.name}${reverse && o.directions.length > 1 ? ".reverse" : ""}`;
  for (const [part, parameter] of Object.entries(layer.parts)) {
    const [k, blocks] = sources[part]!;
    const name = `${prefix}.${part}`;
    recorder.graph.substitute(
      parameter,
      recorder.derived(name, parameter.shape, () => blocksOf(node, k, d, blocks, parameter.shape)),
    );
  }
  return layer;
}

/** Blocks of H rows of direction `d`, in another order. */
function blocksOf(node: NodeContext, k: number, d: number, blocks: readonly number[], shape: readonly number[]): Value {
  const { recorder } = node;
  const own = recorder.slice(node.input(k), 0, d, 1);
  const length = size(shape) / blocks.length;
  const matrix = recorder.reshape(own, [size(own.shape) / length, length]);
  return recorder.reshape(
    recorder.concatenate(
      blocks.map((block) => recorder.slice(matrix, 0, block, 1)),
      0,
    ),
    shape,
  );
}

function expectLengths(node: NodeContext, { T, B }: RecurrentNode, lengths: Value): Value {
  if (lengths.shape.length !== 1 || lengths.shape[0] !== B)
    throw node.fail(`sequence_lens has shape ${formatShape(lengths.shape)} for a batch of ${B}`);
  const wrong = isHost(lengths) ? Array.from(lengths.data).find((n) => !(n >= 0 && n <= T)) : undefined;
  if (wrong !== undefined) throw node.fail(`a length of ${wrong} for ${T} steps`);
  return lengths;
}

/** The length of each sequence, which then must be known while the plan is recorded. */
export function knownLengths(node: NodeContext, o: RecurrentNode): number[] {
  if (!node.has(LENGTHS!)) return new Array<number>(o.B).fill(o.T);
  expectLengths(node, o, node.input(LENGTHS!));
  return node.hostNumbers(LENGTHS!);
}

/** [T, B] of ones and zeros from the lengths. */
function maskOf(node: NodeContext, o: RecurrentNode): Tensor | undefined {
  if (!node.has(LENGTHS!)) return undefined;
  const { T } = o;
  const { recorder } = node;
  const lengths = expectLengths(node, o, node.input(LENGTHS!));
  if (!isHost(lengths)) recorder.graph.bound(lengths.tensor, T + 1);
  else if (Array.from(lengths.data).every((n) => n === T)) return undefined;
  const data = Float32Array.from({ length: T }, (_, t) => t);
  const steps: Value = { type: "float32", shape: [T, 1], data, constant: false };
  const mask = recorder.pointwise([steps, lengths], (t, n) => select(less(t, n), 1, 0), "float32");
  return recorder.tensor(mask);
}

function initialState(
  node: NodeContext,
  o: RecurrentNode,
  k: number,
  d: number,
  batchFirst: boolean,
): Tensor | undefined {
  if (!node.has(k)) return undefined;
  const { recorder } = node;
  const given = batchFirst ? recorder.transpose(node.input(k), [1, 0, 2]) : node.input(k);
  expectShape(node, k === INITIAL_H ? "initial_h" : "initial_c", given, [o.directions.length, o.B, o.hiddenSize]);
  const own = recorder.slice(given, 0, d, 1);
  return recorder.tensor(isHost(own) ? { ...own, constant: false } : own);
}

export const recurrentNodes: Readonly<Record<string, Operator>> = {
  GRU: recurrentNode("gru"),
  LSTM: recurrentNode("lstm"),
  RNN: recurrentNode("rnn"),
};
