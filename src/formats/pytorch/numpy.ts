import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import { describe } from "../../shared/errors.ts";
import { elementBytes, toTypedArray } from "../typed-array.ts";
import { PyTorchConstant, type Value } from "./constants.ts";
import { narrow } from "./pickle-literals.ts";
import { refuse } from "./refuse.ts";

/** NumPy's types of numbers as a pickle calls them: kind and bytes. */
const TYPES: ReadonlyMap<unknown, ElementTypeName> = new Map(
  [
    ...(["b1 BOOL", "i1 I8", "i2 I16", "i4 I32", "i8 I64", "u1 U8", "u2 U16", "u4 U32", "u8 U64"] as const),
    ...(["f2 F16", "f4 F32", "f8 F64"] as const),
  ].map((pair) => pair.split(" ") as [string, ElementTypeName]),
);

class NumpyType extends PyTorchConstant {
  declare readonly dtype: ElementTypeName;

  /** Takes what a pickle says of it afterwards: `(version, order of bytes, …)`. */
  build(state: Value): void {
    const [, order] = Array.isArray(state) ? state : [];
    if (order !== "<" && order !== "|")
      refuse(`NumPy's numbers in it have the byte order ${describe(order)}; "<" is read`);
  }
}

/** `numpy.dtype("f8", …)` */
export function numpyType([code]: readonly Value[]): PyTorchConstant {
  const dtype = TYPES.get(code);
  if (!dtype)
    return refuse(
      `it holds a value of NumPy's type ${describe(code)}, which is not read; save it as a plain number or a tensor`,
    );
  return new NumpyType("dtype", `numpy.dtype(${describe(code)})`, dtype);
}

/** `numpy.float64(1.5)`, which is saved as a type and bytes. */
export function numpyScalar([type, bytes]: readonly Value[]): Value {
  if (!(type instanceof NumpyType) || !(bytes instanceof Uint8Array) || bytes.length !== elementBytes(type.dtype))
    return refuse(`a number of NumPy's in it is made of ${describe(type)} and ${describe(bytes)}`);
  const [number] = toTypedArray(new SafeTensor(type.dtype, [], bytes));
  if (type.dtype === "BOOL") return number !== 0;
  return narrow(number!);
}
