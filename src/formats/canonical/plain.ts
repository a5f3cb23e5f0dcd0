import { dropout } from "../../layers/dropout.ts";
import { poolOverTime } from "../../layers/pool-over-time.ts";
import { abs, add, div, type Expression, less, max, min, select, sub, variable } from "../../math/expression.ts";
import { UsageError } from "../../shared/errors.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import { mul } from "../../tensor/arithmetic.ts";
import { expectTensor, type Tensor } from "../../tensor/graph.ts";
import { arange, concatenate, pointwise, reduce, reshape, slice, transpose } from "../../tensor/operations.ts";
import type { LayerSpec, PlainSpec, PoolingSpec } from "../canonical.ts";
import { samePadding } from "../same-padding.ts";
import { applyActivation } from "./activation.ts";
import type { MakeLayer, NetworkLayer } from "./layer.ts";
import { batchFirst, maskOf, shapeOf, timeMajor, type Value, withTensor } from "./value.ts";

const plain = (forward: NetworkLayer["forward"]): NetworkLayer => ({ parts: {}, forward });
type Plain<K extends PlainSpec["kind"]> = MakeLayer<Extract<PlainSpec, { kind: K }>>;

export const activationLayer: Plain<"activation"> = ({ activation }) => {
  const activate = applyActivation(activation);
  return plain(([x]) => [withTensor(x!, activate(x!.tensor))]);
};

export const dropoutLayer: Plain<"dropout"> = ({ rate, per }) => {
  const layer = dropout({ rate, per });
  return plain(([x]) => {
    const { graph, shape } = x!.tensor;
    if (!graph.training || shape.length !== 3) return [withTensor(x!, layer.forward(x!.tensor))];
    return [{ ...x!, tensor: layer.forward(timeMajor(x!)), timeMajor: true }];
  });
};

export const identityLayer: Plain<"identity"> = () => plain(([x]) => [x!]);

export const maskingLayer: Plain<"masking"> = ({ value }) =>
  plain(([x]) => {
    const tensor = batchFirst(x!);
    if (tensor.shape.length !== 3)
      throw new UsageError("shape-mismatch", `masking: expected [B, T, D], got ${formatShape(tensor.shape)}`);
    const distance = reduce({ x: tensor }, abs(sub(variable("x"), value)), [2], "max");
    const counts = pointwise({ distance }, select(less(0, variable("distance")), 1, 0));
    const mask = maskOf(reshape(counts, tensor.shape.slice(0, 2)));
    const kept = pointwise({ x: tensor, counts }, select(less(0, variable("counts")), variable("x"), 0));
    return [{ tensor: kept, timeMajor: false, mask }];
  });

/** A second input that is left out lets all steps count. */
export const lengthsLayer: Plain<"lengths"> = () =>
  plain(([x, lengths]) => {
    if (!lengths) return [x!];
    const { graph } = lengths.tensor;
    const [batch, steps] = shapeOf(x!) as [number, number];
    expectTensor("lengths", lengths.tensor, [batch]);
    graph.bound(lengths.tensor, steps + 1);
    const counts = pointwise(
      { place: arange(graph, [steps, 1]), length: reshape(lengths.tensor, [1, batch]) },
      select(less(variable("place"), variable("length")), 1, 0),
    );
    return [{ ...x!, mask: x!.mask ? mul(x!.mask, counts) : counts }];
  });

export const reshapeLayer: Plain<"reshape"> = ({ shape }) =>
  plain(([x]) => {
    const tensor = batchFirst(x!);
    const batch = tensor.shape[0]!;
    const known = size(shape.filter((n) => n >= 0));
    const sizes = shape.map((n) => (n < 0 ? size(tensor.shape) / batch / known : n));
    if (sizes.some((n) => !Number.isInteger(n)) || batch * size(sizes) !== size(tensor.shape))
      throw new UsageError(
        "shape-mismatch",
        `reshape: ${formatShape(tensor.shape.slice(1))} does not become ${formatShape(shape)}`,
      );
    return [{ tensor: reshape(tensor, [batch, ...sizes]), timeMajor: false }];
  });

export const flattenLayer: Plain<"flatten"> = () =>
  plain(([x]) => {
    const tensor = batchFirst(x!);
    const batch = tensor.shape[0]!;
    return [{ tensor: reshape(tensor, [batch, size(tensor.shape) / batch]), timeMajor: false }];
  });

export const permuteLayer: Plain<"permute"> = ({ order }) =>
  plain(([x]) => [{ tensor: transpose(batchFirst(x!), [0, ...order]), timeMajor: false }]);

export const repeatLayer: Plain<"repeat"> = ({ times }) =>
  plain(([x]) => {
    const { tensor } = x!;
    if (tensor.shape.length !== 2)
      throw new UsageError("shape-mismatch", `repeat: expected [B, D], got ${formatShape(tensor.shape)}`);
    const one = reshape(tensor, [1, ...tensor.shape]);
    // It gives the result its shape; nothing of it is read, so that a machine may refuse its size before anything is filled.
    const shape = tensor.graph.tensor([times, 1, 1], tensor.graph.reserve("inputs", times));
    return [{ tensor: pointwise({ one, shape }, variable("one")), timeMajor: true }];
  });

/** The masks of several values as one: a step counts where it counts in all that have a mask. */
function bothMasks(values: readonly Value[]): Tensor | undefined {
  const masks = values.flatMap(({ mask }) => (mask ? [mask] : []));
  return masks.reduce<Tensor | undefined>((all, mask) => (all ? mul(all, mask) : mask), undefined);
}

/** Tensors of several values in one order of axes: time first where all are so. */
function aligned(values: readonly Value[]): { tensors: readonly Tensor[]; timeMajor: boolean } {
  const time = values.every((v) => v.timeMajor);
  return { tensors: time ? values.map((v) => v.tensor) : values.map(batchFirst), timeMajor: time };
}

export const concatenateLayer: Plain<"concatenate"> = ({ axis }) =>
  plain((values) => {
    const rank = shapeOf(values[0]!).length;
    const counted = axis < 0 ? axis + rank : axis;
    const last = counted === rank - 1 && rank > 2;
    const { tensors, timeMajor } = last ? aligned(values) : { tensors: values.map(batchFirst), timeMajor: false };
    return [{ tensor: concatenate(tensors, counted), timeMajor, mask: last ? bothMasks(values) : undefined }];
  });

type Combine = Extract<PlainSpec, { kind: "combine" }>["by"];
type Combination = (terms: readonly Expression[]) => Expression;
const inTurn =
  (of: (a: Expression, b: Expression) => Expression): Combination =>
  (terms) =>
    terms.reduce((a, b) => of(a, b));
const sum = inTurn(add);
const combinations: { [B in Combine]: Combination } = {
  add: sum,
  subtract: inTurn(sub),
  multiply: inTurn(mul),
  average: (terms) => div(sum(terms), terms.length),
  maximum: inTurn(max),
  minimum: inTurn(min),
};

/** Values with as many axes as the one with most has: Keras puts those that another lacks behind its batch. */
function widened(values: readonly Value[]): readonly Value[] {
  const rank = Math.max(...values.map(({ tensor }) => tensor.shape.length));
  return values.map((value) => {
    const missing = rank - value.tensor.shape.length;
    if (missing === 0) return value;
    const [batch, ...rest] = shapeOf(value) as [number, ...number[]];
    const shape = [batch, ...Array.from({ length: missing }, () => 1), ...rest];
    return { ...value, tensor: reshape(batchFirst(value), shape), timeMajor: false };
  });
}

export const combineLayer: Plain<"combine"> = ({ by }) =>
  plain((values) => {
    const { tensors, timeMajor } = aligned(widened(values));
    const inputs = Object.fromEntries(tensors.map((t, k) => [`x${k}`, t]));
    const value = combinations[by](Object.keys(inputs).map(variable));
    return [{ tensor: pointwise(inputs, value), timeMajor, mask: bothMasks(values) }];
  });

export const poolingLayer: MakeLayer<PoolingSpec> = ({ of, window, skipMasked = of === "mean" }) => {
  if (window === "global") {
    const pool = poolOverTime({ kind: of });
    return plain(([x]) => [
      { tensor: pool.forward(timeMajor(x!), skipMasked ? { mask: x!.mask } : {}), timeMajor: false },
    ]);
  }
  return plain(([x]) => [{ tensor: poolWindows(timeMajor(x!), of, window), timeMajor: true }]);
};

/** Windows over the steps of [T, B, D]; padding counts neither for the maximum nor for the mean. */
function poolWindows(x: Tensor, of: PoolingSpec["of"], window: Exclude<PoolingSpec["window"], "global">): Tensor {
  const { size: width, stride, padding } = window;
  const steps = x.shape[0]!;
  const [before] = padding === "same" ? samePadding(steps, width, stride) : [0];
  const count = padding === "same" ? Math.ceil(steps / stride) : Math.floor((steps - width) / stride) + 1;
  if (count < 1)
    throw new UsageError("shape-mismatch", `pooling: a window of ${width} steps is longer than the ${steps} given`);
  const pool = poolOverTime({ kind: of });
  const parts = Array.from({ length: count }, (_, k) => {
    const from = Math.max(0, k * stride - before);
    const to = Math.min(steps, k * stride - before + width);
    const pooled = pool.forward(slice(x, 0, from, to));
    return reshape(pooled, [1, ...pooled.shape]);
  });
  return parts.length === 1 ? parts[0]! : concatenate(parts, 0);
}

/** [B, T, …] as [B · T, …]. */
function folded(x: Value): Value {
  const tensor = batchFirst(x);
  if (tensor.shape.length < 2)
    throw new UsageError("shape-mismatch", `expected steps [B, T, …], got ${formatShape(tensor.shape)}`);
  const [batch, steps, ...rest] = tensor.shape as [number, number, ...number[]];
  return { tensor: reshape(tensor, [batch * steps, ...rest]), timeMajor: false };
}

/** Back to the steps of `x`, whose mask is what it was before they were folded. */
function unfolded(y: Value, x: Value): Value {
  const tensor = batchFirst(y);
  const [batch, steps] = shapeOf(x) as [number, number];
  return { tensor: reshape(tensor, [batch, steps, ...tensor.shape.slice(1)]), timeMajor: false, mask: x.mask };
}

export const foldStepsLayer: Plain<"fold-steps"> = () => plain(([x]) => [folded(x!)]);
export const unfoldStepsLayer: Plain<"unfold-steps"> = () => plain(([y, x]) => [unfolded(y!, x!)]);

/** A layer inside another one that applies it to each step alone. */
export const timeDistributed =
  (make: MakeLayer<LayerSpec>): MakeLayer<Extract<LayerSpec, { kind: "time-distributed" }>> =>
  (spec, weight) => {
    const inner = make(spec.layer, weight);
    return {
      ...inner,
      forward([x], context) {
        const [result] = inner.forward([folded(x!)], context);
        return [unfolded(result!, x!)];
      },
    };
  };
