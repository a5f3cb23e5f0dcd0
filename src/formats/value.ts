import { FailureError } from "../shared/errors.ts";
import { formatShape, size } from "../shared/shapes.ts";
import type { Graph, Tensor } from "../tensor/graph.ts";
import type { Parameter } from "../tensor/parameter.ts";
import { type DataType, isFloat } from "./data-type.ts";

/** Numbers that are known while a graph is recorded: tensors of the file, shapes, and what follows from them alone. */
export interface HostValue {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  /** Whether it follows from the file alone, whatever the inputs: only such a value may be shared by all plans. */
  readonly constant: boolean;
  /** What it is called where all plans share it. */
  readonly name?: string | undefined;
  /** The parameter that holds these numbers, maybe under another shape. */
  readonly parameter?: Parameter | undefined;
}

/** What is known only when the plan runs. Whole numbers lie in a range of type "int". */
export interface DeviceValue {
  readonly type: DataType;
  readonly shape: readonly number[];
  readonly tensor: Tensor;
}

export type Value = HostValue | DeviceValue;

export const isHost = (v: Value): v is HostValue => "data" in v;

/** A value as a tensor of a graph. */
export const tensorOf = (graph: Graph, value: Value): Tensor =>
  isHost(value) ? graph.constant(value.shape, value.data) : value.tensor;

/** Elements that one value computed while recording may have; what a file holds itself is bounded by the file. */
const MAXIMUM_ELEMENTS = 2 ** 24;

/** Room for a value of the host. Shapes come from files, so they are bounded before anything is allocated. */
export function roomFor(shape: readonly number[], type: DataType): Float32Array | Float64Array {
  const count = size(shape);
  if (!(count <= MAXIMUM_ELEMENTS))
    throw new FailureError(
      "too-large-onnx",
      `the model computes a constant of shape ${formatShape(shape)}, more than ${MAXIMUM_ELEMENTS} numbers`,
    );
  return type === "float32" ? new Float32Array(count) : new Float64Array(count);
}

/** A number as a value of this type holds it. */
export function rounded(type: DataType, x: number): number {
  if (isFloat(type)) return x;
  return type === "bool" ? Number(x !== 0) : Math.trunc(x);
}
