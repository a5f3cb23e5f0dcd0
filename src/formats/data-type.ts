import type { ElementTypeName } from "../checkpoint/element-types.ts";

/** Types of elements of named arrays, by their name in ONNX' documentation, and how safetensors calls them. */
const elements = {
  float32: "F32",
  uint8: "U8",
  int8: "I8",
  uint16: "U16",
  int16: "I16",
  int32: "I32",
  int64: "I64",
  bool: "BOOL",
  float16: "F16",
  float64: "F64",
  uint32: "U32",
  uint64: "U64",
  bfloat16: "BF16",
} as const satisfies Readonly<Record<string, ElementTypeName>>;

export type DataType = keyof typeof elements;

const floats: readonly DataType[] = ["float32", "float16", "float64", "bfloat16"];

/** Whether elements of this type are numbers with a fraction; others reach a machine as whole numbers. */
export const isFloat = (type: DataType): boolean => floats.includes(type);

export const elementOf = (type: DataType): ElementTypeName => elements[type];

/** The other way round; undefined for the 8-bit floats, which no array here has. */
export const dataTypeOfElement = (element: ElementTypeName): DataType | undefined =>
  (Object.keys(elements) as DataType[]).find((type) => elements[type] === element);
