import type { Numbers } from "./recurrent.ts";

/**
 * How other frameworks order gates, by docs/semantics.md §2: block k of ours is block `order[k]` of theirs. Kept apart
 * from the product's own table, so that a mistake in one shows.
 */
export const gateOrders = {
  /** i, o, f, c → i, f, g, o */
  onnxLstm: [0, 2, 3, 1],
  /** i, o, f, c → i, g, o: the forget gate of a coupled cell is 1 − i. */
  onnxCoupledLstm: [0, 3, 1],
  /** z, r, h → r, z, n */
  onnxGru: [1, 0, 2],
  onnxRnn: [0],
  /** i, f, c, o */
  kerasLstm: [0, 1, 2, 3],
  /** z, r, h → r, z, n */
  kerasGru: [1, 0, 2],
  kerasSimpleRnn: [0],
} as const;

/** Blocks of `length` elements of `data`, from element `from` on, in another order. */
export function blocks(data: Numbers, length: number, order: readonly number[], from = 0): Float64Array {
  const out = new Float64Array(order.length * length);
  order.forEach((block, k) => {
    for (let i = 0; i < length; i++) out[k * length + i] = data[from + block * length + i]!;
  });
  return out;
}

/** [rows, columns] → [columns, rows] */
export function transposed(data: Numbers, rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, k) => data[(k % rows) * columns + Math.floor(k / rows)]!);
}

/** Steps of [T, …] from the last to the first. */
export function flipped(data: Numbers, T: number): Float64Array {
  const row = data.length / T;
  return Float64Array.from({ length: data.length }, (_, k) => data[(T - 1 - Math.floor(k / row)) * row + (k % row)]!);
}

/** [A, B, row] → [B, A, row] */
export function swapped(data: Numbers, A: number, B: number): Float64Array {
  const row = data.length / (A * B);
  return Float64Array.from({ length: data.length }, (_, k) => {
    const [b, a] = [Math.floor(k / (A * row)), Math.floor(k / row) % A];
    return data[(a * B + b) * row + (k % row)]!;
  });
}

/** Two tensors of rows [N, W] side by side: [N, 2 W]. */
export function sideBySide(a: Numbers, b: Numbers, width: number): Float64Array {
  return Float64Array.from({ length: a.length + b.length }, (_, k) => {
    const [n, j] = [Math.floor(k / (2 * width)), k % (2 * width)];
    return j < width ? a[n * width + j]! : b[n * width + j - width]!;
  });
}
