import { LOWEST } from "../../../layers/pool-over-time.ts";
import { add, div } from "../../../math/expression.ts";
import { formatShape, size } from "../../../shared/shapes.ts";
import { matmul as product } from "../../../tensor/operations.ts";
import { batchNormalized } from "../../batch-normalized.ts";
import { samePadding } from "../../same-padding.ts";
import { type HostValue, isHost, type Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";

/** How a kernel moves over the one axis that is not of size 1. */
interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
  /** Steps of the result. */
  readonly count: number;
}

/** [N, C, …, T, …] with a single spatial axis longer than 1, as [N, C, T], and how a result [N, C, T′] gets its axes back. */
function overTime(
  node: NodeContext,
  kernelShape: readonly number[],
): { x: Value; axis: number; restore: (y: Value) => Value } {
  const x = node.input(0);
  const spatial = x.shape.slice(2);
  const long = kernelShape.flatMap((k, axis) => (k > 1 || spatial[axis]! > 1 ? [axis] : []));
  if (spatial.length === 0 || kernelShape.length !== spatial.length || long.length > 1)
    throw node.fail(
      `a kernel of ${formatShape(kernelShape)} over ${formatShape(spatial)}: one axis may be longer than 1 (convolution over time)`,
    );
  const axis = long[0] ?? spatial.length - 1;
  const [n, c] = x.shape as [number, number];
  return {
    x: node.recorder.reshape(x, [n, c, spatial[axis]!]),
    axis,
    restore: (y) =>
      node.recorder.reshape(y, [n, y.shape[1]!, ...spatial.map((_, k) => (k === axis ? y.shape[2]! : 1))]),
  };
}

/** Each is recorded on its own; what a pooling names costs a file nothing. */
const MAXIMUM_TAPS = 10_000;

function windowOf(node: NodeContext, kernelShape: readonly number[], axis: number, steps: number): Window {
  const rank = kernelShape.length;
  const at = (name: string): number => node.numbers(name)?.[axis] ?? 1;
  const [kernel, stride, dilation] = [kernelShape[axis]!, at("strides"), at("dilations")];
  const span = (kernel - 1) * dilation + 1;
  const pads = node.numbers("pads") ?? new Array<number>(2 * rank).fill(0);
  let [before, after] = [pads[axis] ?? 0, pads[axis + rank] ?? 0];
  if (pads.some((p, k) => p !== 0 && k % rank !== axis)) throw node.fail("padding of an axis of size 1");
  const auto = node.string("auto_pad", "NOTSET");
  if (auto.startsWith("SAME")) {
    [before, after] = samePadding(steps, span, stride);
    if (auto === "SAME_LOWER") [before, after] = [after, before];
  }
  const room = steps + before + after - span;
  const ceil = node.number("ceil_mode", 0) === 1;
  // A window that would begin in the padding behind the steps is none.
  const count = ceil
    ? Math.min(Math.ceil(room / stride) + 1, Math.ceil((steps + before) / stride))
    : Math.floor(room / stride) + 1;
  if (![kernel, stride, dilation].every((n) => Number.isInteger(n) && n > 0) || before < 0 || after < 0 || !(count > 0))
    throw node.fail(`a kernel of ${kernel} over ${steps} steps with padding ${before} and ${after}`);
  if (kernel > MAXIMUM_TAPS) throw node.fail(`a kernel of ${kernel} elements, more than ${MAXIMUM_TAPS}`);
  return { kernel, stride, dilation, before, after, count };
}

/** For each element of the kernel what it sees: [N, C, T′]. */
function taps(node: NodeContext, x: Value, w: Window, fill: number): Value[] {
  const { recorder } = node;
  const [n, c, steps] = x.shape as [number, number, number];
  const needed = (w.count - 1) * w.stride + (w.kernel - 1) * w.dilation + 1;
  const block = (length: number): Value[] =>
    length > 0 ? [recorder.expand({ type: x.type, shape: [], data: [fill], constant: false }, [n, c, length])] : [];
  const padded = recorder.concatenate([...block(w.before), x, ...block(needed - w.before - steps)], 2);
  return Array.from({ length: w.kernel }, (_, k) => recorder.slice(padded, 2, k * w.dilation, w.count, w.stride));
}

/** One product over the channels of all taps side by side, one for each group. */
const conv: Operator = (node) => {
  const { recorder } = node;
  const weight = node.input(1);
  const kernelShape = weight.shape.slice(2);
  const { x, axis, restore } = overTime(node, kernelShape);
  const w = windowOf(node, kernelShape, axis, x.shape[2]!);
  const groups = node.number("group", 1);
  const [outputs, channels] = weight.shape as [number, number];
  const [n, inputs] = x.shape as [number, number];
  if (channels * groups !== inputs || outputs % groups !== 0)
    throw node.fail(`weights ${formatShape(weight.shape)} in ${groups} groups for ${inputs} channels`);
  const seen = taps(node, x, w, 0);
  const parts = Array.from({ length: groups }, (_, g) => {
    const rows = outputs / groups;
    const own = recorder.reshape(recorder.slice(weight, 0, g * rows, rows), [rows, channels, w.kernel]);
    const matrix = recorder.reshape(recorder.transpose(own, [0, 2, 1]), [rows, w.kernel * channels]);
    // [N, K·C, T′] → [N·T′, K·C]: the matrix is on the right, where machines keep it packed.
    const side = recorder.concatenate(
      seen.map((tap) => recorder.slice(tap, 1, g * channels, channels)),
      1,
    );
    const across = recorder.reshape(recorder.transpose(side, [0, 2, 1]), [n * w.count, w.kernel * channels]);
    const named = isHost(matrix) && matrix.constant ? { ...matrix, name: `${node.node.name}.matrix.${g}` } : matrix;
    const y = product(recorder.tensor(across), recorder.tensor(named), { transposeB: true });
    return recorder.transpose(recorder.reshape(recorder.device("float32", y), [n, w.count, rows]), [0, 2, 1]);
  });
  const y = recorder.concatenate(parts, 1);
  if (!node.has(2)) return restore(y);
  const bias = recorder.reshape(node.input(2), [outputs, 1]);
  return restore(recorder.pointwise([y, bias], add, "float32"));
};

const maxPool: Operator = (node) => {
  const kernelShape = node.numbers("kernel_shape") ?? [];
  const { x, axis, restore } = overTime(node, kernelShape);
  const seen = taps(node, x, windowOf(node, kernelShape, axis, x.shape[2]!), LOWEST);
  return restore(together(node, seen, "max"));
};

const averagePool: Operator = (node) => {
  const kernelShape = node.numbers("kernel_shape") ?? [];
  const { x, axis, restore } = overTime(node, kernelShape);
  const w = windowOf(node, kernelShape, axis, x.shape[2]!);
  const sum = together(node, taps(node, x, w, 0), "sum");
  return restore(node.recorder.pointwise([sum, counted(node, w, x.shape[2]!)], div, x.type));
};

/** How many elements each mean is of: padding counts only if the node says so, and what lies behind it never. */
function counted(node: NodeContext, w: Window, steps: number): HostValue {
  const padding = node.number("count_include_pad", 0) === 1;
  const [first, end] = padding ? [-w.before, steps + w.after] : [0, steps];
  const counts = Float32Array.from({ length: w.count }, (_, t) => {
    const places = Array.from({ length: w.kernel }, (_, k) => t * w.stride + k * w.dilation - w.before);
    return places.filter((at) => at >= first && at < end).length;
  });
  return { type: "float32", shape: [w.count], data: counts, constant: false };
}

/** Sum or maximum of values of one shape. */
function together({ recorder }: NodeContext, parts: readonly Value[], combine: "sum" | "max"): Value {
  const rows = parts.map((p) => recorder.reshape(p, [1, ...p.shape]));
  const reduced = recorder.reduce(recorder.concatenate(rows, 0), (x) => x, [0], combine);
  return recorder.reshape(reduced, reduced.shape.slice(1));
}

const global =
  (combine: "sum" | "max"): Operator =>
  (node) => {
    const x = node.input(0);
    const axes = [...x.shape.keys()].slice(2);
    const reduced = node.recorder.reduce(x, (a) => a, axes, combine);
    const count = size(x.shape.slice(2));
    return combine === "max" ? reduced : node.recorder.pointwise([reduced], (s) => div(s!, count), x.type);
  };

/** At inference, one number a channel. */
const batchNormalization: Operator = (node) => {
  if (node.number("training_mode", 0) === 1) throw node.fail("training_mode");
  const { recorder } = node;
  const x = node.input(0);
  const epsilon = node.number("epsilon", 1e-5);
  const perChannel = (k: number): Value =>
    recorder.reshape(node.input(k), [node.input(k).shape[0]!, ...x.shape.slice(2).map(() => 1)]);
  return recorder.pointwise(
    [x, perChannel(1), perChannel(2), perChannel(3), perChannel(4)],
    (x, weight, bias, mean, variance) => batchNormalized({ x, mean, variance, epsilon, weight, bias }),
    x.type,
  );
};

export const convolution: Readonly<Record<string, Operator>> = {
  AveragePool: averagePool,
  BatchNormalization: batchNormalization,
  Conv: conv,
  GlobalAveragePool: global("sum"),
  GlobalMaxPool: global("max"),
  MaxPool: maxPool,
};
