import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Golden data made by PyTorch. The small safetensors reader here is the test's own, so that a fault in the product's
 * reader cannot hide one in its mathematics.
 */

export interface GoldenTensor {
  readonly shape: readonly number[];
  /** As the file says: "F64", "F32", "I64" or "I32". */
  readonly dtype: string;
  /** Row-major. 64-bit whole numbers become Int32Array (checked to fit). */
  readonly data: Float64Array | Float32Array | Int32Array;
}

export interface Golden {
  /** What the file says of itself (`__metadata__.config`). */
  // biome-ignore lint/suspicious/noExplicitAny: every test knows the fields of its own files
  readonly config: any;
  readonly tensors: Readonly<Record<string, GoldenTensor>>;
}

const root = fileURLToPath(new URL("../golden/torch/", import.meta.url));

/** Reads test/golden/torch/PATH, for example `golden("rnn/024_gru_l2_bi.f64")`; ".safetensors" may be left out. */
export function golden(path: string): Golden {
  const bytes = Uint8Array.from(readFileSync(root + withSuffix(path)));
  const headerLength = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headerLength)));
  const tensors: Record<string, GoldenTensor> = {};
  for (const [name, entry] of Object.entries<{ dtype: string; shape: number[]; data_offsets: [number, number] }>(
    header,
  )) {
    if (name === "__metadata__") continue;
    const [start, end] = entry.data_offsets;
    const buffer = bytes.slice(8 + headerLength + start, 8 + headerLength + end).buffer;
    tensors[name] = { shape: entry.shape, dtype: entry.dtype, data: typed(entry.dtype, buffer) };
  }
  return { config: JSON.parse(header.__metadata__.config), tensors };
}

/** The names in test/golden/torch/FOLDER, sorted, without ".safetensors": pass `${folder}/${name}` to golden(). */
export function goldenNames(folder: string): string[] {
  const names = readdirSync(root + folder).filter((name) => name.endsWith(".safetensors"));
  if (names.length === 0) throw new Error(`no golden files in ${folder}`);
  return names.map((name) => name.slice(0, -".safetensors".length)).sort();
}

/** test/golden/torch/schedules.json, or another JSON file of that folder. */
// biome-ignore lint/suspicious/noExplicitAny: every test knows the fields of its own files
export function goldenJson(path: string): any {
  return JSON.parse(readFileSync(root + path, "utf8"));
}

function withSuffix(path: string): string {
  return path.endsWith(".safetensors") ? path : `${path}.safetensors`;
}

function typed(dtype: string, buffer: ArrayBuffer): GoldenTensor["data"] {
  if (dtype === "F64") return new Float64Array(buffer);
  if (dtype === "F32") return new Float32Array(buffer);
  if (dtype === "I32") return new Int32Array(buffer);
  if (dtype === "I64") {
    return Int32Array.from(new BigInt64Array(buffer), (value) => {
      if (BigInt.asIntN(32, value) !== value) throw new Error(`${value} does not fit in 32 bits`);
      return Number(value);
    });
  }
  throw new Error(`the golden loader does not know ${dtype}`);
}
