import { LOWEST } from "../../layers/pool-over-time.ts";
import { activationByName, type NamedActivation } from "../../math/activations.ts";
import type { NamedTensor } from "../../tensor/parameter-store.ts";
import type { ConvolutionSpec, LayerSpec, PoolingSpec } from "../canonical.ts";
import { transposed } from "../transposed.ts";
import type { GraphWriter } from "./graph-writer.ts";
import { writeExpression } from "./write-expression.ts";
import { writeCounts } from "./write-lengths.ts";
import { writeBidirectional, writeOneDirection } from "./write-network-recurrent.ts";

/** What a layer is told when a node that uses it is written. */
export interface LayerWriting {
  readonly graph: GraphWriter;
  readonly node: string;
  /** Names of the values that it reads, batch first. */
  readonly inputs: readonly string[];
  /** How many axes each of them has, the batch counted. */
  readonly ranks: readonly number[];
  /** The lengths of the sequences that it reads first, int64 [B], where not all of their steps count. */
  readonly lengths: string | undefined;
  readonly weight: (name: string) => NamedTensor;
  readonly refuse: (why: string) => Error;
}

/** Writes the nodes of a layer and returns the names of what it makes. */
export type LayerWriter<S extends LayerSpec> = (spec: S, context: LayerWriting) => readonly string[];

/** Adds a node with one output that is named after the layer. */
function step(
  { graph, node }: LayerWriting,
  op: string,
  inputs: readonly string[],
  what: string,
  attributes?: Parameters<GraphWriter["node"]>[3],
): string {
  graph.node(op, inputs, [`${node}/${what}`], attributes);
  return `${node}/${what}`;
}

function activated(context: LayerWriting, x: string, activation: NamedActivation): string {
  const { name } = activation;
  if (name === "identity") return x;
  if (name === "softmax" || name === "logSoftmax")
    return step(context, name === "softmax" ? "Softmax" : "LogSoftmax", [x], "activated", { axis: -1 });
  return writeExpression(context.graph, activationByName("activation", activation), x, `${context.node}/activation`);
}

const held = ({ graph, node, weight }: LayerWriting, name: string): string =>
  graph.float(`${node}/${name}`, weight(name));

/** Channels before steps, as ONNX has them, around what works over time. */
function overTime(context: LayerWriting, work: (x: string) => string): string {
  const before = step(context, "Transpose", context.inputs, "by-channel", { perm: [0, 2, 1] });
  return step(context, "Transpose", [work(before)], "by-time", { perm: [0, 2, 1] });
}

function padding({ padding, kernelSize, dilation }: Pick<ConvolutionSpec, "padding" | "kernelSize" | "dilation">) {
  if (padding === "same") return { auto_pad: "SAME_UPPER" };
  return { pads: padding === "causal" ? [(kernelSize - 1) * dilation, 0] : [0, 0] };
}

/** The sequence [B, T, D] with another number at the steps that do not count, and which do, [B, T, 1]. */
function padded(context: LayerWriting, lengths: string, number: number) {
  const { graph, node, inputs } = context;
  const [x] = inputs as [string];
  const counts = writeCounts(graph, { x, axis: 1, lengths, name: `${node}/counts` });
  const column = step(context, "Unsqueeze", [counts, graph.axis(2)], "column");
  const padding = graph.float(`${node}/padding`, { shape: [], data: [number] });
  return { x: step(context, "Where", [column, x, padding], "padded"), column };
}

function pooled(spec: PoolingSpec, context: LayerWriting): string {
  const { of, window, skipMasked = of === "mean" } = spec;
  const { graph, node, lengths } = context;
  if (window === "global") {
    const overSteps = { axes: [1], keepdims: 0 };
    if (lengths === undefined || !skipMasked)
      return step(context, of === "mean" ? "ReduceMean" : "ReduceMax", context.inputs.slice(0, 1), "pooled", overSteps);
    const count = step(context, "Unsqueeze", [lengths, graph.axis(1)], "count");
    const one = graph.tensor(`${node}/one`, "int64", { shape: [], data: [1] });
    if (of === "mean") {
      const sum = step(context, "ReduceSum", [padded(context, lengths, 0).x, graph.axis(1)], "sum", { keepdims: 0 });
      const divisor = step(context, "Cast", [step(context, "Max", [count, one], "divisor")], "divisor.float", {
        to: 1,
      });
      return step(context, "Div", [sum, divisor], "pooled");
    }
    const largest = step(context, "ReduceMax", [padded(context, lengths, LOWEST).x], "largest", overSteps);
    // Of a sequence without steps it is 0.
    const some = step(context, "GreaterOrEqual", [count, one], "some");
    const none = graph.float(`${node}/none`, { shape: [], data: [0] });
    return step(context, "Where", [some, largest, none], "pooled");
  }
  return overTime(context, (x) =>
    step(context, of === "mean" ? "AveragePool" : "MaxPool", [x], "pooled", {
      ...{ kernel_shape: [window.size], strides: [window.stride] },
      ...(window.padding === "same" ? { auto_pad: "SAME_UPPER" } : { pads: [0, 0] }),
    }),
  );
}

/** The weights of the steps [B, 1, T] times the steps [B, T, D]. */
function attended(context: LayerWriting): string {
  const { graph, node, inputs, weight, lengths } = context;
  // What a step that does not count holds must not reach a product, where 0 · NaN is NaN.
  const { x, column } = lengths === undefined ? { x: inputs[0]!, column: undefined } : padded(context, lengths, 0);
  const matrix = (name: string): string => graph.float(`${node}/${name}`, transposed(weight(name)));
  const product = step(context, "MatMul", [x, matrix("key.weight")], "key.product");
  const key = step(context, "Tanh", [step(context, "Add", [product, held(context, "key.bias")], "key.sum")], "key");
  const all = step(context, "MatMul", [key, matrix("query.weight")], "score");
  const lowest = column && graph.float(`${node}/lowest`, { shape: [], data: [LOWEST] });
  const score = column && lowest ? step(context, "Where", [column, all, lowest], "score.counted") : all;
  const weights = step(context, "Softmax", [score], "weights", { axis: 1 });
  const row = step(context, "Transpose", [weights], "row", { perm: [0, 2, 1] });
  return step(context, "Squeeze", [step(context, "MatMul", [row, x], "sum"), graph.axis(1)], "pooled");
}

const combining = {
  add: "Sum",
  subtract: "Sub",
  multiply: "Mul",
  average: "Mean",
  maximum: "Max",
  minimum: "Min",
} as const;

/** A value with the axes of `outer` before those of `inner`, each a piece of a shape. */
function reshaped(context: LayerWriting, x: string, outer: string, inner: string): string {
  const shape = step(context, "Concat", [outer, inner], "shape", { axis: 0 });
  return step(context, "Reshape", [x, shape], "reshaped");
}

const lastAxis = (axis: number, { ranks: [rank], refuse }: LayerWriting): void => {
  if (axis !== -1 && axis !== rank! - 1) throw refuse(`it normalizes over axis ${axis} of ${rank}`);
};

/** What is read, with as many axes as the one with most has: those that another lacks are put behind its batch. */
function widened({ graph, node, inputs, ranks }: LayerWriting): readonly string[] {
  const most = Math.max(...ranks);
  return inputs.map((x, k) => {
    if (ranks[k] === most) return x;
    const axes = Array.from({ length: most - ranks[k]! }, (_, axis) => axis + 1);
    const name = `${node}/widened.${k}`;
    graph.node("Unsqueeze", [x, graph.whole(`${name}.axes`, axes)], [name]);
    return name;
  });
}

/** How each kind of layer is written. */
export const layerWriters: { readonly [K in LayerSpec["kind"]]: LayerWriter<Extract<LayerSpec, { kind: K }>> } = {
  embedding(spec, context) {
    if (spec.maskZero) throw context.refuse("ONNX cannot skip steps wherever token 0 stands (mask_zero)");
    return [step(context, "Gather", [held(context, "weight"), context.inputs[0]!], "rows")];
  },
  recurrent: (spec, context) => writeOneDirection(spec, context),
  bidirectional: (spec, context) => writeBidirectional(spec, context),
  dense(spec, context) {
    const { graph, node, inputs, weight } = context;
    const matrix = graph.float(`${node}/weight`, transposed(weight("weight")));
    const product = step(context, "MatMul", [inputs[0]!, matrix], "product");
    const sum = spec.bias ? step(context, "Add", [product, held(context, "bias")], "sum") : product;
    return [activated(context, sum, spec.activation)];
  },
  convolution(spec, context) {
    const y = overTime(context, (x) =>
      step(context, "Conv", [x, held(context, "weight"), ...(spec.bias ? [held(context, "bias")] : [])], "convolved", {
        ...{ kernel_shape: [spec.kernelSize], strides: [spec.stride], dilations: [spec.dilation] },
        ...padding(spec),
      }),
    );
    return [activated(context, y, spec.activation)];
  },
  pooling: (spec, context) => [pooled(spec, context)],
  "attention-pool": (_, context) => [attended(context)],
  "layer-norm"(spec, context) {
    lastAxis(spec.axis, context);
    const inputs = [context.inputs[0]!, held(context, "weight"), held(context, "bias")];
    return [step(context, "LayerNormalization", inputs, "normalized", { axis: -1, epsilon: { float: spec.epsilon } })];
  },
  "batch-norm"(spec, context) {
    lastAxis(spec.axis, context);
    const { graph, node, inputs, weight } = context;
    const [w, b, mean, variance] = ["weight", "bias", "running_mean", "running_var"].map((name) => weight(name).data);
    const scale = Float64Array.from(w!, (value, k) => value / Math.sqrt(variance![k]! + spec.epsilon));
    const offset = Float64Array.from(b!, (value, k) => value - mean![k]! * scale[k]!);
    const tensor = (name: string, data: Float64Array) => graph.float(`${node}/${name}`, { shape: [data.length], data });
    const scaled = step(context, "Mul", [inputs[0]!, tensor("scale", scale)], "scaled");
    return [step(context, "Add", [scaled, tensor("offset", offset)], "normalized")];
  },
  activation: (spec, context) => [activated(context, context.inputs[0]!, spec.activation)],
  dropout: (_, { inputs }) => [inputs[0]!],
  lengths: (_, { inputs }) => [inputs[0]!],
  masking: (_, { refuse }) => {
    throw refuse("ONNX cannot skip steps wherever a value stands; it takes lengths only");
  },
  identity: (_, { inputs }) => [inputs[0]!],
  reshape(spec, context) {
    const shape = context.graph.whole(`${context.node}/shape`, [0, ...spec.shape]);
    return [step(context, "Reshape", [context.inputs[0]!, shape], "reshaped")];
  },
  "fold-steps"(_, context) {
    const [x] = context.inputs as [string];
    const all = context.graph.whole(`${context.node}/all`, [-1]);
    return [reshaped(context, x, all, step(context, "Shape", [x], "rest", { start: 2 }))];
  },
  "unfold-steps"(_, context) {
    const [x, folded] = context.inputs as [string, string];
    const outer = step(context, "Shape", [folded], "steps", { start: 0, end: 2 });
    return [reshaped(context, x, outer, step(context, "Shape", [x], "rest", { start: 1 }))];
  },
  flatten: (_, context) => [step(context, "Flatten", context.inputs, "flat", { axis: 1 })],
  permute: (spec, context) => [step(context, "Transpose", context.inputs, "permuted", { perm: [0, ...spec.order] })],
  repeat(spec, context) {
    const { graph, node, inputs } = context;
    const one = step(context, "Unsqueeze", [inputs[0]!, graph.axis(1)], "one");
    return [step(context, "Tile", [one, graph.whole(`${node}/times`, [1, spec.times, 1])], "repeated")];
  },
  concatenate: (spec, context) => [step(context, "Concat", context.inputs, "joined", { axis: spec.axis })],
  combine: (spec, context) => [step(context, combining[spec.by], widened(context), "combined")],
  "time-distributed"(spec, context) {
    const { layer } = spec;
    const alike = ["dense", "embedding", "activation", "dropout", "identity", "layer-norm", "batch-norm"];
    if (!alike.includes(layer.kind)) throw context.refuse(`a layer of kind "${layer.kind}" over each step`);
    return layerWriters[layer.kind](layer as never, { ...context, ranks: context.ranks.map((rank) => rank - 1) });
  },
};
