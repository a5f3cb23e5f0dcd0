/** usage: node tensorflowjs.mjs FOLDER THREADS BACKEND. Runs a case in TensorFlow.js on its `cpu` or `wasm` backend. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { measure } from "../../dist/cli/bench/measure.js";
import { readData } from "../data.mjs";
import { report } from "./report.mjs";

const [folder, threads, backend] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const require = createRequire(new URL("../peers/", import.meta.url));
// The library tells its news on the console.
console.log = console.warn = console.info = () => {};
const tf = require("@tensorflow/tfjs");
if (backend === "wasm") {
  const wasm = require("@tensorflow/tfjs-backend-wasm");
  wasm.setWasmPaths(`${dirname(require.resolve("@tensorflow/tfjs-backend-wasm"))}/`);
  wasm.setThreadsCount(threads);
}
await tf.setBackend(backend);
await tf.ready();
const version = require("@tensorflow/tfjs/package.json").version;
const { c, numbers } = readData(folder);

const tensor = (name) => tf.tensor(numbers[name].data, numbers[name].shape);
/** PyTorch's rows [G·H, I] as columns [I, G·H]; a GRU's gates r, z, n stand as z, r, n. */
function kernel(name, cell) {
  const rows = cell === "gru" ? reordered(tensor(name)) : tensor(name);
  return rows.rank === 2 ? rows.transpose() : rows;
}
function reordered(rows) {
  const [r, z, n] = tf.split(rows, 3, 0);
  return tf.concat([z, r, n], 0);
}
function layer(cell, l, inputSize) {
  const make = { lstm: tf.layers.lstm, gru: tf.layers.gru, rnn: tf.layers.simpleRNN }[cell];
  const rnn = make({
    ...{ units: c.H, returnSequences: true, activation: "tanh", recurrentActivation: "sigmoid", unitForgetBias: false },
  });
  rnn.apply(tf.zeros([1, 1, inputSize])); // `build` alone would build its weights twice
  const bias = kernel(`rnn.bias_ih_l${l}`, cell).add(kernel(`rnn.bias_hh_l${l}`, cell));
  rnn.setWeights([kernel(`rnn.weight_ih_l${l}`, cell), kernel(`rnn.weight_hh_l${l}`, cell), bias]);
  return rnn;
}
/** [T, B, …] as [B, T, …], TensorFlow's order. */
const batchFirst = (x) => tf.transpose(x, [1, 0, ...Array.from({ length: x.rank - 2 }, (_, k) => k + 2)]);

/** A training step as PyTorch's and ours: gradients scaled together to a norm of 5 at most, then Adam. */
function training(layers, lossOf) {
  const optimizer = tf.train.adam(1e-3, 0.9, 0.999, 1e-8);
  const variables = layers.flatMap((l) => l.trainableWeights).map((w) => w.val);
  return () =>
    tf.tidy(() => {
      const { value, grads } = tf.variableGrads(lossOf, variables);
      const norm = tf.sqrt(tf.addN(Object.values(grads).map((g) => g.square().sum())));
      const scale = tf.minimum(1, tf.div(5, norm.add(1e-6)));
      optimizer.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, g]) => [name, g.mul(scale)])));
      return value.dataSync()[0];
    });
}
function head(inputSize) {
  const dense = tf.layers.dense({ units: numbers["head.bias"].shape[0] });
  dense.build([null, null, inputSize]);
  dense.setWeights([kernel("head.weight"), tensor("head.bias")]);
  return dense;
}

let run;
let check;
let note;
if (c.kind === "sequence") {
  const rnn = layer("lstm", 0, c.H);
  const input = batchFirst(tensor("input"));
  run = () => tf.tidy(() => rnn.apply(input).dataSync());
  // Ours lies [T, B, H]: the first numbers are those of the first step of the first example here as well.
  check = () => {
    const out = run();
    return [...out.subarray(0, 3), out.reduce((a, b) => a + b, 0)];
  };
} else {
  const text = c.kind === "train";
  const embedding = text ? tf.layers.embedding({ inputDim: c.V, outputDim: c.E }) : undefined;
  embedding?.build([null, null]);
  embedding?.setWeights([tensor("embedding.weight")]);
  const stack = Array.from({ length: c.L ?? 1 }, (_, l) => layer(c.cell ?? "lstm", l, l ? c.H : (c.E ?? c.D)));
  const output = head(c.H);
  const layers = [...(embedding ? [embedding] : []), ...stack, output];
  const input = batchFirst(tf.tensor(numbers[text ? "tokens" : "input"].data, [c.T, c.B, ...(text ? [] : [c.D])]));
  const target = batchFirst(tf.tensor(numbers[text ? "targets" : "target"].data, [c.T, c.B, ...(text ? [] : [c.D])]));
  const forward = () => layers.reduce((x, l) => l.apply(x), input);
  const classes = text ? tf.oneHot(target.flatten().toInt(), c.V) : undefined;
  const loss = text
    ? () => tf.losses.softmaxCrossEntropy(classes, forward().reshape([-1, c.V])).asScalar()
    : () => tf.losses.meanSquaredError(target, forward()).asScalar();
  run = training(layers, loss);
  // It has one bias where PyTorch and we have two, which learn at twice its rate: the loss before the first update must agree.
  check = () => [run()];
  note = "first loss compared: one bias vector where PyTorch has two";
}
const agree = check();
report({ version, agree, note, ...(await measure(run)) });
