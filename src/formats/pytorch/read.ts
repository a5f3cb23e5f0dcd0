import type { ByteSource } from "../../platform/platform.ts";
import { type AsyncCloseable, closingLater } from "../../shared/closing.ts";
import { LongshortError, placed } from "../../shared/errors.ts";
import { type ByteInput, openBytes } from "../byte-source.ts";
import { isZip } from "../zip-directory.ts";
import { readArchive } from "./archive.ts";
import { collectTensors } from "./collect.ts";
import type { Value } from "./constants.ts";
import { readLegacy } from "./legacy.ts";
import { refuse } from "./refuse.ts";
import type { TensorView } from "./storage.ts";

/** A file of `torch.save`; its tensors are read on request. */
export interface PyTorchFile extends AsyncCloseable {
  /**
   * The saved value as plain data: dictionaries are Maps, lists and tuples arrays, integers beyond 2^53 BigInts, bytes Uint8Arrays,
   * tensors TensorViews, dtypes and devices PyTorchConstants.
   */
  readonly value: Value;
  /** All tensors by dotted name: `model_state_dict.rnn.weight_ih_l0`. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  readonly format: "zip" | "legacy";
  /** Closes the file, if reading opened it; tensors cannot be read afterwards. `await using` closes it at the end of the block. */
  close(): Promise<void>;
}

/**
 * Reads what `torch.save` wrote (`.pt`, `.pth`; since 1.6 a zip archive, before that a row of pickles): tensors, state
 * dictionaries, checkpoints with both and more. Nothing in a file is ever run: its pickle is interpreted by a program that can
 * only build plain data, and a file that asks for anything else is refused with the name of what it asks for.
 *
 * Tensors may share storages and be strided. Types: float64, 32, 16, bfloat16, 8-bit floats, whole numbers, booleans;
 * complex and quantized ones are refused.
 *
 * @throws FailureError "bad-pytorch", "bad-zip" when the file is damaged or holds more than data; errors of opening a file
 */
export async function readPyTorch(input: ByteInput): Promise<PyTorchFile> {
  const source = await openBytes(input);
  const close = async (): Promise<void> => {
    if ((source as ByteInput) !== input) await source.close();
  };
  try {
    const format = await formatOf(source);
    const value = format === "zip" ? await readArchive(source) : await readLegacy(source);
    return closingLater<PyTorchFile>({ value, tensors: collectTensors(value), format, close });
  } catch (cause) {
    await close();
    throw cause instanceof LongshortError && cause.code === "bad-pytorch" ? placed(source.name, cause) : cause;
  }
}

async function formatOf(source: ByteSource): Promise<"zip" | "legacy"> {
  const start = await source.read(0, Math.min(262, source.size));
  if (isZip(start)) return "zip";
  // A pickle of protocol 2 or later begins with its number; PyTorch has never written an older one.
  if (start[0] === 0x80) return "legacy";
  if (new TextDecoder().decode(start.subarray(257)) === "ustar")
    return refuse("it is of PyTorch's first format (tar, before 0.1.10); load and save it with a newer PyTorch");
  return refuse(source.size === 0 ? "it is empty" : "it is no file of torch.save: neither a zip archive nor a pickle");
}
