import { SafeTensor, safeTensor } from "../../checkpoint/safe-tensor.ts";
import type { Numbers } from "../../compute/machine.ts";
import { FailureError, UsageError } from "../../shared/errors.ts";
import { formatShape, size } from "../../shared/shapes.ts";
import { type DataType, elementOf } from "../data-type.ts";
import { elementBytes } from "../element-bytes.ts";
import type { TensorMessage } from "./messages.ts";

interface DataTypeRow {
  readonly code: number;
  /** Where values lie that are not in `rawData`. */
  readonly list: "floatData" | "int32Data" | "int64Data" | "doubleData" | "uint64Data";
}
const row = (code: number, list: DataTypeRow["list"]): DataTypeRow => ({ code, list });

const dataTypes: Readonly<Record<DataType, DataTypeRow>> = {
  float32: row(1, "floatData"),
  uint8: row(2, "int32Data"),
  int8: row(3, "int32Data"),
  uint16: row(4, "int32Data"),
  int16: row(5, "int32Data"),
  int32: row(6, "int32Data"),
  int64: row(7, "int64Data"),
  bool: row(9, "int32Data"),
  float16: row(10, "int32Data"),
  float64: row(11, "doubleData"),
  uint32: row(12, "uint64Data"),
  uint64: row(13, "uint64Data"),
  bfloat16: row(16, "int32Data"),
};

/** Whether the numbers of a tensor lie in another file. */
export const isExternal = ({ externalData, dataLocation }: Pick<TensorMessage, "externalData" | "dataLocation">) =>
  externalData.length > 0 || dataLocation === 1;

export const codeOf = (type: DataType): number => dataTypes[type].code;

/** @throws UsageError "unsupported-onnx" */
export function dataTypeOf(code: number | undefined, what: string): DataType {
  for (const [name, { code: own }] of Object.entries(dataTypes)) if (own === code) return name as DataType;
  const others: Record<number, string> = { 8: "strings", 14: "complex numbers", 15: "complex numbers" };
  throw new UsageError(
    "unsupported-onnx",
    `${what} has elements of type ${code ?? "(none)"}${others[code ?? 0] ? ` (${others[code ?? 0]})` : ""}; supported are ${Object.keys(dataTypes).join(", ")}`,
  );
}

export interface OnnxTensor {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly number[];
  /** Those of float32 as they are, all others as float64 (whole numbers exact up to 2^53). */
  readonly data: Numbers;
}

/**
 * @param rawData its bytes, where they lie in another file
 * @throws FailureError "damaged-onnx"; UsageError "unsupported-onnx"
 */
export function decodeTensor(message: TensorMessage, rawData: Uint8Array | undefined = message.rawData): OnnxTensor {
  const name = message.name ?? "";
  const what = `tensor ${JSON.stringify(name)}`;
  const { dims: shape } = message;
  const damaged = (how: string): FailureError => new FailureError("damaged-onnx", `${what} is damaged: ${how}`);
  if (isExternal(message) && !rawData)
    throw new UsageError(
      "unsupported-onnx",
      `${what} keeps its numbers in another file: open the model by its path or URL, or with files: { NAME: … } beside its bytes`,
    );
  if (message.segment !== undefined) throw new UsageError("unsupported-onnx", `${what} is cut into segments`);
  const type = dataTypeOf(message.dataType, what);
  const { list } = dataTypes[type];
  const count = size(shape);
  if (shape.some((n) => n < 0 || !Number.isSafeInteger(n)) || !Number.isSafeInteger(count))
    throw damaged(`its shape is ${formatShape(shape)}`);
  const came = rawData ? rawData.length / elementBytes(elementOf(type)) : message[list].length;
  if (came !== count) throw damaged(`shape ${formatShape(shape)} has ${count} elements, the file holds ${came}`);
  return { name, type, shape, data: rawData ? fromBytes(rawData, type, shape) : fromList(message[list], type, shape) };
}

function fromBytes(bytes: Uint8Array, type: DataType, shape: readonly number[]): Numbers {
  const tensor = new SafeTensor(elementOf(type), shape, bytes);
  return type === "float32" ? tensor.toFloat32() : tensor.toFloat64();
}

/** Those of 16 bits with a fraction lie as patterns of bits in a list of whole numbers. */
function fromList(list: readonly number[], type: DataType, shape: readonly number[]): Numbers {
  if (type === "float16" || type === "bfloat16")
    return fromBytes(new Uint8Array(Uint16Array.from(list).buffer), type, shape);
  if (type === "float32") return Float32Array.from(list);
  return Float64Array.from(list, (n) => (type === "uint64" && n < 0 ? n + 2 ** 64 : n));
}

/** The message of a tensor, its numbers in `rawData`. */
export function encodeTensor(
  name: string,
  type: DataType,
  shape: readonly number[],
  data: ArrayLike<number>,
): {
  readonly name: string;
  readonly dataType: number;
  readonly dims: readonly number[];
  readonly rawData: Uint8Array;
} {
  const { bytes } = safeTensor(elementOf(type), shape, data);
  return { name, dataType: dataTypes[type].code, dims: shape, rawData: bytes };
}
