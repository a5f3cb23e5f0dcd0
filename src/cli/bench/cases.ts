/*
 * What is measured, here and in the repository's benchmark beside other software. Letters as everywhere: B batch, T time, V vocabulary,
 * H hidden size; E numbers of an embedding, L layers, D inputs. LSTM unless said otherwise.
 */

import { isSmallTable } from "../../scan/widths.ts";

/** A whole training step of a language model: forward, cross entropy, backward, clipping at 5, Adam. */
export interface TextStep {
  readonly kind: "train";
  readonly cell: "lstm" | "gru" | "rnn";
  /** GRU: whether the reset gate comes after the product (PyTorch, the default) or before it. */
  readonly resetAfter?: boolean;
  readonly V: number;
  readonly E: number;
  readonly H: number;
  readonly L: number;
  readonly B: number;
  readonly T: number;
}
/** A whole training step on series: LSTM, linear head at every step, mean squared error, clipping at 5, Adam. */
export interface SeriesStep {
  readonly kind: "regress";
  readonly D: number;
  readonly H: number;
  readonly B: number;
  readonly T: number;
}
/** Forward pass of an LSTM layer, input as wide as H. */
export interface Sequence {
  readonly kind: "sequence";
  readonly H: number;
  readonly B: number;
  readonly T: number;
}
/** One step of one sequence, input as wide as H, the state carried: `Session.step`. */
export interface Stream {
  readonly kind: "stream";
  readonly H: number;
  /** Weights as int8 with a scale a row. */
  readonly int8?: boolean;
}
/** A product of matrices [m, k] · [k, n]. */
export interface Gemm {
  readonly kind: "gemm";
  readonly m: number;
  readonly k: number;
  readonly n: number;
}
export type Case = TextStep | SeriesStep | Sequence | Stream | Gemm;

const characters = { kind: "train", V: 65, E: 64, H: 256, L: 2, B: 32, T: 64 } as const;
const words = (H: number, B: number, T: number): TextStep => ({
  ...{ kind: "train", cell: "lstm", V: 10000, E: H, H, L: 2, B, T },
});
const each = <C>(name: string, sizes: readonly number[], make: (H: number) => C): Record<string, C> =>
  Object.fromEntries(sizes.map((H) => [`${name}-${H}`, make(H)]));
const product = (m: number, k: number, n: number): Record<string, Gemm> => ({
  [`gemm-${m}x${k}x${n}`]: { kind: "gemm", m, k, n },
});
const SIZES = [64, 128, 256, 512, 1024];

/** By name, in the order in which they are measured. */
export const cases: Readonly<Record<string, Case>> = {
  "char-lstm": { ...characters, cell: "lstm" },
  "char-gru": { ...characters, cell: "gru" },
  "char-gru-before": { ...characters, cell: "gru", resetAfter: false },
  "char-rnn": { ...characters, cell: "rnn" },
  "ptb-small": words(200, 20, 20),
  "ptb-medium": words(650, 20, 35),
  forecast: { kind: "regress", D: 7, H: 64, B: 32, T: 96 },
  ...each("sequence", [64, 256, 512], (H) => ({ kind: "sequence", H, B: 16, T: 50 })),
  ...each("stream", SIZES, (H) => ({ kind: "stream", H })),
  ...each("stream-int8", SIZES, (H) => ({ kind: "stream", H, int8: true })),
  gemm: { kind: "gemm", m: 1024, k: 1024, n: 1024 },
  ...product(32, 256, 1024),
  ...product(20, 208, 832),
  ...product(64, 256, 1024),
};

/** The names that a word stands for: a case, and those of the group that carries its name (`gemm`, `stream`, `char`); none if unknown. */
export function casesNamed(word: string, known: readonly string[] = Object.keys(cases)): string[] {
  return known.filter((name) => name === word || (word !== "" && name.replace(/-[^-]*$/, "") === word));
}

/**
 * Floating-point operations of one repetition: products only, 2 for each multiply-add, those of a small table in place of the rows that are looked up
 * in it. Training is three times its forward pass.
 */
export function operationsOf(c: Case): number {
  const gates = { lstm: 4, gru: 3, rnn: 1 };
  const layer = (cell: keyof typeof gates, I: number, H: number): number => 2 * gates[cell] * H * (I + H);
  switch (c.kind) {
    case "train": {
      const rows = c.T * c.B;
      const looked = isSmallTable(c.V, rows) ? c.V : rows;
      const layers = layer(c.cell, 0, c.H) + (c.L - 1) * layer(c.cell, c.H, c.H);
      return 3 * (looked * 2 * gates[c.cell] * c.H * c.E + rows * (layers + 2 * c.H * c.V));
    }
    case "regress":
      return 3 * c.T * c.B * (layer("lstm", c.D, c.H) + 2 * c.H * c.D);
    case "sequence":
      return c.T * c.B * layer("lstm", c.H, c.H);
    case "stream":
      return layer("lstm", c.H, c.H);
    case "gemm":
      return 2 * c.m * c.k * c.n;
  }
}

/** Bytes of the weights that one step of a stream reads. */
export const streamBytes = ({ H, int8 }: Stream): number => 8 * H * H * (int8 ? 1 : 4);
