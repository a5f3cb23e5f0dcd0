import type { ElementTypeName } from "../../checkpoint/element-types.ts";
import { type SafeTensor, storable, type WritableTensor } from "../../checkpoint/safe-tensor.ts";
import { UsageError } from "../../shared/errors.ts";
import type { OwnBytes } from "../../shared/own-bytes.ts";
import { size, strides } from "../../shared/shapes.ts";
import { writeZip } from "../zip-write.ts";
import { PickleWriter } from "./pickle-writer.ts";
import { storageTypes } from "./storage-types.ts";

const storageOf = new Map<ElementTypeName, string>(Object.entries(storageTypes).map(([name, dtype]) => [dtype, name]));

/**
 * Returns the bytes of a file that `torch.load(path, weights_only=True)` reads as an OrderedDict of tensors (PyTorch 1.6 or newer). The
 * same tensors in the same order give the same bytes. A tensor under two names is stored once and stays shared.
 * @example
 * ```ts no-run
 * writeFileSync("model.pt", writePyTorch(await parameters.toTensors()));
 * ```
 * @throws UsageError "bad-tensor" for types that PyTorch 1.13 does not have; "too-large" from 4 GiB on
 */
export function writePyTorch(tensors: ReadonlyMap<string, WritableTensor>): OwnBytes {
  const pickle = new PickleWriter();
  const storages = new Map<SafeTensor, string>();
  pickle.beginOrderedDict();
  for (const [name, tensor] of storable(tensors)) {
    const storage = storageOf.get(tensor.dtype);
    if (storage === undefined)
      throw new UsageError(
        "bad-tensor",
        `${JSON.stringify(name)}: a tensor of ${tensor.dtype} cannot be written for PyTorch; convert it to ${[...storageOf.keys()].join(", ")}`,
      );
    const key = storages.get(tensor) ?? String(storages.size);
    storages.set(tensor, key);
    pickle.text(name);
    pickle.tensor({ storage, key, length: size(tensor.shape), shape: tensor.shape, strides: strides(tensor.shape) });
  }
  pickle.endOrderedDict();
  const files = new Map<string, Uint8Array>([
    ["archive/data.pkl", pickle.finish()],
    ["archive/byteorder", new TextEncoder().encode("little")],
  ]);
  for (const [{ bytes }, key] of storages) files.set(`archive/data/${key}`, bytes);
  files.set("archive/version", new TextEncoder().encode("3\n"));
  return writeZip(files, { align: 64 });
}
