import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import type { PickleName, PickleValue } from "./pickle.ts";
import type { Storage, TensorView } from "./storage.ts";

/** What stands in a PyTorch file besides plain data. */
export type PyTorchLeaf = TensorView | Storage | PyTorchConstant | PickleName<PyTorchLeaf>;
export type Value = PickleValue<PyTorchLeaf>;

/** A word of PyTorch's or NumPy's that was saved as a value: `torch.float32`, `torch.strided`, `cuda:0`. */
export class PyTorchConstant implements PickleName<PyTorchLeaf> {
  readonly kind: "dtype" | "device" | "layout";
  readonly pickleName: string;
  /** Of a dtype that tensors are read of. */
  readonly dtype: ElementTypeName | undefined;

  constructor(kind: PyTorchConstant["kind"], name: string, dtype?: ElementTypeName) {
    this.kind = kind;
    this.pickleName = name;
    this.dtype = dtype;
  }
}
