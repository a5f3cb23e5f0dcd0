import type { ByteSource } from "../platform/platform.ts";
import { UsageError } from "../shared/errors.ts";
import { isHdf5 } from "./hdf5/header.ts";
import { isNpy } from "./npy-header.ts";
import { isTable } from "./tensorflow1/table.ts";
import { openZip } from "./zip.ts";
import { isZip } from "./zip-directory.ts";

/** What a file is, found by looking into it; its name does not matter. */
export type FileKind = "npy" | "npz" | "pytorch" | "safetensors" | "onnx" | "hdf5" | "keras" | "json" | "bundle";

const HEAD = 64;

/**
 * Tells formats apart by their first bytes, archives by what is in them.
 * @throws UsageError "unknown-format"; FailureError "bad-zip"
 */
export async function sniff(source: ByteSource): Promise<FileKind> {
  const head = await source.read(0, Math.min(HEAD, source.size));
  if (isNpy(head)) return "npy";
  if (isHdf5(head)) return "hdf5";
  if (isZip(head)) return inArchive(source);
  // Before pickles: where the length of a header ends in 0x80, safetensors begin as a pickle does, which has no such length.
  if (isSafetensors(head, source.size)) return "safetensors";
  if (head[0] === 0x80) return "pytorch";
  if (/^(\xef\xbb\xbf)?\s*[{[]/.test(new TextDecoder("latin1").decode(head))) return "json";
  // Messages of protocol buffers have no mark of their own; a model's first field is its version, a small number.
  if (head[0] === 0x08 && head[1]! > 0 && head[1]! < 32) return "onnx";
  // The index of a TensorFlow checkpoint shows at its end what it is.
  if (isTable(await source.read(Math.max(0, source.size - 8), Math.min(8, source.size)))) return "bundle";
  throw new UsageError(
    "unknown-format",
    `${source.name}: ${source.size === 0 ? "it is empty" : "it begins as no known format does"}; known are ONNX, PyTorch's .pt, safetensors, Keras' .keras and .h5, TensorFlow.js' model.json, TensorFlow's .index, NPZ and the folders of runs`,
  );
}

/** The length of a header that fits into the file, and a JSON object behind it. */
function isSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const declared = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  return declared >= 2n && declared <= BigInt(size - 8);
}

async function inArchive(source: ByteSource): Promise<FileKind> {
  const names = [...(await openZip(source, { zeroCrcIsNone: true })).entries.keys()];
  if (names.some((name) => /(^|\/)data\.pkl$/.test(name))) return "pytorch";
  if (names.includes("config.json") && names.some((name) => name.endsWith(".h5"))) return "keras";
  if (names.length > 0 && names.every((name) => name.endsWith(".npy"))) return "npz";
  throw new UsageError(
    "unknown-format",
    `${source.name}: a zip archive, but neither of PyTorch (data.pkl) nor of Keras (config.json and a .h5) nor of NumPy (.npy); it holds ${names.slice(0, 3).join(", ") || "nothing"}`,
  );
}
