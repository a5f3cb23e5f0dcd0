import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { SafeTensor } from "../../checkpoint/safe-tensor.ts";
import { describe } from "../../shared/errors.ts";
import { elementBytes } from "../element-bytes.ts";
import { numpyTypes } from "../numpy-types.ts";
import { PyTorchConstant, type Value } from "./constants.ts";
import { longOf } from "./pickle-literals.ts";
import { refuse } from "./refuse.ts";

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
  const dtype = typeof code === "string" ? numpyTypes.get(code) : undefined;
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
  const { dtype } = type;
  // What a double does not hold is one of Python's long numbers, which have a sign.
  if (dtype === "I64") return longOf(bytes);
  if (dtype === "U64") return longOf(Uint8Array.of(...bytes, 0));
  const [number] = new SafeTensor(dtype, [], bytes).toFloat64();
  return dtype === "BOOL" ? number !== 0 : number!;
}
