import { ShapeError } from "../shared/errors.ts";
import { formatShape } from "../shared/shapes.ts";
import type { NamedTensor } from "./parameter-store.ts";

/** A matrix [N, K] of 8 bits: row n stands for `values[n] · scales[n]`. */
export interface QuantizedTensor {
  readonly shape: readonly number[];
  /** From −127 to 127, row-major. */
  readonly values: Int8Array;
  /** [N] */
  readonly scales: Float32Array;
}

/** Quantized matrices by the name of their parameter. */
export type QuantizedWeights = ReadonlyMap<string, QuantizedTensor>;

const LARGEST = 127;

/**
 * Rounds each row of a matrix to multiples of its largest number over 127. Needs no data to calibrate with. Quantising what
 * `dequantize` gives is exact.
 *
 * @throws ShapeError "shape-mismatch" when it is no matrix.
 */
export function quantizeMatrix({ shape, data }: NamedTensor): QuantizedTensor {
  if (shape.length !== 2)
    throw new ShapeError("shape-mismatch", `expected a matrix to quantize, got shape ${formatShape(shape)}`);
  const [rows, columns] = shape as [number, number];
  const values = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    let largest = 0;
    for (let k = 0; k < columns; k++) largest = Math.max(largest, Math.abs(data[r * columns + k]!));
    const scale = Math.fround(largest / LARGEST);
    scales[r] = scale;
    if (scale === 0) continue;
    for (let k = 0; k < columns; k++)
      values[r * columns + k] = Math.max(-LARGEST, Math.min(LARGEST, Math.round(data[r * columns + k]! / scale)));
  }
  return { shape, values, scales };
}

/** The numbers that a quantized matrix stands for, in float32. */
export function dequantize({ shape, values, scales }: QuantizedTensor): Float32Array {
  const columns = shape[1]!;
  return Float32Array.from(values, (value, i) => value * scales[Math.floor(i / columns)]!);
}

/** As the kernel reads it: four numbers in a word, every row from a new word on. */
export function quantizedWords({ shape, values }: QuantizedTensor): Int32Array {
  const [rows, columns] = shape as [number, number];
  const words = Math.ceil(columns / 4);
  const bytes = new Int8Array(rows * words * 4);
  for (let r = 0; r < rows; r++) bytes.set(values.subarray(r * columns, (r + 1) * columns), r * words * 4);
  return new Int32Array(bytes.buffer);
}
