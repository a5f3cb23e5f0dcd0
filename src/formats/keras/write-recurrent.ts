import { isInWords } from "../../cells/cell-of-spec.ts";
import type { NamedActivation } from "../../math/activations.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import { ONNX_HAS_IT, unknownCell } from "../any-cell.ts";
import type { BidirectionalSpec, RecurrentSpec } from "../canonical.ts";
import type { GatedCell } from "../gate-order.ts";
import { writeActivation } from "./activations.ts";
import { recurrentClasses } from "./classes.ts";
import { unsupported } from "./config.ts";
import { toColumnBias, toColumns } from "./layout.ts";
import { innerEntry, type JsonConfig, type WriteContext, type WrittenArray, type WrittenLayer } from "./written.ts";

interface Context extends WriteContext {
  /** Inside a bidirectional layer, which sets some options itself. */
  readonly inside?: boolean;
}

/** A recurrent layer for Keras or TensorFlow.js, which know three cells with few options. */
export function writeRecurrent(spec: RecurrentSpec, context: Context): WrittenLayer {
  const { name, family } = context;
  const refuse = (why: string, instead = "") =>
    unsupported(`layer "${name}": ${why}: the function would change${instead}`);
  const refuseCell = (why: string) => refuse(why, ONNX_HAS_IT);
  const cell = Object.keys(recurrentClasses).find((known) => known === spec.cell.name) as GatedCell | undefined;
  if (!cell || isInWords(spec.cell)) throw refuseCell(`${family.name} has no ${unknownCell(spec.cell)}`);
  const options = spec.cell.options ?? {};
  for (const [key, value] of Object.entries(options)) {
    const known = ["activation", "gate", "candidate", "output", "resetAfter", "recurrentDropout", "bias"].includes(key);
    if (!known && value) throw refuseCell(`${family.name} has no ${key} in its ${recurrentClasses[cell]}`);
  }
  if (spec.projectionSize) throw refuseCell(`${family.name} has no projection in its LSTM`);
  const resetAfter = cell === "gru" && options.resetAfter !== false;
  if (resetAfter && family.kind === "tfjs")
    throw refuseCell(
      "its GRU resets after the product, and TensorFlow.js has only the one that resets before it; no weights make one of the other",
    );
  if (spec.reverse && spec.returnSequences && spec.outputOrder === "time" && !context.inside)
    throw refuse(`${family.name} gives the steps of a reversed layer out in the order of their computation`);
  checkMasks(spec, context, refuse);
  return {
    className: recurrentClasses[cell],
    config: {
      units: spec.hiddenSize,
      ...activations(cell, spec, context),
      use_bias: spec.biases > 0,
      ...(cell === "lstm" && { unit_forget_bias: false }),
      ...(cell === "gru" && { reset_after: resetAfter }),
      ...{ dropout: spec.dropout ?? 0, recurrent_dropout: numberOf(options.recurrentDropout) },
      ...{ return_sequences: spec.returnSequences, return_state: spec.returnState },
      ...{ go_backwards: spec.reverse, stateful: spec.stateful, unroll: false },
      ...(family.kind !== "tfjs" && { zero_output_for_mask: spec.maskedOutput === "zero" }),
    },
    arrays: arrays(cell, spec, context, resetAfter),
  };
}

const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0);

function checkMasks(spec: RecurrentSpec, context: Context, refuse: (why: string) => Error): void {
  const { family, masks, givenStates, inside } = context;
  if (!masks) return;
  const zeros = spec.maskedOutput === "zero";
  if (family.kind === "tfjs" && zeros) throw refuse("it gives zeros at masked steps, TensorFlow.js the output before");
  if (inside && family.bidirectionalZeros && spec.returnSequences !== zeros)
    throw refuse(`it gives ${zeros ? "zeros" : "the output before"} at masked steps, ${family.name} does not`);
  if (!zeros && spec.maskedOutput !== family.maskedOutput && givenStates)
    throw refuse(
      `before the first step that counts it does not give what ${family.name} gives for a state that is not zero`,
    );
}

function activations(cell: GatedCell, { cell: { options = {} } }: RecurrentSpec, context: Context): JsonConfig {
  const where = `layer "${context.name}"`;
  const spec = (value: unknown, absent: string): NamedActivation =>
    value === undefined ? { name: absent } : typeof value === "string" ? { name: value } : (value as NamedActivation);
  const write = (one: NamedActivation): string => writeActivation(one, where, context.family);
  if (cell === "rnn") return { activation: write(spec(options.activation, "tanh")) };
  const candidate = write(spec(options.candidate, "tanh"));
  if (cell === "lstm" && write(spec(options.output, "tanh")) !== candidate)
    throw unsupported(
      `${where}: ${context.family.name} has one activation for candidate and output of an LSTM, here are two${ONNX_HAS_IT}`,
    );
  return { activation: candidate, recurrent_activation: write(spec(options.gate, "sigmoid")) };
}

function arrays(cell: GatedCell, spec: RecurrentSpec, { weight }: Context, resetAfter: boolean): WrittenArray[] {
  const [kernel, recurrent] = [weight("weight_ih_l0")!, weight("weight_hh_l0")!];
  const first = spec.biases > 0 ? weight("bias_ih_l0") : undefined;
  const second = spec.biases > 1 ? weight("bias_hh_l0") : undefined;
  const entry = (name: string, tensor: NamedTensor): WrittenArray => ({ name, part: "cell", tensor });
  return [
    entry("kernel", toColumns(kernel, cell, "keras")),
    entry("recurrent_kernel", toColumns(recurrent, cell, "keras")),
    ...(first ? [entry("bias", biasOf(cell, first, second, resetAfter))] : []),
  ];
}

/** One bias, in which two are added up; a GRU that resets after the product keeps both. */
function biasOf(cell: GatedCell, first: NamedTensor, second: NamedTensor | undefined, both: boolean): NamedTensor {
  const width = first.data.length;
  const zero = new Float32Array(width);
  const [a, b] = [first.data, second?.data ?? zero];
  if (!both) {
    const sum = second ? Float32Array.from(a, (value, k) => value + b[k]!) : a;
    return { shape: [width], data: toColumnBias(sum, cell, "keras") };
  }
  const rows = [...Array.from(toColumnBias(a, cell, "keras")), ...Array.from(toColumnBias(b, cell, "keras"))];
  return { shape: [2, width], data: Float32Array.from(rows) };
}

const merged = { concat: "concat", sum: "sum", mul: "mul", ave: "ave", separate: null } as const;

export function writeBidirectional(spec: BidirectionalSpec, context: WriteContext): WrittenLayer {
  const { name, family, weight } = context;
  const [forward, backward] = [spec.forward, spec.backward].map((one, k) =>
    writeRecurrent(one, {
      ...{ ...context, inside: true },
      weight: (key) => weight(k === 0 ? key : `${key}_reverse`),
    }),
  ) as [WrittenLayer, WrittenLayer];
  if (spec.forward.reverse === spec.backward.reverse)
    throw unsupported(`layer "${name}": both directions are the same; ${family.name} runs them against each other`);
  if (spec.forward.reverse && spec.forward.returnSequences && spec.forward.outputOrder === "time")
    throw unsupported(`layer "${name}": ${family.name} gives out the steps of this layer from the last to the first`);
  const { go_backwards: _, ...own } = forward.config;
  const { go_backwards: __, ...other } = backward.config;
  const alike = forward.className === backward.className && JSON.stringify(own) === JSON.stringify(other);
  if (!alike && family.kind === "tfjs")
    throw unsupported(`layer "${name}": its directions have different options, those of TensorFlow.js have the same`);
  const innerName = `${name}_rnn`;
  const entry = (one: WrittenLayer, prefix: string): JsonConfig =>
    innerEntry(one.className, { name: `${prefix}${innerName}`, trainable: true, ...one.config }, family);
  const prefixed = ({ arrays: own }: WrittenLayer, direction: "forward" | "backward"): WrittenArray[] =>
    own.map((array) => ({
      ...{ name: `${direction}_${innerName}/${array.name}`, tensor: array.tensor },
      part: `${direction}_layer/${array.part}`,
    }));
  return {
    className: "Bidirectional",
    config: {
      merge_mode: merged[spec.merge],
      // TensorFlow.js puts "forward_" before the name itself.
      layer: entry(forward, family.kind === "tfjs" ? "" : "forward_"),
      ...(!alike && { backward_layer: entry(backward, "backward_") }),
    },
    arrays: [...prefixed(forward, "forward"), ...prefixed(backward, "backward")],
  };
}
