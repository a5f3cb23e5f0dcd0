import type { NamedActivation } from "../../math/activations.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { BidirectionalSpec, RecurrentSpec } from "../canonical.ts";
import { type GatedCell, gateOrder } from "../gate-order.ts";
import { readActivation } from "./activations.ts";
import { recurrentClasses } from "./classes.ts";
import { Config, classOf, unsupported } from "./config.ts";
import { cudnnCells, fromCudnn } from "./cudnn.ts";
import type { Family } from "./family.ts";
import type { LayerContext, LayerReader, ReadLayer } from "./layer-reader.ts";
import { toRowBias, toRows } from "./layout.ts";

/** Keras' recurrent classes, and the cells that its RNN takes. */
const cells = new Map(Object.entries(recurrentClasses).map(([cell, name]) => [name, cell as GatedCell]));

/** The cell of a recurrent layer's class, if it is one, and the layer's configuration with what the class means. */
export function recurrentCell(
  className: string,
  config: Config,
): { readonly cell: GatedCell; readonly config: Config } | undefined {
  const cell = cells.get(className);
  if (cell) return { cell, config };
  const packed = cudnnCells.get(className);
  return packed && { cell: packed, config: config.with("recurrent_activation", "sigmoid") };
}

interface ReadRecurrent extends ReadLayer {
  readonly spec: RecurrentSpec;
}

/**
 * A recurrent layer.
 *
 * @param outer where the layer's own options stand, if `config` is that of its cell alone
 */
export function readRecurrent(cell: GatedCell, config: Config, context: LayerContext, outer = config): ReadRecurrent {
  const { family, note } = context;
  const H = config.whole("units");
  const G = gateOrder[cell].keras!.length;
  const { kernel, recurrentKernel, bias } = weightsOf(cell, config, G * H, H, context);
  const resetAfter = cell === "gru" && (bias ? bias.shape.length === 2 : withoutBias(config));
  if (cell === "gru" && bias && config.has("reset_after") && config.flag("reset_after", false) !== resetAfter)
    note(`${config.where}: reset_after is ${resetAfter}, as the shape of the bias says, not the configuration`);
  if (outer.flag("time_major", false)) throw unsupported(`${outer.where}: time_major, sequences with the steps first`);
  return {
    spec: {
      kind: "recurrent",
      cell: {
        name: cell,
        options: { ...cellOptions(cell, config, family, note), ...(cell === "gru" && { resetAfter }) },
      },
      ...{ inputSize: kernel.shape[0]!, hiddenSize: H, biases: bias ? (resetAfter ? 2 : 1) : 0 },
      reverse: outer.flag("go_backwards", false),
      outputOrder: "computed",
      returnSequences: outer.flag("return_sequences", false),
      returnState: outer.flag("return_state", false),
      stateful: outer.flag("stateful", false),
      maskedOutput: outer.flag("zero_output_for_mask", false) ? "zero" : family.maskedOutput,
      dropout: config.number("dropout", 0),
    },
    weights: {
      weight_ih_l0: toRows(kernel, cell, "keras"),
      weight_hh_l0: toRows(recurrentKernel, cell, "keras"),
      ...(bias && { bias_ih_l0: vector(toRowBias(bias.data, G * H, cell, "keras")) }),
      ...(resetAfter && bias && { bias_hh_l0: vector(toRowBias(bias.data, G * H, cell, "keras", G * H)) }),
    },
  };
}

const vector = (data: ArrayLike<number>): NamedTensor => ({ shape: [data.length], data });

interface KerasWeights {
  readonly kernel: NamedTensor;
  readonly recurrentKernel: NamedTensor;
  readonly bias: NamedTensor | undefined;
}

/** A bias of twice the width says that cuDNN packed the weights, also where Keras had loaded them into a layer of its own. */
function weightsOf(cell: GatedCell, config: Config, width: number, H: number, context: LayerContext): KerasWeights {
  const { arrays } = context;
  const last = arrays.peek(2);
  const packed = cell !== "rnn" && last?.length === 1 && last[0] === 2 * width;
  const kernel = arrays.take("kernel", ["inputs", width]);
  const recurrentKernel = arrays.take("recurrent_kernel", [H, width]);
  if (packed) return fromCudnn(cell, kernel, recurrentKernel, arrays.take("bias", [2 * width]));
  return {
    ...{ kernel, recurrentKernel },
    bias: config.flag("use_bias", true) ? biasOf(cell, width, context) : undefined,
  };
}

function biasOf(cell: GatedCell, width: number, { arrays }: LayerContext): NamedTensor {
  const two = cell === "gru" && arrays.peek()?.length === 2;
  return arrays.take("bias", two ? [2, width] : [width]);
}

/** Without a bias nothing in the weights tells where the reset gate acts. */
function withoutBias(config: Config): boolean {
  if (config.has("reset_after")) return config.flag("reset_after", false);
  throw unsupported(
    `${config.where}: a GRU without bias and without reset_after does not say where its reset gate acts; the default was false before TensorFlow 2 and is true since: add it to the configuration`,
  );
}

function cellOptions(
  cell: GatedCell,
  config: Config,
  family: Family,
  note: LayerContext["note"],
): Record<string, NamedActivation | number> {
  const pointwise = (key: string, absent: string): NamedActivation => {
    const spec = readActivation(config.get(key) ?? absent, `${config.where}, ${key}`, family);
    if (spec.name === "softmax" || spec.name === "logSoftmax")
      throw unsupported(`${config.where}, ${key}: a ${spec.name} inside a cell`);
    if (spec.name === "hardSigmoid")
      note(`hard sigmoid is clip(${family.hardSigmoid === 0.2 ? "0.2 x" : "x / 6"} + 0.5, 0, 1), as in ${family.name}`);
    return spec;
  };
  const activation = pointwise("activation", "tanh");
  const rate = config.number("recurrent_dropout", 0);
  const recurrentDropout = rate > 0 ? { recurrentDropout: rate } : {};
  if (cell === "rnn") return { activation, ...recurrentDropout };
  const gate = pointwise("recurrent_activation", family.recurrentActivation);
  if (!config.has("recurrent_activation"))
    note(`${config.where}: no recurrent activation is named; ${family.name} means ${family.recurrentActivation}`);
  if (cell === "gru") return { gate, candidate: activation, ...recurrentDropout };
  return { gate, candidate: activation, output: activation, ...recurrentDropout };
}

/** The cells of a layer of Keras' class RNN: one, or several one above the other, from the lowest on. */
function cellsOf(config: Config): readonly ReturnType<typeof classOf>[] {
  const cell = classOf(config.object("cell"));
  if (cell.name !== "StackedRNNCells") return [cell];
  return cell.config.list("cells").map((entry) => classOf(new Config(entry, `${cell.config.where}, cells`)));
}

/** Classes of the cells of a layer, if it is an RNN. */
export const cellClasses = (className: string, config: Config): string[] =>
  className === "RNN" ? cellsOf(config).map(({ name }) => name) : [];

/** A layer of Keras' class RNN around one cell; several cells one above the other are several layers. */
export function readRnnCells(config: Config, context: LayerContext): readonly ReadRecurrent[] {
  const entries = cellsOf(config);
  if (entries.length === 0) throw unsupported(`${config.where}: a stack of no cells`);
  return entries.map((entry, k) => {
    const cell = cells.get(entry.name.replace(/Cell$/, ""));
    if (!cell || !entry.name.endsWith("Cell"))
      throw unsupported(
        `${config.where}: the cell ${JSON.stringify(entry.name)} is not supported; SimpleRNNCell, LSTMCell and GRUCell are`,
      );
    const { spec, weights } = readRecurrent(cell, entry.config, context, config);
    const last = k === entries.length - 1;
    // Only the uppermost cell's output leaves the stack; the others hand all steps up, in the order of time.
    return {
      spec: last ? spec : { ...spec, returnSequences: true, outputOrder: "time" },
      weights,
    };
  });
}

const merges: ReadonlyMap<unknown, BidirectionalSpec["merge"]> = new Map([
  ["concat", "concat"],
  ["sum", "sum"],
  ["mul", "mul"],
  ["ave", "ave"],
  [undefined, "separate"],
]);

export const readBidirectional: LayerReader = (config, context): ReadLayer => {
  const { family } = context;
  const forward = readDirection(config.object("layer"), context);
  const given = config.has("backward_layer");
  const read = readDirection(config.object(given ? "backward_layer" : "layer"), context);
  const backward = given ? read.spec : { ...read.spec, reverse: !read.spec.reverse };
  const merge = config.lacks("merge_mode") ? "concat" : merges.get(config.get("merge_mode"));
  if (!merge) throw config.wrong("merge_mode", '"concat", "sum", "mul", "ave" or null');
  if (backward.reverse === forward.spec.reverse)
    throw unsupported(`${config.where}: both layers run in the same direction`);
  // Keras overrules the option of both layers so.
  const zeros = (spec: RecurrentSpec): RecurrentSpec =>
    family.bidirectionalZeros ? { ...spec, maskedOutput: spec.returnSequences ? "zero" : family.maskedOutput } : spec;
  return {
    spec: { kind: "bidirectional", forward: zeros(forward.spec), backward: zeros(backward), merge },
    weights: {
      ...forward.weights,
      ...Object.fromEntries(Object.entries(read.weights).map(([name, value]) => [`${name}_reverse`, value])),
    },
  };
};

function readDirection(entry: Config, context: LayerContext): ReadRecurrent {
  const { name, config } = classOf(entry);
  const own = recurrentCell(name, config);
  if (own) return readRecurrent(own.cell, own.config, context);
  if (name === "RNN") {
    const [one, ...more] = readRnnCells(config, context);
    if (more.length === 0) return one!;
  }
  throw unsupported(`${entry.where}: ${JSON.stringify(name)} in two directions`);
}
