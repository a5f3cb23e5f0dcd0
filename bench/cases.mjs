/**
 * What is measured. Letters as everywhere: B batch, T time, V vocabulary, H hidden size; E numbers of an embedding, L layers.
 *
 * @typedef {{ kind: "train", cell: "lstm" | "gru" | "rnn", V: number, E: number, H: number, L: number, B: number, T: number }} TextStep
 *   A whole training step of a language model: forward, cross entropy, backward, clipping at 5, Adam.
 * @typedef {{ kind: "regress", cell: "lstm", D: number, H: number, B: number, T: number }} SeriesStep
 *   A whole training step on series: LSTM, linear head at every step, mean squared error, clipping at 5, Adam.
 * @typedef {{ kind: "sequence", H: number, B: number, T: number }} Sequence Forward pass of an LSTM layer, input as wide as H.
 * @typedef {{ kind: "stream", H: number }} Stream One step of one sequence, input as wide as H, the state carried.
 * @typedef {{ kind: "gemm", m: number, k: number, n: number }} Gemm
 * @typedef {TextStep | SeriesStep | Sequence | Stream | Gemm} Case
 */

const characters = { kind: "train", V: 65, E: 64, H: 256, L: 2, B: 32, T: 64 };
const words = (size, B, T) => ({ kind: "train", cell: "lstm", V: 10000, E: size, H: size, L: 2, B, T });
const each = (name, sizes, make) => Object.fromEntries(sizes.map((H) => [`${name}-${H}`, make(H)]));

/** @type {Record<string, Case>} */
export const cases = {
  "char-lstm": { ...characters, cell: "lstm" },
  "char-gru": { ...characters, cell: "gru" },
  "char-rnn": { ...characters, cell: "rnn" },
  "ptb-small": words(200, 20, 20),
  "ptb-medium": words(650, 20, 35),
  forecast: { kind: "regress", cell: "lstm", D: 7, H: 64, B: 32, T: 96 },
  ...each("sequence", [64, 256, 512], (H) => ({ kind: "sequence", H, B: 16, T: 50 })),
  ...each("stream", [64, 128, 256, 512, 1024], (H) => ({ kind: "stream", H })),
  gemm: { kind: "gemm", m: 1024, k: 1024, n: 1024 },
};

/** Which systems can run which kind. */
export const peers = {
  train: ["pytorch"],
  regress: ["pytorch"],
  sequence: ["onnxruntime-node", "pytorch"],
  stream: ["onnxruntime-node", "pytorch"],
  gemm: ["pytorch"],
};
