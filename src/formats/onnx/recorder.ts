import type { Range } from "../../compute/plan.ts";
import { constant, type Expression, equal, select, variable } from "../../math/expression.ts";
import { FailureError, ShapeError, UsageError } from "../../shared/errors.ts";
import { broadcastStrides, strides as dense, formatShape, sameShape, size } from "../../shared/shapes.ts";
import type { Graph, Tensor } from "../../tensor/graph.ts";
import * as operations from "../../tensor/operations.ts";
import { broadcastShape } from "../../tensor/operations.ts";
import type { Parameter } from "../../tensor/parameter.ts";
import { type DataType, isFloat } from "../data-type.ts";
import type { TraceRequest, WeightForms } from "../runnable.ts";
import { copyStrided } from "../strided-copy.ts";
import { type DeviceValue, type HostValue, isHost, roomFor, rounded, type Value } from "../value.ts";
import { collapse, expectAxes, joinReduced, joinStrided } from "./axes.ts";
import { functionOf, mapHost, reduceHost } from "./host.ts";
import type { OnnxNode } from "./model.ts";
import type { OnnxTensor } from "./tensor-data.ts";

/** Operators in one plan, loops unrolled. */
const MAXIMUM_NODES = 100_000;

export interface RecorderOptions {
  /** Of the tensors that the file holds, those that are learned. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly forms?: WeightForms | undefined;
  readonly trace?: TraceRequest | undefined;
}

/** What an element of the result is of the elements of these values. */
type FunctionOf<V extends readonly Value[], T> = (...x: { [K in keyof V]: T }) => T;

/**
 * What operators are made of: each primitive computes at once what is known and records the rest. So an operator is written
 * once, and arithmetic on shapes or on the file's own weights costs nothing when the plan runs.
 */
export class Recorder {
  readonly graph: Graph;
  readonly options: RecorderOptions;
  /** What recurrent nodes write out, into `traces`. */
  readonly trace: TraceRequest | undefined;
  /** `NODE.VALUE` → [T, B, H] */
  readonly traces = new Map<string, Tensor>();
  /** Names that can be asked for, of all cells so far. */
  readonly traceable = new Set<string>();
  /** Whole numbers that were made of what is learned, and by which node. */
  readonly steps = new Map<Range, OnnxNode>();
  private readonly parameters: ReadonlyMap<string, Parameter>;
  private readonly forms: WeightForms | undefined;
  private readonly lifted = new Map<HostValue, Tensor>();
  private nodes = 0;

  constructor(graph: Graph, options: RecorderOptions) {
    this.graph = graph;
    this.options = options;
    this.parameters = options.parameters;
    this.forms = options.forms;
    this.trace = options.trace;
  }

  /** A tensor that the file holds. */
  held(name: string, { type, shape, data }: OnnxTensor): HostValue {
    const parameter = this.parameters.get(name);
    const current = this.forms?.values.get(name) ?? data;
    return { type, shape, data: parameter ? current : data, constant: true, name, parameter };
  }

  /** Whether a value is computed with at once. Without `forms` a parameter is not, as its numbers may change. */
  folds(x: Value): x is HostValue {
    return isHost(x) && !(x.parameter && !this.forms);
  }

  /** A value under its name in the graph: what constants of the file give is called so in all plans. */
  called(name: string, value: Value): Value {
    const nameless = isHost(value) && value.constant && value.name === undefined;
    return nameless ? { ...value, name } : value;
  }

  /** Counts a node. Bodies of loops are recorded once a turn, pieces one by one, and a file may ask for any number of them. */
  count(): void {
    if (++this.nodes > MAXIMUM_NODES)
      throw new FailureError("too-large-onnx", `the model unrolls to more than ${MAXIMUM_NODES} operators`);
  }

  /** A form of the weights that all plans share, made when the first one needs it. */
  derived(name: string, shape: readonly number[], make: () => Value): Tensor {
    if (this.forms?.derived.has(name)) return this.forms.derived.tensor(this.graph, name, shape, () => []);
    const value = make();
    return this.tensor(isHost(value) ? { ...value, name } : value);
  }

  /** A value as a tensor of the plan; tensors of the file become parameters, single numbers and shapes do not. */
  tensor(value: Value): Tensor {
    if (!isHost(value)) return value.tensor;
    const known = this.lifted.get(value);
    if (known) return known;
    const { graph } = this;
    let made: Tensor;
    if (!isFloat(value.type)) made = graph.constant(value.shape, value.data, "int");
    else if (value.parameter) made = operations.reshape(graph.parameter(value.parameter), value.shape);
    else if (this.forms && value.constant && value.name !== undefined && value.data.length > 1)
      made = this.forms.derived.tensor(graph, value.name, value.shape, () => value.data);
    else made = graph.constant(value.shape, value.data);
    this.lifted.set(value, made);
    return made;
  }

  device(type: DataType, tensor: Tensor): DeviceValue {
    return { type, shape: tensor.shape, tensor };
  }

  /** A function of the elements of broadcast values; `onNumbers` where the equation means something else on whole numbers. */
  pointwise<const V extends readonly Value[]>(
    inputs: V,
    equation: FunctionOf<V, Expression>,
    type: DataType,
    onNumbers?: FunctionOf<V, number>,
  ): Value {
    const f = equation as (...x: Expression[]) => Expression;
    if (this.allFold(inputs)) return evaluated(inputs, onNumbers ?? functionOf(f, inputs.length), type);
    const shape = broadcastShape(inputs.map((x) => x.shape));
    // Single known numbers become part of the equation.
    const terms = inputs.map((x, k) =>
      this.folds(x) && x.data.length === 1 ? constant(x.data[0]!) : variable(`x${k}`),
    );
    const taken = inputs.flatMap((x, k) => (terms[k]!.op === "constant" ? [] : [{ x, name: `x${k}` }]));
    const views = collapse(
      taken.map(({ x }) => x.shape),
      shape,
    );
    const tensors = Object.fromEntries(
      taken.map(({ x, name }, k) => [name, operations.reshape(this.tensor(x), views.inputs[k]!)]),
    );
    const value = f(...terms);
    const out = operations.pointwise(tensors, value, { type: isFloat(type) ? "float" : "int" });
    return this.device(type, operations.reshape(out, shape));
  }

  /** A function that no equation says, of what is known. */
  known<const V extends readonly Value[]>(inputs: V, f: FunctionOf<V, number>, type: DataType): HostValue {
    if (!this.allFold(inputs))
      throw new UsageError("unsupported-onnx", "its input is known only at run time, and it has no kernel there");
    return evaluated(inputs, f, type);
  }

  /** The product of two matrices, or of two stacks of them. */
  matmul(a: Value, b: Value, options: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {}): Value {
    return this.device("float32", operations.matmul(this.tensor(a), this.tensor(b), options));
  }

  /** The same elements under another shape. */
  reshape(x: Value, shape: readonly number[]): Value {
    if (size(shape) !== size(x.shape))
      throw new ShapeError("shape-mismatch", `${formatShape(x.shape)} does not become ${formatShape(shape)}`);
    if (isHost(x)) return { ...x, shape };
    return { ...x, shape, tensor: operations.reshape(x.tensor, shape) };
  }

  /** Elements `offset + strides · index` of a value, as a dense one. Strides may be negative only of known values. */
  strided(x: Value, shape: readonly number[], offset: number, strides: readonly number[]): Value {
    if (this.folds(x)) {
      const data = copyStrided(x.data, { shape, strides, offset }, roomFor(shape, x.type));
      return { type: x.type, shape, data, constant: x.constant };
    }
    const axes = joinStrided(shape, strides);
    const [sizes, steps] = [axes.map((a) => a.size), axes.map((a) => a.stride)];
    if (offset === 0 && size(shape) === size(x.shape) && sameShape(steps, dense(sizes))) return this.reshape(x, shape);
    expectAxes(sizes);
    const from = operations.reshape(this.tensor(x), [size(x.shape)]);
    return this.device(x.type, operations.reshape(operations.strided(from, sizes, offset, steps), shape));
  }

  transpose(x: Value, order: readonly number[]): Value {
    const own = dense(x.shape);
    const shape = order.map((axis) => x.shape[axis]!);
    const strides = order.map((axis) => own[axis]!);
    return this.strided(x, shape, 0, strides);
  }

  /** Elements of one axis: `start`, `start + step`, …, `count` of them. */
  slice(x: Value, axis: number, start: number, count: number, step = 1): Value {
    const own = dense(x.shape);
    if (start === 0 && count === x.shape[axis] && step === 1) return x;
    const shape = x.shape.with(axis, count);
    if (!this.folds(x) && step < 0) {
      const rows = Array.from({ length: count }, (_, k) => this.slice(x, axis, start + k * step, 1));
      return this.concatenate(rows, axis);
    }
    const strides = own.with(axis, own[axis]! * step);
    return this.strided(x, shape, start * own[axis]!, strides);
  }

  concatenate(parts: readonly Value[], axis: number): Value {
    const [first] = parts as [Value];
    if (parts.length === 1) return first;
    for (const { shape } of parts)
      if (shape.length !== first.shape.length || shape.some((n, k) => k !== axis && n !== first.shape[k]))
        throw new ShapeError(
          "shape-mismatch",
          `shapes ${parts.map((p) => formatShape(p.shape)).join(", ")} differ in another axis than ${axis}`,
        );
    const total = parts.reduce((n, p) => n + p.shape[axis]!, 0);
    const shape = first.shape.with(axis, total);
    const outer = size(shape.slice(0, axis));
    const inner = (s: readonly number[]): number => size(s.slice(axis));
    if (this.allFold(parts)) {
      const out = roomFor(shape, first.type);
      let start = 0;
      for (const part of parts) {
        const row = inner(part.shape);
        for (let o = 0; o < outer; o++)
          for (let k = 0; k < row; k++) out[o * inner(shape) + start + k] = part.data[o * row + k]!;
        start += row;
      }
      return { type: first.type, shape, data: out, constant: allConstant(parts) };
    }
    const kept = parts.filter((p) => size(p.shape) > 0);
    if (kept.length <= 1) return this.reshape(kept[0] ?? first, shape);
    const rows = kept.map((p) => operations.reshape(this.tensor(p), [outer, inner(p.shape)]));
    return this.device(first.type, operations.reshape(operations.concatenate(rows, 1), shape));
  }

  /** A value repeated along axes of size 1 until it has this shape. */
  expand(x: Value, shape: readonly number[]): Value {
    const out = broadcastShape([x.shape, shape]);
    if (sameShape(out, x.shape)) return x;
    if (this.folds(x)) return this.strided(x, out, 0, broadcastStrides(x.shape, out));
    // One tensor for each axis that grows gives the equation its shape; it reads none of them, so nothing is written there.
    const growing = out.flatMap((n, axis) => {
      const own = x.shape[axis - (out.length - x.shape.length)] ?? 1;
      return n === own ? [] : [out.map((_, k) => (k === axis ? n : 1))];
    });
    const kind = isFloat(x.type) ? "float" : "int";
    const shapes = growing.map((s) =>
      this.device(x.type, this.graph.tensor(s, this.graph.reserve("inputs", size(s), kind))),
    );
    return this.pointwise([x, ...shapes], (first) => first, x.type);
  }

  /** Sum or maximum of an equation of `x` over axes, which keep the size 1. */
  reduce(x: Value, equation: (x: Expression) => Expression, axes: readonly number[], combine: "sum" | "max"): Value {
    const kept = x.shape.map((n, axis) => (axes.includes(axis) ? 1 : n));
    if (this.folds(x)) {
      const mapped = { shape: x.shape, data: mapHost([x], x.shape, functionOf(equation, 1), "float64") };
      const { shape, data } = reduceHost(mapped, axes, combine, x.type);
      return { type: x.type, shape, data, constant: x.constant };
    }
    const joined = joinReduced(x.shape, axes);
    const view = operations.reshape(
      this.tensor(x),
      joined.map((a) => a.size),
    );
    const over = joined.flatMap((a, k) => (a.over ? [k] : []));
    const out = operations.reduce({ x: view }, equation(variable("x")), over, combine);
    const value = this.device("float32", operations.reshape(out, kept));
    return isFloat(x.type) ? { ...value, type: x.type } : this.cast(value, x.type);
  }

  private allFold(values: readonly Value[]): values is readonly HostValue[] {
    return values.every((x) => this.folds(x));
  }

  cast(x: Value, type: DataType): Value {
    if (isHost(x) && x.parameter && isFloat(type)) return { ...x, type };
    if (this.folds(x))
      return {
        ...x,
        parameter: undefined,
        name: undefined,
        type,
        data: Float64Array.from(x.data, (n) => (type === "float32" ? Math.fround(n) : rounded(type, n))),
      };
    if (isFloat(x.type) === isFloat(type) && type !== "bool") return { ...x, type };
    return this.pointwise([x], (a) => (type === "bool" ? select(equal(a, 0), 0, 1) : a), type);
  }
}

function evaluated(inputs: readonly HostValue[], f: (...x: never) => number, type: DataType): HostValue {
  const shape = broadcastShape(inputs.map((x) => x.shape));
  const data = mapHost(inputs, shape, f as (...x: number[]) => number, type);
  return { type, shape, data, constant: allConstant(inputs) };
}

const allConstant = (values: readonly HostValue[]): boolean => values.every((v) => v.constant);
