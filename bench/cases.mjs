/**
 * Which systems are measured beside ours in which case. A system is in a row only if it can do the same work and gives the same numbers.
 *
 * What is not measured, and why: ONNX Runtime does not train in Node. TensorFlow.js' wasm backend has no gradient of an embedding, so it trains
 * series only. Its GRU has the reset gate before the product and brain.js' too: they are measured in `char-gru-before`. brain.js' LSTM keeps
 * no cell state (the forget gate multiplies h) and its RNN rectifies, so neither is a peer of ours; brain.js updates by a
 * RMSprop of its own after every sequence. TensorFlow.js on the processor would take minutes for a step of `ptb`.
 */
import { cases as work } from "../dist/cli/bench/cases.js";

const peersOf = {
  "char-lstm": ["pytorch", "tensorflow.js-cpu"],
  "char-gru": ["pytorch"],
  "char-gru-before": ["tensorflow.js-cpu", "brain.js"],
  "char-rnn": ["pytorch", "tensorflow.js-cpu"],
  "ptb-small": ["pytorch"],
  "ptb-medium": ["pytorch"],
  forecast: ["pytorch", "tensorflow.js-wasm", "tensorflow.js-cpu"],
  sequence: ["onnxruntime-node", "onnxruntime-web", "pytorch"],
  stream: ["onnxruntime-node", "pytorch"],
  "stream-int8": ["onnxruntime-node"],
  gemm: ["pytorch"],
};

const group = (name) => name.slice(0, name.lastIndexOf("-"));

/** @type {Record<string, { work?: import("../src/cli/bench/cases.ts").Case, peers: string[] }>} */
export const cases = {
  ...Object.fromEntries(
    Object.entries(work).map(([name, c]) => [name, { work: c, peers: peersOf[name] ?? peersOf[group(name)] ?? [] }]),
  ),
  // Our own only: how time and memory grow, and how long it takes to begin.
  growth: { peers: [] },
  start: { peers: [] },
};
